"""All that a run waited for stands in one of its stages."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from hitforge.runs import times as module
from hitforge.runs.times import Times


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def wait(self, seconds: float, error: type[BaseException]) -> None:
        self.now += seconds
        raise error


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    mine = Clock()
    monkeypatch.setattr(module, "time", mine)
    return mine


def test_a_stage_inside_another_is_counted_once(tmp_path: Path, clock: Clock) -> None:
    times = Times(tmp_path)
    with times.stage("other"):
        clock.now += 1
        with times.stage("train"):
            clock.now += 10
            with times.stage("start"):
                clock.now += 5
            assert times.now() == {"start": 5, "train": 10, "other": 1, "total": 16}
        clock.now += 2
        with times.stage("report"):
            clock.now += 4
    assert times.now() == {"start": 5, "train": 10, "report": 4, "other": 3, "total": 22}


def test_times_add_up_over_interruptions(tmp_path: Path, clock: Clock) -> None:
    times = Times(tmp_path)
    with pytest.raises(KeyboardInterrupt), times.stage("other"), times.stage("train"):
        clock.wait(7, KeyboardInterrupt)
    clock.now += 1000  # nobody waits
    again = Times(tmp_path)
    with again.stage("train"):
        clock.now += 3
    assert again.now() == {"train": 10, "other": 0, "total": 10}
    assert json.loads((tmp_path / "times.json").read_text())["train"] == 10


def test_nothing_is_written_before_there_is_a_run(tmp_path: Path) -> None:
    times = Times(tmp_path / "run")
    with times.stage("other"):
        time.sleep(0)
    assert not (tmp_path / "run").exists()
