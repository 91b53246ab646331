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


def test_all_is_read_before_the_first_recipe_runs(recipe: Path, tmp_path: Path) -> None:
    silent = tmp_path / "silent.yaml"
    block = yaml.safe_load(recipe.read_text())
    del block["expect"]
    silent.write_text(yaml.safe_dump(block))
    done = hitforge("check", recipe, silent, "--out", tmp_path / "runs", "--samples", tmp_path / "samples")
    assert done.returncode == 2
    assert "no 'expect' block" in done.stderr
    same = hitforge("check", recipe, recipe, "--out", tmp_path / "runs", "--samples", tmp_path / "samples")
    assert "names that differ" in same.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["silent.yaml"]
