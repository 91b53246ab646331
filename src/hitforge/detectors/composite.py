"""Several detectors as one: cells are numbered part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS, Detector, TrackerDetector

_SHIFT = 48  # bits for the numbers of a part's cells
_PARTS = 1 << (62 - _SHIFT)


class Composite(Detector):
    """A tracker and calorimeters about it, or any other parts, from the inside outwards.

    The number of a cell is that of its part times 2^48 and the part's own number, of modules of a tracker that of their
    row. A hit's ``subsystem`` is its part. A point belongs to the innermost part that has a cell there. Parts that
    stand in a field, those with a setting ``field``, must name the same one.
    """

    class Config(config.Config):
        """The parts."""

        parts: dict[str, dict[str, Any]] = Field(
            {
                "tracker": {"name": "silicon_barrel_endcap", "field": 3.8},
                "ecal": {"name": "crystal_barrel"},
                "hcal": {"name": "tower_barrel"},
            },
            min_length=1,
            max_length=_PARTS,
            description="name of each part -> its block, from the inside outwards",
        )

        @model_validator(mode="after")
        def _named(self) -> Self:
            wrong = [name for name in self.parts if not name.isidentifier()]
            if wrong:
                raise ValueError(
                    f"the name of a part must be made of letters, digits and underscores, not '{wrong[0]}'"
                )
            return self

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._parts = {
            name: DETECTORS.build(block, where=f"detector.parts.{name}") for name, block in config.parts.items()
        }
        fields = {name: part.config.field for name, part in self._parts.items() if hasattr(part.config, "field")}
        if len(set(fields.values())) > 1:
            came = ", ".join(f"{name} {field:g} T" for name, field in fields.items())
            raise ConfigError("all parts must stand in one field", came=came, where="detector.parts")
        self._field = next(iter(fields.values()), 0.0)

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __getitem__(self, name: str) -> Detector:
        """Return a part.

        Raises:
            ConfigError: There is none of the name.
        """
        if name not in self._parts:
            raise ConfigError(
                f"the composite detector must have a part '{name}'", came=", ".join(self._parts), where="detector.parts"
            )
        return self._parts[name]

    @property
    def field(self) -> float:
        """Magnetic field along z [T]; 0 where no part names one."""
        return float(self._field)

    def number(self, name: str, cell: Array) -> Array:
        """Return the numbers that cells of a part have here, (N,) int64 -> (N,) int64; -1 of no cell."""
        part, cell = self[name], np.asarray(cell, np.int64)
        own = part.row(cell) if isinstance(part, TrackerDetector) else cell
        return np.where(part.is_cell(cell), (list(self).index(name) << _SHIFT) + own, -1)

    def part(self, cell: Array) -> Array:
        """Return which part cells belong to, (N,) int64, -1 none."""
        cell = np.asarray(cell, np.int64)
        part = cell >> _SHIFT
        return np.where((cell >= 0) & (part < len(self._parts)), part, -1)

    def own(self, name: str, cell: Array) -> Array:
        """Return the numbers that cells have in their part ``name``, (N,) int64; -1 of cells of other parts."""
        part, cell = self[name], np.asarray(cell, np.int64)
        mine = self.part(cell) == list(self).index(name)
        number = np.where(mine, cell & ((1 << _SHIFT) - 1), -1)
        if isinstance(part, TrackerDetector):
            known = (number >= 0) & (number < len(part.modules))
            return np.where(known, part.modules.number[np.where(known, number, 0)], -1)
        return np.where(part.is_cell(number), number, -1)

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells, (N,) int64 -> (N,) bool."""
        known = np.zeros(len(np.asarray(cell)), bool)
        for name in self:
            known |= self.own(name, cell) >= 0
        return known

    def position(self, cell: Array) -> Array:
        """Return the centre of each cell's face, (N,) -> (N, 3) float64 [mm]."""
        place = np.full((len(np.asarray(cell)), 3), np.nan)
        for name in self:
            own = self.own(name, cell)
            mine = own >= 0
            if mine.any():
                place[mine] = self[name].position(own[mine])
        return place

    def cell_at(self, position: Array) -> Array:
        """Return the cell that a point projects to, (N, 3) [mm] -> (N,) int64, -1 outside all parts.

        Parts of a tracker are left out: points in space lie on none of its modules.
        """
        found = np.full(len(position), -1, np.int64)
        for name in self:
            if not isinstance(self[name], TrackerDetector):
                open_ = np.flatnonzero(found < 0)
                found[open_] = self.number(name, self[name].cell_at(np.asarray(position)[open_]))
        return found

    def neighbours(self, cell: Array) -> Array:
        """Return the touching cells of the same part, (N,) -> (N, K) int64, -1 where there is none."""
        count = len(np.asarray(cell))
        found: list[tuple[Array, Array]] = []
        for name in self:
            own = self.own(name, cell)
            mine = np.flatnonzero(own >= 0)
            if len(mine) and not isinstance(self[name], TrackerDetector):
                near = self[name].neighbours(own[mine])
                number = self.number(name, near.reshape(-1)).reshape(near.shape)
                found.append((mine, np.where(near >= 0, number, -1)))
        result = np.full((count, max((near.shape[1] for _, near in found), default=0)), -1, np.int64)
        for mine, near in found:
            result[mine, : near.shape[1]] = near
        return result
