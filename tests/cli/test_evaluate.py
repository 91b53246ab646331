"""hitforge evaluate."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import hitforge


def test_a_run_is_measured_on_other_events(recipe: Path, tmp_path: Path) -> None:
    shared = ("--samples", tmp_path / "samples", "--workers", 1)
    assert hitforge("run", recipe, "--out", tmp_path / "run", *shared).returncode == 0
    again = ("evaluate", tmp_path / "run", "--out", tmp_path / "again", *shared)
    done = hitforge(*again, "--set", "source.seed=9", "--set", "source.train=0", "--set", "source.validation=0")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "again" / "report.html").exists()
