"""Small files of showers in HDF5, and how they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.readers.calochallenge import Calochallenge

CLOUD = DETECTORS.build("point_cloud", where="test")
NAMES = ("showers", "incident_energies")


def reader(*paths: Path, **values: Any) -> Calochallenge:
    small = {"layers": 3, "angular": 4, "radial": 2, "validation": 0.0, "test": 1.0, **values}
    return Calochallenge(
        Calochallenge.Config.read({"path": [str(path) for path in paths], **small}, where="test"), CLOUD
    )


def values(rows: int = 20, scale: float = 1.0) -> np.ndarray:
    return (np.arange(rows * 24.0).reshape(rows, 24) + 1) * scale


def save(path: Path, showers: np.ndarray | None = None, rows: int = 20, **options: Any) -> Path:
    """Write showers and energies; ``showers`` None leaves them to the caller."""
    with h5py.File(path, "w") as file:
        file["incident_energies"] = np.full((rows, 1), 1e3)
        if showers is not None:
            file.create_dataset("showers", data=showers, **options)
    return path


def total(*paths: Path, **settings: Any) -> float:
    """Energy of all events [MeV]."""
    return float(reader(*paths, **settings).shard("test", 0).hits["energy"].sum(dtype=np.float64) * 1e3)


def halves(tmp_path: Path, rows: tuple[int, int] = (10, 10), **options: Any) -> Path:
    """A virtual array over two files."""
    for name, part in zip("ab", np.split(values(), 2), strict=True):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            file.create_dataset("part", data=part, **options)
    path = save(tmp_path / "whole.h5")
    layout = h5py.VirtualLayout((20, 24), float)
    layout[: rows[0]] = h5py.VirtualSource("a.h5", "part", (10, 24))[: rows[0]]
    layout[20 - rows[1] :] = h5py.VirtualSource("b.h5", "part", (10, 24))[10 - rows[1] :]
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("showers", layout)
    return path
