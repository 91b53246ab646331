"""Jobs in several processes: all are done, and what goes wrong is said."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.core.workers import in_processes

_STARTED: list[str] = []


def begin() -> None:
    _STARTED.append("yes")


def twice(number: int, word: str) -> tuple[int, str, int]:
    return 2 * number, word * len(_STARTED), os.getpid()


def fail(number: int) -> int:
    if number == 1:
        raise DataError("the number must be another", came=number)
    return number


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_each_job_is_done_once_in_processes_that_were_prepared(tmp_path: Path) -> None:
    seen: list[None] = []
    jobs = [(number, "a") for number in range(6)]
    done = dict(in_processes(twice, jobs, 2, tmp_path, print, start=begin, meanwhile=lambda: seen.append(None)))
    assert {job: result[:2] for job, result in done.items()} == {(n, "a"): (2 * n, "a") for n in range(6)}
    assert os.getpid() not in {result[2] for result in done.values()}
    assert seen
    assert list(in_processes(twice, [], 2, tmp_path, print)) == []


def test_an_error_and_a_killed_process_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be another; got: 1"):
        list(in_processes(fail, [(1,), (2,)], 1, tmp_path, print))
    with pytest.raises(RunError, match=r"ended without a result.*killed"):
        list(in_processes(die, [(1,)], 1, tmp_path, print))
