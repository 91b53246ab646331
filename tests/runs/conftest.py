"""A small run that several tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest

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
