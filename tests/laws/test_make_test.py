"""`make test` ends with a summary that fails, whatever becomes of a worker process."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WELL = "def test_well():\n    pass\n"
DEADLOCK = """
    import ctypes
    take, lock = ctypes.{library}(None).pthread_mutex_lock, ctypes.create_string_buffer(64)
    take(lock), take(lock)
"""
CASES = {
    "dies in the last test": "def test_last():\n    import ctypes\n    ctypes.string_at(0)\n",
    "waits in C with Python's lock": "def test_last():" + DEADLOCK.format(library="PyDLL"),
    "waits in C without it": "def test_last():" + DEADLOCK.format(library="CDLL"),
    "waits in Python": "def test_last():\n    import threading\n    threading.Event().wait()\n",
    "dies on import": "import os\nos._exit(3)\n",
    "waits on import": "if True:" + DEADLOCK.format(library="PyDLL"),
}
AT_THE_END = "import os\n\ndef pytest_sessionfinish(session):\n    {}\n"


def options() -> list[str]:
    """How the Makefile calls pytest."""
    pytest.importorskip("xdist")
    found = re.search(r"^PARALLEL := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert found
    return shlex.split(found[1])


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder with the project's options, but for shorter limits."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copy(ROOT / "tests" / "watchdog.py", folder / "conftest.py")
    limits = ["-o", "timeout=5", "-o", "faulthandler_timeout=8", "-o", "testpaths=."]
    command = [sys.executable, "-m", "pytest", *options(), *limits, "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["HITFORGE_TEST_IDLE"] = "10"
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=280
    )


@pytest.mark.parametrize("case", CASES)
def test_a_worker_that(case: str, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"test_{name}.py").write_text(WELL)
    (tmp_path / "test_z.py").write_text(WELL + CASES[case] if "import" not in case else CASES[case])
    done = run(tmp_path)
    assert done.returncode not in (0, None), done.stdout
    last = done.stdout.splitlines()[-1]
    if "on import" in case:
        assert "workers that died" in done.stdout
    else:
        assert re.search(r"1 failed, 4 passed", last), done.stdout[-3000:] + done.stderr[-3000:]
        assert "test_z.py::test_last" in done.stdout


def test_a_worker_that_dies_behind_its_last_test(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"test_{name}.py").write_text(WELL)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "test_d.py").write_text(WELL)
    (inner / "conftest.py").write_text(
        "import os\n\n\ndef pytest_sessionfinish():\n    if 'PYTEST_XDIST_WORKER' in os.environ:\n        os._exit(3)\n"
    )
    done = run(tmp_path)
    assert done.returncode == 1, done.stdout
    assert "workers that died" in done.stdout


def test_without_a_fault_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(WELL)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
