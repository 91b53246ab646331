"""hitforge check: numbers against what is expected."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.cli.conftest import hitforge


def test_check_runs_and_compares(recipe: Path, tmp_path: Path) -> None:
    done = hitforge("check", recipe, "--out", tmp_path, "--samples", tmp_path / "samples", "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "as expected" in done.stdout
    wrong = tmp_path / "wrong.yaml"
    block = yaml.safe_load(recipe.read_text())
    block["expect"]["metrics"]["test.roc_auc"] = {"value": 0.2, "tolerance": 0.01}
    wrong.write_text(yaml.safe_dump(block))
    done = hitforge("check", wrong, "--out", tmp_path, "--samples", tmp_path / "samples", "--workers", 1)
    assert done.returncode == 1
    assert "differs" in done.stdout
