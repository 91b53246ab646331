"""Settings and fixtures that all tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two threads on two shared cores are slower than one
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
import pytest

from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Events
from hitforge.simulation import SIMULATIONS
from tests.watchdog import (  # noqa: F401 (hooks of pytest)
    pytest_collection_finish,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
)

# A job in the background of a shell ignores interrupts, and so would the processes that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is timed: kernels compile at their first call, and the machine may be shared.
hypothesis.settings.register_profile("hitforge", deadline=None)
hypothesis.settings.load_profile("hitforge")


@pytest.fixture(scope="session")
def public_data() -> Path:
    """Folder of real data made by others; the test is skipped where it is absent."""
    folder = os.environ.get("HITFORGE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("HITFORGE_DATA must name a folder with public data for this test")
    return Path(folder)


@pytest.fixture(scope="session")
def barrel() -> Detector:
    """The crystal barrel with its standard settings."""
    return DETECTORS.build("crystal_barrel", where="test")


@pytest.fixture(scope="session")
def gun_events(barrel: Detector) -> Events:
    """Sixty-four simulated electrons and photons, without tracker material so that nothing slow is started."""
    block = {"name": "particle_gun", "train": 64, "validation": 0, "test": 0, "tracker_material": "none"}
    return SIMULATIONS.build(block, barrel, where="test").shard("train", 0)
