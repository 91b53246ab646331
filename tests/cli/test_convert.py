"""hitforge convert."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.cli.convert import blocks_of
from hitforge.events import Dataset
from tests.cli.conftest import hitforge


def points_file(path: Path, outside: int = 0) -> Path:
    """Four events of one point each in the detector, and some with another one beside it."""
    points = np.zeros((4, 2, 4), np.float32)
    points[:, 0] = [12.5, 3, -27.5, 1e-3]
    points[:outside, 1] = [1e6, 3, 0, 2e-3]
    with h5py.File(path, "w") as file:
        file["events"], file["energy"] = points, np.full((4, 1), 10.0, np.float32)
    return path


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
    assert any(line.startswith("dropped_hits: 3 in 2 of ") for line in lines)
    assert any(line.startswith("dropped_outside: 2 in 2 of ") for line in lines)
    assert any(line.startswith("dropped_unknown_layer: 1 in 1 of ") for line in lines)
    assert any(line.startswith("dropped_energy: 0.007") for line in lines)


ILD = ("--from", "ild_points", "--detector", "ild_ecal", "--set", "depth=layer", "--workers", 1)


def test_many_files_and_patterns_become_one_dataset(tmp_path: Path) -> None:
    for number, outside in ((10, 3), (2, 0), (1, 1)):
        points_file(tmp_path / f"run{number}.h5", outside)
    done = hitforge("convert", tmp_path / "run*.h5", tmp_path / "pattern", *ILD)
    assert done.returncode == 0, done.stderr
    index = json.loads((tmp_path / "pattern" / "dataset.json").read_text())
    assert [Path(name).name for name in index["files"]] == ["run1.h5", "run2.h5", "run10.h5"]
    assert len(index["description"]["inputs"]) == 3
    (events,) = Dataset(tmp_path / "pattern").read("test")
    assert sorted(zip(events.field("file").tolist(), events.field("event").tolist(), strict=True)) == [
        (file, event) for file in range(3) for event in range(4)
    ]
    lines = done.stdout.splitlines()
    assert any(line.startswith("dropped_outside: 4 in 4 of ") for line in lines)
    assert any(line.startswith("  ") and line.endswith("run10.h5: 3 in 3 events") for line in lines)
    assert not any("run2.h5: " in line for line in lines)
    names = [tmp_path / f"run{number}.h5" for number in (1, 2, 10)]
    done = hitforge("convert", *names, tmp_path / "names", *ILD, "--set", "source.test=1")
    assert done.returncode == 0, done.stderr
    assert Dataset(tmp_path / "names").hash() == Dataset(tmp_path / "pattern").hash()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{a}", "{a}", "x", *ILD), "each file must be named once"),
        (("none*.h5", "x", *ILD), "the pattern 'none*.h5' must match a file"),
        (("{a}", *ILD), "what to read and, last, what to make"),
        (("{a}", "{b}", *ILD), "the last path must be the dataset to make"),
        (("{a}", "x", *ILD, "--split", "train"), "--split has no effect with --from"),
        (("{a}", "x", *ILD, "--set", "path=b"), "the files are named by themselves"),
        (("{d}", "x.h5", "--to", "ml4sci_hdf5", "--set", "limit=3"), "--set has no effect with --to"),
        (("{d}", "x.h5", "--to", "ml4sci_hdf5", "--detector", "hgcal"), "--detector has no effect with --to"),
        (("{d}", "x.h5", "--to", "ml4sci_hdf5", "--workers", 2), "--workers has no effect with --to"),
        (("{d}", "{d}", "x.h5", "--to", "ml4sci_hdf5"), "--to writes one dataset to one file"),
        (("{d}", "x", "--to", "ml4sci_hdf5", "--from", "acts"), "either --from or --to"),
    ],
)
def test_no_argument_is_ignored(arguments: tuple[object, ...], message: str, dataset: Path, tmp_path: Path) -> None:
    names = {"a": points_file(tmp_path / "a.h5"), "b": points_file(tmp_path / "b.h5"), "d": dataset}
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    done = hitforge("convert", *(str(text).format(**names) for text in arguments), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_settings_go_to_the_reader_or_to_the_block_that_they_name() -> None:
    told = blocks_of(["limit=3", "source.test=0.5", "detector.rows=8"])
    assert told == {"source": {"limit": 3, "test": 0.5}, "detector": {"rows": 8}}
