"""hitforge run: from a recipe's name to a summary."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import hitforge


def test_a_shipped_recipe_runs_in_an_empty_folder(tmp_path: Path) -> None:
    sizes = ("source.train=200", "source.validation=50", "source.test=100", "source.shard_size=50", "training.epochs=1")
    settings = [word for size in sizes for word in ("--set", size)]
    done = hitforge("run", "electron_photon/demo", "--workers", 1, *settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "roc_auc" in done.stdout
    assert (tmp_path / "runs" / "demo" / "report.html").exists()
