"""A small dataset and a small run that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hitforge as hf

SIZE = {"train": 120, "validation": 40, "test": 60}
BLOCKS: dict[str, Any] = {
    "title": "tiny",
    "detector": "crystal_barrel",
    "source": {"name": "particle_gun", **SIZE, "shard_size": 50, "tracker_material": "none"},
    "representation": {"name": "image", "rows": 8, "columns": 8, "channels": ["log_energy"]},
    "model": "plain_cnn",
    "task": "classify",
    "training": {"epochs": 1, "batch_size": 40, "precision": "fp32"},
    "evaluation": {"baselines": [{"name": "boosted_trees", "rounds": 10}], "saliency": 0},
}


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of samples, datasets and runs that tests share."""
    return tmp_path_factory.mktemp("library")


@pytest.fixture(scope="session")
def dataset(place: Path) -> hf.Dataset:
    """The sample of the small run."""
    return hf.simulate(BLOCKS, place / "sample")


@pytest.fixture(scope="session")
def tiny(place: Path) -> hf.Run:
    """A finished run, a network beside boosted trees."""
    return hf.run(BLOCKS, place / "runs" / "tiny", samples=place / "samples")
