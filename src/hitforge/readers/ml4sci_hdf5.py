"""The ML4SCI electron and photon images: HDF5 with ``X`` (N, 32, 32, 2), energy and time, and ``y`` (N,)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Self

import h5py
import numpy as np
from pydantic import Field, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import atomic
from hitforge.core.random import stream
from hitforge.detectors import Detector, GridDetector, require_grid
from hitforge.events import Events
from hitforge.readers._hdf5 import ENERGY_UNITS, Hdf5Reader, refuse_unwritten_rows, told_units, written_rows
from hitforge.readers._images import LABELS, ImageConfig, check_images, check_labels, check_layout, to_events
from hitforge.readers._paths import is_pattern
from hitforge.readers.files import SplitConfig

_SIZE = 32  # of the images that are written


class Ml4sciHdf5(Hdf5Reader):
    """Reads any number of files, such as one a class, in blocks; each event is drawn into a split by the seed alone.

    Every shard has its share of each file, shuffled, so that classes that come in files of their own are mixed.
    Images are taken as they are, their middle as the seed. Pixels at or below the threshold become no hits; what they
    held stands in the event field ``dropped_energy``. Labels are 0 for photons and 1 for electrons.
    """

    BLOCK = 2048
    """Images in memory at a time: 16 MB of (32, 32, 2) float32."""

    class Config(SplitConfig, ImageConfig):
        """Files, splits and units."""

        labels: tuple[Literal["photon", "electron"], ...] | None = Field(
            None, description="class of each file, for files without 'y'"
        )
        validation: float = Field(0.1, ge=0, lt=1, description="share of the events for validation")
        test: float = Field(0.1, ge=0, le=1, description="share of the events for the test")
        seed: int = Field(1, ge=0, description="of the split and of the order in a shard")

        truth: Literal["required", "optional", "none"] = Field(
            "required",
            description="required: a file without 'y' and 'labels' is an error; optional: it is read without a class; "
            "none: the class is not read",
        )

        @model_validator(mode="after")
        def _labelled(self) -> Self:
            if self.labels is not None and self.truth == "none":
                raise ValueError("labels are truth: they need 'truth: required' or 'optional'")
            if self.labels is not None and len(self.labels) != len(self.paths) and not any(map(is_pattern, self.paths)):
                raise ValueError("labels must name one class for each file")
            return self

    def _needed(self) -> tuple[str, ...]:
        return ("X",) if self.config.truth == "none" else ("X", "y")

    def _optional(self) -> tuple[str, ...]:
        return ("y",)

    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, shuffled.

        Raises:
            DataError: An energy is negative, a value not finite, a label unknown, or the file damaged; the error names
                the file, the event and the field.
        """
        events, _ = self._gather(split, index)
        return events.take(stream(self.config.seed, "order", split, index).permutation(len(events)))

    def count(self, path: Path) -> int:
        """Return the number of events in a file."""
        if self.config.labels is not None and len(self.config.labels) != len(self._files):
            came = f"{len(self.config.labels)} for {len(self._files)} files"
            raise DataError("'labels' must name one class for each file", came=came, where=self.config.path)
        with self._arrays(path) as found:
            images = found["X"]
            check_layout(images.shape, images.dtype, "'X'", (*self.detector.grid_shape, 2), path)
            if not len(images):
                raise DataError("the file must hold images", came="0", where=path)
            if "y" in found and found["y"].shape[:1] != images.shape[:1]:
                came = f"{found['y'].shape}, {images.shape}"
                raise DataError("'y' must have a label for each image", came=came, where=path)
            if "y" not in found and self.config.truth == "required" and self.config.labels is None:
                came, do = ", ".join(images.file), "name the class of each file in 'labels'"
                raise DataError("the file must have the array 'y'", came=came, where=path, do=do)
            self._refuse_other_unit(images, path)
            if "y" in found:
                _meanings(found["y"], path)
            refuse_unwritten_rows(images, "X", path, self.config.limit)
            return len(images)

    def _refuse_other_unit(self, images: h5py.Dataset, path: Path) -> None:
        """Refuse a unit in the file that is not that of ``energy_unit``; a text with a number is not understood."""
        came, units = told_units(images)
        known = [ENERGY_UNITS[unit] for unit in units]
        if known and not any(map(str.isdigit, came)) and self.config.energy_unit not in known:
            came = f"{came}, and energy_unit {self.config.energy_unit:g}"
            do = f"set 'energy_unit' to {known[0]:g}, or mend the attribute"
            raise DataError("the energies of 'X' must be in the unit that the file tells", came=came, where=path, do=do)

    def _block(self, number: int, path: Path, rows: Array) -> Events:
        c, first, last = self.config, int(rows[0]), int(rows[-1]) + 1
        with self._arrays(path) as found:
            images = written_rows(found["X"], "X", path, first, last)[rows - first]  # (n, rows, columns, 2)
            check_images(images[..., 0], "'X' channel 0 (energy)", rows, path, -c.negative / c.energy_unit)
            check_images(images[..., 1], "'X' channel 1 (time)", rows, path, None)
            label = None
            if "y" in found:
                told = written_rows(found["y"], "y", path, first, last)
                meanings = _meanings(found["y"], path)
                if meanings is not None:
                    told = np.select([told == value for value in meanings], list(range(len(meanings))), -1)
                label = check_labels(told, "'y'", path, first)[rows - first]
        if c.labels is not None:
            label = self._named_label(c.labels[number], label, rows, path)
        return to_events(images[..., 0], images[..., 1], label, self.detector, c)

    @staticmethod
    def _named_label(name: str, told: Array | None, rows: Array, path: Path) -> Array:
        """Labels of a file by the name of its class, which must be those that the file tells."""
        label = np.full(len(rows), LABELS.index(name))
        wrong = label[:0] if told is None else np.flatnonzero(told != label)
        if len(wrong):
            raise DataError(
                f"'y' must be that of the class that 'labels' names, {name}",
                came=f"{LABELS[1 - label[0]]} in {len(wrong)} of {len(rows)} events read together",
                where=f"{path}, event {int(rows[wrong[0]])}",
                do="leave 'labels' out: the file tells the classes",
            )
        return label

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> list[str]:
        """Write 32 x 32 windows around each seed cell, energies over 50 GeV and times in ns, streamed and atomic.

        Returns:
            Hits that lie outside the windows.

        Raises:
            DataError: An event is neither photon nor electron, or the disk is full.
        """
        grid, outside, lost = require_grid(detector, "this file"), 0, 0.0
        with atomic(path) as temporary, h5py.File(temporary, "w") as file:
            shape = (0, _SIZE, _SIZE, 2)
            options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
            images = file.create_dataset(
                "X", shape, np.float32, maxshape=(None, *shape[1:]), chunks=(64, *shape[1:]), **options
            )
            labels = file.create_dataset("y", (0,), np.float32, maxshape=(None,), chunks=(4096,))
            for events in shards:
                label = _label(events, len(labels))
                done, total = len(labels), len(labels) + len(events)
                images.resize(total, axis=0)
                labels.resize(total, axis=0)
                labels[done:total] = label
                for start in range(0, len(events), cls.BLOCK):
                    block = events.take(np.arange(start, min(start + cls.BLOCK, len(events))))
                    pixels, inside = _windows(block, grid)
                    images[done + start : done + start + len(block)] = pixels
                    outside += int((~inside).sum())
                    lost += float(block.hits["energy"][~inside].sum(dtype=np.float64))
        return [f"{outside} hits with {lost:.6g} GeV lie outside the {_SIZE} x {_SIZE} windows"] if outside else []


