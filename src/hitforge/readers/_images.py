"""Calorimeter images to events: checks, zero suppression, cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import GridDetector
from hitforge.events import Collection, Events, FieldInfo

PDG = np.array([22, 11])
"""Label in the file (0, 1) -> PDG number; the files do not tell electrons from positrons."""
LABELS = ("photon", "electron")
"""Names of the labels 0 and 1."""


class ImageConfig(config.Config):
    """Settings of every reader of images."""

    energy_unit: float = Field(50.0, gt=0, description="energy of a pixel with value 1 [GeV]; ML4SCI: 50")
    time_unit: float = Field(1.0, gt=0, description="time of a pixel with value 1 [ns]; the files do not say it")
    threshold: float = Field(0.0, ge=0, description="zero suppression: pixels up to this energy are not hits [GeV]")
    negative: float = Field(
        0.2, ge=0, description="a pixel below minus this is an error, noise may lie above [GeV]; not hits either way"
    )
    shard_events: int = Field(10_000, ge=1, description="most events in a shard")


def to_events(energy: Array, time: Array | None, label: Array | None, detector: GridDetector, c: ImageConfig) -> Events:
    """Turn checked images into events on the detector's grid.

    Args:
        energy: (N, rows, columns) in units of the file.
        time: The same shape, or None where there is none.
        label: (N,), 0 or 1; None where it is not known: the events then have no ``primary_pdg``.
        detector: A grid of the image's shape; the seed is its middle, ``[rows // 2, columns // 2]``.
        c: Units and threshold.
    """
    gev = energy.astype(np.float64) * c.energy_unit
    lit = gev > c.threshold  # (N, rows, columns)
    event, row, column = np.nonzero(lit)
    cell = detector.cell_of(row, column)
    position = detector.position(cell)
    nothing = np.zeros(len(cell))
    hits = {
        "x": position[:, 0],
        "y": position[:, 1],
        "z": position[:, 2],
        "time": nothing if time is None else time[lit] * c.time_unit,
        "energy": gev[lit],
        "cell": cell,
        "layer": nothing,
        "subsystem": nothing,
    }
    rows, columns = energy.shape[1:]
    seed = detector.cell_of(np.array([rows // 2]), np.array([columns // 2]))
    known = {} if label is None else {
        "primary_pdg": (PDG[label], FieldInfo("int32", "", "true particle, PDG number; 11 for either charge")),
    }  # fmt: skip
    fields = known | {
        "seed_cell": (np.repeat(seed, len(energy)), FieldInfo("int64", "", "cell in the middle of the image")),
        "dropped_energy": (
            np.where(lit, 0, gev).sum(axis=(1, 2)),
            FieldInfo(
                "float32", "GeV", "sum of the pixels that zero suppression left out, negative ones included", "sum"
            ),
        ),
    }
    return Events(
        {"hits": Collection.from_counts(np.bincount(event, minlength=len(energy)), hits)},
        {name: values for name, (values, _) in fields.items()},
        {name: info for name, (_, info) in fields.items()},
    )


def check_images(values: Array, name: str, number: Array, where: object, lowest: float | None) -> None:
    """Refuse images that are not physical.

    Args:
        values: (N, rows, columns).
        name: What to call them in an error.
        number: Number of each image in its file, (N,).
        where: The file.
        lowest: Least value that is allowed, or None for any.

    Raises:
        DataError: A value is not finite or too low; the error names the first image.
    """
    flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
    for bad, must in (
        (~np.isfinite(flat), f"{name} must be finite"),
        (flat < (-np.inf if lowest is None else lowest), f"{name} must be >= 0 (noise down to {lowest} is tolerated)"),
    ):
        events = np.flatnonzero(bad.any(axis=1))
        if len(events):
            value = flat[events[0]][bad[events[0]]][0]
            raise DataError(
                must,
                came=f"{value}, and such values in {len(events) - 1} more images read with it",
                where=f"{where}, event {int(number[events[0]])}",
            )


def check_labels(values: Array, name: str, where: object, first: int = 0) -> Array:
    """Return labels as (N,) int64.

    Raises:
        DataError: A label is neither 0 (photon) nor 1 (electron), or labels are not a list of numbers.
    """
    values = values.reshape(-1) if values.ndim == 2 and values.shape[1] == 1 else values
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise DataError(f"{name} must be a list of numbers", came=f"{values.dtype} {values.shape}", where=where)
    wrong = np.flatnonzero((values != 0) & (values != 1))
    if len(wrong):
        raise DataError(
            f"{name} must be 0 (photon) or 1 (electron)",
            came=values[wrong[0]],
            where=f"{where}, event {first + int(wrong[0])}",
        )
    return values.astype(np.int64)


def check_layout(shape: tuple[int, ...], dtype: np.dtype[Any], name: str, tail: tuple[int, ...], where: object) -> None:
    """Refuse an array that is not (N, *tail) of floating-point numbers.

    Raises:
        DataError: Shape or type are wrong; an array of objects could hold a pickle.
    """
    if dtype.kind != "f":
        raise DataError(f"{name} must hold floating-point numbers", came=f"type {dtype}", where=where)
    if shape[1:] != tail or not shape:
        expected = ", ".join(map(str, ("N", *tail)))
        do = "set 'detector.rows' and 'detector.columns' to those of the images"
        if len(shape) != len(tail) + 1:
            do = "add or take away axes in the file"
        elif sorted(shape[1:]) == sorted(tail):
            do = "write the axes in that order"
        elif shape[3:] != tail[2:]:
            do = f"write {tail[2]} channels, the last axis"
        raise DataError(f"{name} must have the shape ({expected})", came=shape, where=where, do=do)
