"""What made a result: versions, commit, machine, command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hitforge import __version__

_PACKAGES = (
    "numpy",
    "numba",
    "pyarrow",
    "torch",
    "lightning-fabric",
    "keras",
    "tensorflow-cpu",
    "xgboost-cpu",
    "pyacts",
)


def collect() -> dict[str, Any]:
    """Return versions, commit, machine and command as plain values that JSON can hold."""
    versions = {"hitforge": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "commit": _commit(),
        "versions": versions,
        "machine": {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count()},
    }


def _commit() -> str | None:
    """The commit of the source tree, with a mark where it was changed; None for an installed package."""
    root = Path(__file__).parents[3]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        try:
            run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        except OSError:  # no git on this machine
            return ""
        return run.stdout.strip() if run.returncode == 0 else ""

    commit = git("rev-parse", "HEAD")
    return f"{commit}-changed" if commit and git("status", "--porcelain", "--untracked-files=no") else commit or None


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
