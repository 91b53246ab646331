"""Jobs in several processes: all are done, and what goes wrong is said."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
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


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def interrupt() -> None:
    raise KeyboardInterrupt


def test_an_interrupt_does_not_wait_for_what_is_half_done(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        list(in_processes(sleep, [(3600,), (3600,)], 2, tmp_path, print, meanwhile=interrupt))
    assert not [one for one in multiprocessing.active_children() if one.is_alive()]
    for _, result in in_processes(twice, [(1, "a"), (2, "a")], 1, tmp_path, print):
        assert result[0] in (2, 4)
        break  # nobody asks for the second one


def test_an_interrupt_of_a_terminal_ends_workers_without_a_word(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path\n"
        "from hitforge.core.workers import in_processes\n"
        "from waiting import wait\n"
        "if __name__ == '__main__':\n"
        "    list(in_processes(wait, [(1,), (2,)], 2, Path(), print))\n"
    )
    (tmp_path / "main.py").write_text(program)
    (tmp_path / "waiting.py").write_text(
        "import time\nfrom pathlib import Path\ndef wait(i):\n    Path(f'{i}.began').touch()\n    time.sleep(3600)\n"
    )
    for begun in (0, 1):  # while the first worker starts, and while it works
        process = subprocess.Popen(
            [sys.executable, "main.py"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        while len(list(tmp_path.glob("*.began"))) < begun or not children(process.pid):
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode != 0
        assert errors.count("Traceback") == 1, errors  # that of the program itself
        assert errors.rstrip().endswith("KeyboardInterrupt")


def children(process: int) -> list[str]:
    """Processes that a process started and that run a program of their own."""
    return Path(f"/proc/{process}/task/{process}/children").read_text().split()[1:]  # the first tracks resources


def test_an_error_and_a_killed_process_are_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="must be another; got: 1"):
        list(in_processes(fail, [(1,), (2,)], 1, tmp_path, print))
    with pytest.raises(RunError, match=r"ended without a result.*killed"):
        list(in_processes(die, [(1,)], 1, tmp_path, print))
