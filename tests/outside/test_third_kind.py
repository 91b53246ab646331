"""A kind of object of another package passes through all rooms, installed from the wheel of that package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
RECIPE = """
title: Blobs
detector: {name: point_cloud}
source: {name: blob_gun}
target: {name: blob, min_hits: 6}
representation: {name: blob_hits}
model: {name: blob_network}
task: {name: find_blobs}
training: {epochs: 2, batch_size: 1, monitor: loss, threads: 1, precision: fp32}
evaluation: {baselines: [blob_lattice], metrics: [blob_efficiency, object_counts], fields: []}
"""


PLUGINS = [
    ("objects", "blob"),
    ("simulation", "blob_gun"),
    ("representations", "blob_hits"),
    ("models", "blob_network"),
    ("tasks", "find_blobs"),
    ("baselines", "blob_lattice"),
    ("metrics", "blob_efficiency"),
    ("report.sections", "blob_efficiency"),
    ("report.events", "blob"),
]


def python(folder: Path, *arguments: str) -> str:
    """Run Python where the other package is installed, in the folder ``site``; return what it says."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(folder / "site")])}
    environment |= {"COLUMNS": "200", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def hitforge(folder: Path, *arguments: str) -> str:
    """Run a verb."""
    return python(folder, "-m", "hitforge", *arguments)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where the package is installed from a wheel that was built of a copy of its source, without network."""
    folder = tmp_path_factory.mktemp("blobs")
    shutil.copytree(HERE / "blob_kind", folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    python(folder, "-m", "pip", "wheel", "./source", "--no-build-isolation", "--wheel-dir", "wheels", *offline)
    wheel = next((folder / "wheels").glob("blob_kind-1.0-*.whl"))
    python(folder, "-m", "pip", "install", str(wheel), "--target", "site", *offline)
    shutil.rmtree(folder / "source")
    return folder


@pytest.fixture(scope="module")
def folder(installed: Path) -> Path:
    (installed / "blobs.yaml").write_text(RECIPE)
    hitforge(installed, "run", "blobs.yaml", "--out", "run")
    return installed


def test_it_keeps_the_contracts_of_all_rooms(installed: Path) -> None:
    inputs = "inputs={'nodes': (2,), 'event': ()}"
    lines = [f"conforms({room!r}, {name!r}, {inputs if room == 'models' else ''})" for room, name in PLUGINS]
    more = ["from hitforge.detectors import DETECTORS", "from hitforge.simulation import SIMULATIONS"]
    more += ["cloud = DETECTORS.build('point_cloud', where='test')"]
    more += ["events = SIMULATIONS.build('blob_gun', cloud, where='test').shard('test', 0)"]
    lines[2] = "conforms('representations', 'blob_hits', detector=cloud, events=events)"
    python(installed, "-c", "\n".join(["from hitforge.testing import conforms", *more, *lines]))


def test_it_is_trained_measured_and_reported(folder: Path) -> None:
    for part in ("run", "run/baselines/blob_lattice"):
        values = json.loads((folder / part / "metrics.json").read_text())
        assert values["test.blob_efficiency"]["value"] > 0.9
        assert values["test.blob_efficiency"]["definition"] == "blobs of 6 hits and more"
        assert 2 <= values["test.blobs_per_event"]["value"] <= 5
    report = (folder / "run" / "report.html").read_text()
    assert "blob_efficiency" in report or "blob efficiency" in report


def test_the_run_names_the_package_with_its_version(folder: Path) -> None:
    record = json.loads((folder / "run" / "provenance.json").read_text())
    assert record["packages"] == {"blob-kind": "1.0"}


def test_its_events_are_kept_for_pictures(folder: Path) -> None:
    with np.load(folder / "run" / "display_blob.npz", allow_pickle=False) as shown:
        assert len(shown["x"]) == len(shown["owner"]) > 10
        assert shown["owner"].max() >= 1


def test_its_section_and_its_events_stand_in_the_report(folder: Path) -> None:
    report = (folder / "run" / "report.html").read_text()
    assert '<section id="blobs">' in report
    assert 'alt="Share of blobs that are found"' in report
    assert '<th scope="col">blobs found [%]</th>' in report
    with np.load(folder / "run" / "display_blob.npz", allow_pickle=False) as shown:
        assert f'alt="{len(shown["x"])} hits of blobs"' in report


def test_it_is_simulated_and_drawn(folder: Path) -> None:
    hitforge(folder, "simulate", "blobs.yaml", "--out", "sample")
    assert "particles" in hitforge(folder, "inspect", "sample")
    hitforge(folder, "display", "sample", "--out", "event.html")
    assert (folder / "event.html").stat().st_size > 1000


def test_it_is_listed_with_its_package(installed: Path) -> None:
    for room, name in PLUGINS:
        line = next(line for line in hitforge(installed, "list", room).splitlines() if line.startswith(f"  {name} "))
        assert line.rstrip().endswith("[blob-kind 1.0]")
    assert "hits of a blob that is to be found" in hitforge(installed, "list", "blob")
