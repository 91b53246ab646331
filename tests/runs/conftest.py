"""A small run that several tests look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hitforge.recipe.recipe import resolve
from hitforge.runs.run import Session, run
from tests.tiny import tiny


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
