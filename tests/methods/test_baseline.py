"""Classical algorithms as methods: what they are shown, and which hits count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.objects import KINDS
from hitforge.representations.hits.shower_hits import ShowerHits
from hitforge.simulation import SIMULATIONS
from hitforge.tasks import TASKS
from tests.small_samples import TARGET, OneEvent, Parts, answers
from tests.track_events import event


@pytest.mark.parametrize(
    ("own", "network", "hits"), [(None, "absent", 6), ((0,), "absent", 4), (None, (1,), 2), ((0,), None, 6)]
)
def test_hits_count_in_the_regions_of_interest(own: Any, network: Any, hits: int, tmp_path: Path) -> None:
    one, algorithm = event([[0]] * 6), Parts(own)  # layers 0 to 3 are of subsystem 0, the others of 1
    representation = None if network == "absent" else Parts(network)
    found = answers(algorithm, TARGET, OneEvent(one), tmp_path, representation)  # type: ignore[arg-type]
    for table in ("particles", "tracks", "matches"):
        assert found.tables[table]["hits"].tolist() == [hits]


def test_classical_showers_are_found_event_by_event_and_count_in_the_square_alone(tmp_path: Path) -> None:
    detector = DETECTORS.build("hgcal", where="test")
    gun = {"name": "multi_shower_gun", "train": 6, "validation": 0, "test": 0, "seed": 3}
    events = SIMULATIONS.build(gun, detector, where="test").shard("train", 0)
    task: Any = TASKS.build("detect_showers", detector, where="test")
    clue = BASELINES.build({"name": "clue", "scan_events": 0}, detector, task, where="test")
    clue.fit(lambda: iter([events]), lambda: iter([]), 1, Progress())
    narrow, sample = ShowerHits(ShowerHits.Config(size=120.0), detector), OneEvent(events, events)
    kind = KINDS.build("shower", detector, where="test")
    square, whole = (
        answers(clue, kind, sample, tmp_path, narrow, tile)  # type: ignore[arg-type]
        for tile in (0.0, 60.0)
    )
    together = clue.find(Events.concatenate([events, events])).parameters
    assert together is not None
    for name in ("score", "energy", "hadron"):
        np.testing.assert_allclose(whole.tables["showers"][name], together[name], rtol=1e-6)
    assert json.loads((tmp_path / "stages.json").read_text())["clustering"]["n"] == 12
    roi = narrow.region(Events.concatenate([events, events]))
    begin = np.tile(events.hits.offsets[:-1], 2) + np.repeat([0, events.hits.rows], len(events))
    for made, all_in in ((square, True), (whole, False)):
        members = made.tables["members"]
        assert roi[begin[members.event] + members["hit"]].all() == all_in
    deposited = [made.tables["particles"]["deposited"].sum() for made in (square, whole)]
    assert deposited[0] < deposited[1]
