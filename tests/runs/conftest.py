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


CALORIMETER: dict[str, Any] = {
    "title": "sum",
    "detector": {"name": "hgcal"},
    "source": {"name": "shower_gun", "pdg": [11], "energy": [20, 100], "window": 110, "train": 40, "validation": 10,
               "test": 20, "shard_size": 20},
    "task": {"name": "shower", "quantities": ["energy", "barycentre"]},
    "evaluation": {"baselines": [{"name": "weighted_sum"}], "metrics": ["energy_resolution"], "fields": ["energy"]},
}  # fmt: skip
SHOWERS: dict[str, Any] = {
    "title": "density",
    "detector": {"name": "hgcal"},
    "source": {"name": "multi_shower_gun", "particles": [2, 4], "energy": [20, 100], "spread": 120, "window": 370,
               "train": 6, "validation": 2, "test": 4, "shard_size": 2},
    "target": {"name": "shower", "min_deposited": 3.0},
    "task": {"name": "detect_showers"},
    "evaluation": {"baselines": [{"name": "clue"}], "fields": ["multiplicity"]},
}  # fmt: skip


@pytest.fixture(scope="session")
def regression(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that measures energies and barycentres, by a classical algorithm alone."""
    return run(resolve(CALORIMETER, "sum", Path()), tmp_path_factory.mktemp("runs") / "sum", session)


@pytest.fixture(scope="session")
def objects(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that finds showers, by a classical algorithm alone."""
    return run(resolve(SHOWERS, "density", Path()), tmp_path_factory.mktemp("runs") / "density", session)
