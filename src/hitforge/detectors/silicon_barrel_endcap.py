"""Silicon tracker of a barrel and two end caps: ACTS's generic detector, which is that of the TrackML challenge."""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import numpy as np
from pydantic import Field, field_validator
from scipy.spatial import cKDTree

from hitforge.acts import geometry
from hitforge.acts.material import geometry_with
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import Modules, TrackerDetector
from hitforge.detectors._modules import adjacent
from hitforge.detectors._trackml_names import acts_module, trackml_module

_PIXELS = (7, 8, 9)  # volumes with pixels: the end caps and the barrel between them
# Size of a channel along u and v in each volume, as in TrackML's file of the detector [mm].
_PITCHES = {
    **dict.fromkeys(_PIXELS, (0.05, 0.05625)), **dict.fromkeys((12, 13, 14), (0.08, 1.2)),
    **dict.fromkeys((16, 18), (0.12, 10.4)), 17: (0.12, 10.8),
}  # fmt: skip
_REACH = 10.0  # a point farther from every sensor's plane lies outside the detector [mm]
_NEAREST = 24  # sensors whose centres are nearest to a point, among which is the one that it projects to


class SiliconBarrelEndcap(TrackerDetector):
    """Pixels, short and long strips: 18,728 flat sensors in 48 layers, abs(pseudorapidity) up to 4.

    The geometry is that of ``acts.examples.GenericDetector``, read from ACTS when it is first needed. Volumes are
    numbered as in TrackML: 7, 8, 9 pixels (end cap, barrel, end cap), 12, 13, 14 short strips, 16, 17, 18 long strips.
    The number of a module is ACTS's geometry identifier, ``volume << 56 | layer << 36 | module << 8``. In strips, v is
    measured too, by channels of 1.2 and 10.4 to 10.8 mm.
    """

    class Config(config.Config):
        """The field; the geometry has no settings."""

        field: float = Field(2.0, ge=0.0, le=10.0, description="magnetic field along z, in the centre of a coil [T]")
        coil: tuple[float, float] | tuple[float, float, float] | None = Field(
            None,
            description="radius, 1200 to 5000, and length, 1000 to 20000, of a thin coil whose field falls off towards "
            "its ends, and where its middle lies along z, if not at 0; none: the field is the same everywhere [mm]",
        )

        @field_validator("coil")
        @classmethod
        def _sized(cls, value: tuple[float, ...] | None) -> tuple[float, ...] | None:
            if value is not None and not (1200 <= value[0] <= 5000 and 1000 <= value[1] <= 20_000):
                raise ValueError("the coil must have a radius of 1200 to 5000 mm and a length of 1000 to 20000 mm")
            if value is not None and abs(sum(value[2:])) > 1000:
                raise ValueError("the middle of the coil must lie within 1000 mm of 0")
            return value

    @property
    def modules(self) -> Modules:
        """The sensors, in order of their numbers."""
        return _modules()

    @property
    def field(self) -> float:
        """Magnetic field along z, in the centre of a coil [T]."""
        return float(self.config.field)

    @property
    def magnetic_field(self) -> Any:
        """ACTS's field."""
        return geometry.magnetic_field(self.config.field, self.config.coil)

    @property
    def pixel_volumes(self) -> tuple[int, ...]:
        """Volumes 7, 8 and 9."""
        return _PIXELS

    @property
    def tracking_geometry(self) -> Any:
        """ACTS's tracking geometry with its material, shared by all detectors of this process."""
        return geometry_with("generic", 1.0)[1]

    @staticmethod
    def number_of(volume: Array, layer: Array, module: Array) -> Array:
        """Return the numbers of modules named as in TrackML: volume_id, layer_id, module_id; three (N,) -> (N,) int64.

        In end caps TrackML counts modules along the azimuth, ACTS ring after ring. The number is formed also for a
        module that does not exist: ask ``is_cell``; it is -1 where a part does not fit into its bits.
        """
        volume, layer, module = (np.asarray(part, np.int64) for part in (volume, layer, module))
        fits = (volume >= 0) & (volume < 256) & (layer >= 0) & (layer < 4096) & (module >= 0) & (module < 1 << 20)
        number: Array = np.where(fits, volume << 56 | layer << 36 | acts_module(volume, module) << 8, -1)
        return number

    @staticmethod
    def names_of(cell: Array) -> tuple[Array, Array, Array]:
        """Return TrackML's volume_id, layer_id and module_id of modules, (N,) int64 -> three (N,) int64."""
        cell = np.asarray(cell, np.int64)
        volume = geometry.volume_of(cell).astype(np.int64)
        return volume, cell >> 36 & 0xFFF, trackml_module(volume, cell >> 8 & 0xFFFFF)

    @cached_property
    def _centres(self) -> cKDTree:
        return cKDTree(self.modules.centre)

    def cell_at(self, position: Array) -> Array:
        """Return the module that a point projects to along its normal, the nearest of several.

        Args:
            position: (N, 3) [mm].

        Returns:
            (N,) int64, -1 where no module within 10 mm lies over or under the point.
        """
        modules, position = self.modules, np.asarray(position, np.float64)
        found = np.full(len(position), -1, np.int64)
        some = np.flatnonzero(np.isfinite(position).all(axis=1))
        if not len(some):
            return found
        row = self._centres.query(position[some], k=_NEAREST)[1]  # (N, K)
        away = position[some, None] - modules.centre[row]  # (N, K, 3)
        u, v, w = np.einsum("nkij,nkj->ink", modules.axes[row], away)
        tolerance = 1e-6  # mm
        inside = (np.abs(v) <= modules.half_v[row] + tolerance) & (np.abs(w) <= _REACH)
        inside &= np.abs(u) <= modules.half_u(row, v) + tolerance
        gap = np.where(inside, np.abs(w), np.inf)
        best = gap.argmin(axis=1)
        rows = np.arange(len(some))
        found[some] = np.where(inside[rows, best], modules.number[row[rows, best]], -1)
        return found

    @cached_property
    def _adjacent(self) -> Array:
        return adjacent(self.modules)

    def neighbours(self, cell: Array) -> Array:
        """Return the modules of the same layer that overlap a module or lie next to it, (N,) -> (N, K) int64, else -1.

        Next to it means less than 2 mm away across the beam and along z (end caps: along the radius).
        """
        row = self.row(cell)
        beside = self._adjacent[row]  # (N, K)
        return np.where((row[:, None] >= 0) & (beside >= 0), self.modules.number[beside], -1)


@cache
def _modules() -> Modules:
    """The sensors, once a process; their arrays cannot be written to."""
    columns = geometry.sensors()
    pitch = np.array([_PITCHES[volume] for volume in columns["volume"].tolist()])  # (M, 2)
    pitch_u, pitch_v = pitch[:, 0].copy(), pitch[:, 1].copy()
    pitch_u.flags.writeable = pitch_v.flags.writeable = False
    return Modules(**columns, pitch_u=pitch_u, pitch_v=pitch_v)