def _meanings(labels: h5py.Dataset, path: Path) -> list[int] | None:
    """Return which numbers stand for photon and electron in an array that names them itself (an enum), None if not.

    Raises:
        DataError: The names are others.
    """
    names = h5py.check_enum_dtype(labels.dtype)
    if names is None:
        return None
    values = {name.lower(): value for name, value in names.items()}
    if set(values) != set(LABELS):
        came = ", ".join(f"{name} = {value}" for name, value in names.items())
        raise DataError(f"the classes of 'y' must be named {' and '.join(LABELS)}", came=came, where=path)
    return [values[name] for name in LABELS]


def _label(events: Events, done: int) -> Array:
    pdg: Array = np.abs(events.field("primary_pdg"))
    other = np.flatnonzero((pdg != 22) & (pdg != 11))
    if len(other):
        raise DataError(
            "the ML4SCI format holds photons (22) and electrons (11, -11) only",
            came=events.field("primary_pdg")[other[0]],
            where=f"event {done + int(other[0])}",
        )
    return np.asarray(pdg == 11)


def _windows(events: Events, detector: GridDetector) -> tuple[Array, Array]:
    """Dense images, (N, 32, 32, 2), and which hits are in them, (hits,) bool.

    Hits in one cell add, with the time of the most energetic.
    """
    hits, images = events.hits, np.zeros((len(events), _SIZE, _SIZE, 2), np.float32)
    rising = np.lexsort((hits["energy"], hits.event))  # the last hit of an event is its hottest
    energy, time, cell, event = (column[rising] for column in (hits["energy"], hits["time"], hits["cell"], hits.event))
    seed = np.full(len(events), -1)
    lit = hits.counts > 0
    seed[lit] = cell[hits.offsets[1:][lit] - 1]
    if "seed_cell" in events.fields:
        given = events.fields["seed_cell"]
        seed = np.where(given >= 0, given, seed)
    seed_row, seed_column = detector.grid(np.maximum(seed, 0))
    row, column = detector.grid(cell)
    row, column = row - seed_row[event], column - seed_column[event]
    if detector.periodic_columns:
        period = detector.grid_shape[1]
        column = (column + period // 2) % period - period // 2
    row, column = row + _SIZE // 2, column + _SIZE // 2
    keep = (row >= 0) & (row < _SIZE) & (column >= 0) & (column < _SIZE) & (seed[event] >= 0)
    at = event[keep], row[keep], column[keep]
    np.add.at(images[..., 0], at, energy[keep] / np.float32(ImageConfig().energy_unit))
    images[..., 1][at] = time[keep]
    inside = np.empty(len(keep), np.bool_)
    inside[rising] = keep
    return images, inside
