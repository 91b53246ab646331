"""hitforge simulate."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.conftest import hitforge


def test_termination_is_said_and_leaves_no_dataset(recipe: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hitforge", "simulate", str(recipe), "--out", str(tmp_path / "d"), "--workers", "1",
         "--set", "source.train=2000000"], stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    for _ in range(600):
        if (tmp_path / "d").exists() and any((tmp_path / "d").glob("*.parquet")):
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in errors
    done = hitforge("inspect", tmp_path / "d")
    assert done.returncode == 1
    assert "of 20003 shards" in done.stderr
