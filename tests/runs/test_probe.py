"""A few events tell what all of them take."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.runs.probe import counts_of, probe, smaller
from hitforge.runs.run import Session
from tests.tiny import tiny


def test_a_few_events_tell_the_size_of_a_sample(session: Session) -> None:
    recipe = tiny()
    told = probe(recipe.source, 0.5)
    assert told.counts == {"train": 300, "validation": 100, "test": 200}
    assert told.seconds > 0
    files = [path.stat().st_size for path in session.dataset(recipe).path.glob("*.parquet")]
    assert told.disk * 600 == pytest.approx(sum(files), rel=0.3)
    assert 4 <= len(told.events) <= 256


def test_a_smaller_simulation_is_the_same_one() -> None:
    source = tiny().source
    few = smaller(source, {"train": 7, "validation": 0, "test": 0}, 5)
    assert few.splits() == {"train": 2, "validation": 0, "test": 0}
    assert type(few) is type(source)
    assert few.config.pt == source.config.pt
    assert counts_of(source) == {"train": 300, "validation": 100, "test": 200}


def test_files_are_as_large_as_their_first_shard(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    images = np.where(random.random((200, 32, 32, 2)) < 0.05, random.random((200, 32, 32, 2)), 0).astype(np.float32)
    images[:, 16, 16, 0] = 2
    with h5py.File(tmp_path / "images.h5", "w") as file:
        file["X"], file["y"] = images, np.arange(200) % 2
    recipe = tiny(
        detector={"name": "pixel_grid"}, source={"name": "ml4sci_hdf5", "path": str(tmp_path / "images.h5")},
        model=None, representation=None, evaluation={"baselines": [{"name": "boosted_trees", "rounds": 5}]},
    )  # fmt: skip
    assert counts_of(recipe.source) is None
    told = probe(recipe.source)
    assert set(told.counts) == {"train", "validation", "test"}
    assert told.disk > 0
