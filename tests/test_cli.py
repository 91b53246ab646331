"""The command line: each verb does its work, and each mistake is one line that helps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from tests.tiny import TINY

VERBS = ("simulate", "run", "evaluate", "check", "convert", "inspect", "display", "list", "fetch")


def hitforge(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hitforge.cli", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=cwd, env={**os.environ, "COLUMNS": "160", "NO_COLOR": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    evaluation = {"baselines": [{"name": "boosted_trees", "rounds": 10}], "saliency": 0}
    expect = {"metrics": {"test.roc_auc": {"value": 0.5, "tolerance": 0.5}}, "device": "any", "wall_s": 1}
    trees = {key: value for key, value in TINY.items() if key not in ("model", "representation", "training")}
    path.write_text(yaml.safe_dump({**trees, "evaluation": evaluation, "expect": expect}))
    return path


@pytest.fixture(scope="module")
def dataset(recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "sample"
    done = hitforge("simulate", recipe, "--out", folder, "--workers", 1)
    assert done.returncode == 0, done.stderr
    assert "primary_pdg" in done.stdout
    return folder


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb: str) -> None:
    done = hitforge(verb, "--help")
    assert done.returncode == 0
    assert f"hitforge {verb}" in done.stdout


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


def test_inspect_and_display(recipe: Path, dataset: Path, tmp_path: Path) -> None:
    assert "shard_size: 100" in hitforge("inspect", recipe).stdout
    assert "every shard is as it was written" in hitforge("inspect", dataset, "--verify").stdout
    for name in ("event.png", "event.html"):
        done = hitforge("display", dataset, "--event", 3, "--out", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert (tmp_path / name).stat().st_size > 5000
    done = hitforge("display", dataset, "--event", 200, "--out", tmp_path / "x.png")
    assert done.returncode == 2
    assert "200 events" in done.stderr


def test_convert_there_and_back(dataset: Path, tmp_path: Path) -> None:
    done = hitforge("convert", dataset, tmp_path / "t.h5", "--to", "ml4sci_hdf5")
    assert done.returncode == 0, done.stderr
    done = hitforge("convert", tmp_path / "t.h5", tmp_path / "back", "--from", "ml4sci_hdf5", "--workers", 1)
    assert done.returncode == 0, done.stderr
    split = [int(line.split("│")[3]) for line in hitforge("inspect", tmp_path / "back").stdout.splitlines()[4:7]]
    assert sum(split) == 200
    assert hitforge("convert", tmp_path / "t.h5", tmp_path / "x").returncode == 2


def test_convert_reports_what_a_reader_left_out(tmp_path: Path) -> None:
    points = np.zeros((4, 3, 4), np.float32)
    points[:, 0] = [12.5, 3, -27.5, 1e-3]
    points[0, 1] = [1e6, 3, 0, 2e-3]  # beside the detector
    points[2, 1:] = [[1e6, 3, 0, 1e-3], [0, 999, 0, 4e-3]]  # beside it, and in a layer that it does not have
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events"], file["energy"] = points, np.full((4, 1), 10.0, np.float32)
    done = hitforge("convert", tmp_path / "a.h5", tmp_path / "d", "--from", "ild_points", "--detector", "ild_ecal",
                    "--set", "depth=layer", "--set", "test=0.5", "--workers", 1)  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "dropped_hits: 3 in 2 events" in lines
    assert "dropped_outside: 2 in 2 events" in lines
    assert "dropped_unknown_layer: 1 in 1 events" in lines
    assert any(line.startswith("dropped_energy [GeV]: 0.007") for line in lines)


def test_list_shows_rooms_plugins_and_settings() -> None:
    assert "vision_transformer" in hitforge("list").stdout
    assert "crystal_barrel" not in hitforge("list", "models").stdout
    assert "widths" in hitforge("list", "residual").stdout
    assert "position_resolution" in hitforge("list", "report.sections").stdout
    done = hitforge("list", "modls")
    assert done.returncode == 2
    assert "did you mean 'models'" in done.stderr


def test_fetch_lists_what_there_is() -> None:
    assert "MIT" in hitforge("fetch").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "no.yaml"), "readable"),
        (("run", "{recipe}", "--set", "task.nam=3"), "unknown key 'nam'"),
        (("run", "{recipe}", "--set", "taks=3"), "did you mean 'task'"),
        (("inspect", "."), "dataset.json"),
        (("evaluate", ".", "--out", "x"), "unfinished run"),
        (("fetch", "nothing"), "nothing"),
        (("runn",), "No such command"),
    ],
)
def test_mistake_is_one_line_without_a_traceback(
    arguments: tuple[str, ...], message: str, recipe: Path, tmp_path: Path
) -> None:
    done = hitforge(*(text.format(recipe=recipe) for text in arguments), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_termination_is_said_and_leaves_no_dataset(recipe: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "hitforge.cli", "simulate", str(recipe), "--out", str(tmp_path / "d"), "--workers", "1",
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
