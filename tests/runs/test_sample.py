"""Samples are shared by recipes that ask for the same events, and described truthfully."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from hitforge.core.progress import Progress
from hitforge.runs.run import Session
from hitforge.runs.sample import describe
from tests.tiny import TINY, tiny


def test_same_blocks_same_sample_other_blocks_another(session: Session) -> None:
    first = session.dataset(tiny())
    assert session.dataset(tiny(training={"seed": 7})).path == first.path
    other = session.dataset(tiny(source={**TINY["source"], "seed": 2}))
    assert other.path != first.path
    assert other.hash("test") != first.hash("test")


def test_more_training_events_leave_the_test_events(session: Session) -> None:
    more = session.dataset(tiny(source={**TINY["source"], "train": 400}))
    assert more.hash("test") == session.dataset(tiny()).hash("test")


def test_description_counts_every_event_once(session: Session, tmp_path: Path) -> None:
    recipe = tiny()
    describe(recipe, session.dataset(recipe), session.samples, 1, Progress(), tmp_path)
    info = json.loads((tmp_path / "sample.json").read_text())
    arrays = np.load(tmp_path / "sample.npz")
    assert info["classes"] == ["photon", "electron"]
    for name in info["classes"]:
        assert arrays[f"mean_{name}"].shape == (8, 8, 2)
        assert sum(info["histograms"]["energy sum [GeV]"][name]) <= 100
        assert 40 < info["histograms"]["energy sum [GeV]"]["median"][name] < 90
