"""hitforge convert."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.cli.conftest import hitforge


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
