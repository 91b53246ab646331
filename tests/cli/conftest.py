"""The command line in a process of its own, a small recipe and its sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.tiny import TINY


def hitforge(*arguments: object, cwd: Path | None = None, columns: int = 160) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hitforge", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture(scope="session")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    evaluation = {"baselines": [{"name": "boosted_trees", "rounds": 10}], "saliency": 0}
    expect = {"metrics": {"test.roc_auc": {"value": 0.5, "tolerance": 0.5}}, "device": "any", "wall_s": 1}
    trees = {key: value for key, value in TINY.items() if key not in ("model", "representation", "training")}
    path.write_text(yaml.safe_dump({**trees, "evaluation": evaluation, "expect": expect}))
    return path


@pytest.fixture(scope="session")
def dataset(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    done = hitforge("simulate", recipe, "--out", folder, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "primary_pdg" in done.stdout
    return folder
