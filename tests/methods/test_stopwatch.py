"""Times are kept event by event, and told as medians."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hitforge.methods.stopwatch import Stopwatch


def test_each_use_of_a_stage_is_one_time() -> None:
    watch = Stopwatch()
    for _ in range(3):
        with watch.stage("network"):
            pass
    assert len(watch.seconds["network"]) == 3
    assert min(watch.seconds["network"]) >= 0.0


def test_a_stage_that_fails_is_not_timed() -> None:
    watch = Stopwatch()
    with pytest.raises(ValueError, match="stop"), watch.stage("network"):
        raise ValueError("stop")
    assert watch.seconds == {}


def test_times_of_others_are_added_and_told_in_milliseconds(tmp_path: Path) -> None:
    watch = Stopwatch()
    watch.add({"fit": np.array([0.001, 0.002]), "search": np.zeros(0)})
    watch.add({"fit": np.arange(3, 12) / 1000})
    del watch.seconds["search"]
    watch.write(tmp_path)
    told = json.loads((tmp_path / "stages.json").read_text())
    assert told.pop("peak_memory_mib") > 1
    assert told == {"fit": {"median_ms": pytest.approx(6.0), "p90_ms": pytest.approx(10.0), "n": 11}}
