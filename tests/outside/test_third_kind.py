"""A kind of object that is made of files in another package alone passes through all rooms."""

from __future__ import annotations

import json
import os
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


def hitforge(folder: Path, *arguments: str) -> str:
    """Run a verb where the other package is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path), str(HERE)])}
    command = [sys.executable, "-m", "hitforge", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blobs")
    (folder / "blobs.yaml").write_text(RECIPE)
    hitforge(folder, "run", "blobs.yaml", "--out", "run")
    return folder


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


def test_it_is_listed(folder: Path) -> None:
    assert "blob" in hitforge(folder, "list", "objects")
