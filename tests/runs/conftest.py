"""A small run that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.recipe.recipe import Recipe, resolve
from hitforge.runs.run import Session, run

TINY: dict[str, Any] = {
    "title": "tiny",
    "detector": {"name": "crystal_barrel"},
    "source": {
        "name": "particle_gun", "train": 300, "validation": 100, "test": 200, "shard_size": 100,
        "tracker_material": "none",
    },
    "representation": {"name": "image", "rows": 8, "columns": 8, "channels": ["log_energy", "gated_time"]},
    "model": {"name": "plain_cnn"},
    "task": {"name": "classify"},
    "training": {"epochs": 2, "batch_size": 50, "precision": "fp32"},
    "evaluation": {
        "baselines": [{"name": "boosted_trees", "rounds": 20}],
        "compare": [{"label": "energy only", "set": {"representation.channels": ["energy"]}}],
        "saliency": 2,
    },
}  # fmt: skip


def tiny(**blocks: Any) -> Recipe:
    """The small recipe with other blocks."""
    return resolve({**TINY, **blocks}, "tiny", Path())


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Samples that all tests of a process share."""
    return Session(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def finished(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of the small recipe."""
    return run(tiny(), tmp_path_factory.mktemp("runs") / "tiny", session)
