"""hitforge run: from a recipe's name to a summary."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import hitforge


def test_a_shipped_recipe_runs_in_an_empty_folder(tmp_path: Path) -> None:
    sizes = ("source.train=200", "source.validation=50", "source.test=100", "source.shard_size=50", "training.epochs=1")
    settings = [word for size in sizes for word in ("--set", size)]
    done = hitforge("run", "electron_photon/demo", "--workers", 1, *settings, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "roc_auc" in done.stdout
    assert (tmp_path / "runs" / "demo" / "report.html").exists()


def test_a_folder_alone_is_enough_to_resume_to_measure_anew_and_to_be_told_what_differs(
    recipe: Path, tmp_path: Path
) -> None:
    shared = ("--samples", tmp_path / "samples", "--workers", 1)
    folder = tmp_path / "run"
    assert hitforge("run", recipe, "--out", folder, "--set", "source.test=120", *shared).returncode == 0
    done = hitforge("run", folder, *shared)
    assert done.returncode == 2
    assert "continued with --resume" in done.stderr
    (folder / "provenance.json").unlink()  # as if it had been interrupted
    assert hitforge("run", folder, "--resume", *shared).returncode == 0
    record = json.loads((folder / "provenance.json").read_text())
    assert record["settings"] == ["source.test=120"]
    assert record["wall_s"]["report"] > 0
    done = hitforge("run", folder, "--resume", "--set", "evaluation.metrics=[confusion]", *shared)
    assert done.returncode == 0, done.stderr
    assert not [name for name in json.loads((folder / "metrics.json").read_text()) if "roc_auc" in name]
    done = hitforge("run", recipe, "--out", folder, "--resume", *shared)
    assert done.returncode == 1
    assert "source.test: 120 in the folder, 200 asked for" in done.stderr


def test_a_dry_run_tells_what_a_run_would_take_and_leaves_nothing(recipe: Path, tmp_path: Path) -> None:
    done = hitforge("run", recipe, "--dry-run", "--workers", 1, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("sample", "600", "boosted_trees", "unknown", "total", "nothing is left behind"):
        assert words in done.stdout
    assert list(tmp_path.iterdir()) == []
