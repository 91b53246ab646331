"""Only one process works in a folder; the lock says who, and outlives nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.core.lock import hold

HOLD = "import sys, time; from pathlib import Path; from hitforge.core.lock import hold\n"
HOLD += "with hold(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_the_second_process_is_told_who_is_there(tmp_path: Path) -> None:
    process = holder(tmp_path / "run")
    try:
        with pytest.raises(RunError, match=rf"process {process.pid} on .*, since 20.*end it"), hold(tmp_path / "run"):
            pass
        with hold(tmp_path / "other"):
            pass
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_process_that_was_ended_leaves_the_folder_free(tmp_path: Path, number: signal.Signals) -> None:
    process = holder(tmp_path / "run")
    process.send_signal(number)
    process.communicate()
    with hold(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_belongs_to_another_process_now_is_no_holder(tmp_path: Path) -> None:
    with hold(tmp_path / "run"):
        mine = json.loads((tmp_path / ".run.lock").read_text())
    (tmp_path / ".run.lock").write_text(json.dumps({**mine, "born": "1"}))
    with hold(tmp_path / "run"):
        assert json.loads((tmp_path / ".run.lock").read_text())["born"] == mine["born"]


def test_what_another_machine_holds_is_left_alone(tmp_path: Path) -> None:
    lock = tmp_path / ".run.lock"
    lock.write_text(json.dumps({"host": "elsewhere", "pid": 7, "born": "1", "since": "2026-01-01"}))
    told = r"process 7 on elsewhere, since 2026-01-01.*delete .*\.run\.lock"
    with pytest.raises(RunError, match=told), hold(tmp_path / "run"):
        pass
    assert lock.exists()


def test_a_damaged_lock_is_no_licence(tmp_path: Path) -> None:
    (tmp_path / ".run.lock").write_text('{"pid"')
    with pytest.raises(RunError, match="left no name"), hold(tmp_path / "run"):
        pass


def test_threads_wait_for_each_other(tmp_path: Path) -> None:
    inside, most, told = [0], [0], list[str]()

    def work() -> None:
        with hold(tmp_path / "sample", told.append):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            time.sleep(0.05)
            inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert most[0] == 1
    assert len(told) >= 1
    assert f"process {os.getpid()}" in told[0]


def test_folders_made_for_the_lock_go_unless_they_are_used(tmp_path: Path) -> None:
    with hold(tmp_path / "a" / "b" / "run"):
        assert (tmp_path / "a" / "b").is_dir()
    assert not (tmp_path / "a").exists()
    with hold(tmp_path / "a" / "b" / "run"):
        (tmp_path / "a" / "b" / "run").mkdir()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["run"]


def test_a_file_system_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    with hold(tmp_path / "run"), pytest.raises(RunError, match=f"process {os.getpid()}"), hold(tmp_path / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


SCRIPT = """
from pathlib import Path
from hitforge.core.lock import hold
from hitforge.core.workers import in_processes

def twice(number):
    return 2 * number

with hold(Path("held"), print):
    print(list(in_processes(twice, [(1,), (2,)], 2, Path("held"), print)))
"""


def test_a_script_that_begins_again_in_its_workers_is_told(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "a call at its top level, which each worker process repeats" in done.stderr
    assert done.stderr.rstrip().endswith("""a script must call this below 'if __name__ == "__main__":'.""")


def test_a_folder_has_one_lock_whatever_it_is_called(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    with hold(tmp_path / "run"), pytest.raises(RunError, match="only one process"), hold(tmp_path / "link"):
        pass


def test_the_root_of_all_folders_is_not_held() -> None:
    with pytest.raises(DataError, match="root of all folders"), hold(Path("/")):
        pass


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(DataError, match=r"a folder must stand here; got: a file; where: .*file\."),
        hold(tmp_path / "file" / "run"),
    ):
        pass
