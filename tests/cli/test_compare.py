"""hitforge compare."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import hitforge


def test_two_runs_are_compared_and_a_report_is_written(recipe: Path, tmp_path: Path) -> None:
    shared = ("--samples", tmp_path / "samples", "--workers", 1)
    assert hitforge("run", recipe, "--out", tmp_path / "a", *shared).returncode == 0
    rounds = "evaluation.baselines.0.rounds=2"
    assert hitforge("run", recipe, "--out", tmp_path / "b", "--set", rounds, *shared).returncode == 0
    done = hitforge("compare", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "both")
    assert done.returncode == 0, done.stderr
    for words in ("boosted trees (a)", "roc_auc_difference", "paired on the same events", "evaluation.baselines"):
        assert words in done.stdout
    assert (tmp_path / "both" / "report.html").stat().st_size > 10_000
    assert hitforge("compare", tmp_path / "a").returncode == 1
