"""Geometry of detectors: cells by arithmetic, one file a detector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.extending import register_jitable

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry


class Detector(Plugin, ABC):
    """Cells of a detector. Every method is vectorised over cells and allocates nothing that grows with the detector.

    A cell is named by one int64 that is not negative, -1 by none. The numbers need not be contiguous. An id that its
    maker counts without a sign keeps its 64 bits: only where they reach beyond 2^63 it is negative.
    """

    @abstractmethod
    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells of this detector, (N,) int64 -> (N,) bool."""

    @abstractmethod
    def position(self, cell: Array) -> Array:
        """Return the centre of each cell's face, (N,) -> (N, 3) float64 [mm]."""

    @abstractmethod
    def cell_at(self, position: Array) -> Array:
        """Return the cell that a point projects to, (N, 3) [mm] -> (N,) int64, -1 outside the detector."""

    @abstractmethod
    def neighbours(self, cell: Array) -> Array:
        """Return the touching cells of the same layer, (N,) -> (N, K) int64, -1 where there is none."""

    @property
    def plane(self) -> float:
        """The abs(z) of the reference plane, where pointing coordinates are counted, see ``pointing`` [mm].

        Raises:
            ConfigError: This detector has none.
        """
        raise _no_showers(self, "a reference plane")

    @property
    def noise_cuts(self) -> tuple[float, ...]:
        """Energy that a hit of each section must have to stand out from noise, the last for all later ones [GeV].

        Raises:
            ConfigError: This detector has none.
        """
        raise _no_showers(self, "noise cuts")

    def is_faint(self, energy: Array, section: Array, factor: float = 1.0) -> Array:
        """Return which hits are below the noise cut of their section, (N,) bool.

        Args:
            energy: (N,) [GeV].
            section: ``subsystem`` of the hits, (N,).
            factor: Of the noise cuts.
        """
        least = factor * np.array(self.noise_cuts)
        return np.asarray(energy < least[np.clip(section, 0, len(least) - 1)])


class GridDetector(Detector):
    """One surface that rows and columns of cells tile; cell numbers run from 0 to ``cells - 1``."""

    @property
    @abstractmethod
    def cells(self) -> int:
        """Number of cells."""

    @property
    @abstractmethod
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of the surface that the cells tile."""

    @property
    @abstractmethod
    def periodic_columns(self) -> bool:
        """True if the last column touches the first (azimuth)."""

    @abstractmethod
    def grid(self, cell: Array) -> tuple[Array, Array]:
        """Return row and column of each cell, two (N,) int64 (for a barrel: eta and phi index)."""

    @abstractmethod
    def cell_of(self, row: Array, column: Array) -> Array:
        """Return the cell of a row and column, (N,) int64, -1 outside; columns wrap where they are periodic."""

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells of this detector, (N,) int64 -> (N,) bool."""
        cell = np.asarray(cell)
        return (cell >= 0) & (cell < self.cells)

    def neighbours(self, cell: Array) -> Array:
        """Return the eight touching cells, (N,) -> (N, 8) int64, -1 where there is none."""
        row, column = self.grid(cell)
        steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
        return np.stack([self.cell_of(row + i, column + j) for i, j in steps], axis=1)


@dataclass(frozen=True)
class Layers:
    """The stack of a sampling calorimeter, one entry a layer, in the order that a particle meets them.

    Attributes:
        z: abs(z) of the active plane, (L,) [mm].
        radiation_lengths: Material between the plane before (or the front face) and this one, (L,) [X0].
        interaction_lengths: The same in nuclear interaction lengths for pions, (L,).
        moliere_radius: Of that stretch, gaps included, (L,) [mm].
        critical_energy: Of that stretch, (L,) [GeV].
        effective_z: Atomic number of that stretch, averaged by mass, (L,).
        absorber_z: The same of its absorbers alone, weighted by radiation lengths, (L,).
        sampling_frequency: Radiation length of the stretch over its thickness, (L,): F_S of hep-ex/0001020.
        mip: Most probable energy that a minimum ionising particle leaves in the active medium, (L,) [GeV].
        weight: Energy of a shower over the energy it leaves in the active medium, (L,); it turns active energies into
            energies at the electromagnetic scale.
        section: Index of the part of the calorimeter, (L,) int64 (such as 0 electromagnetic, 1 hadronic).
    """

    z: Array
    radiation_lengths: Array
    interaction_lengths: Array
    moliere_radius: Array
    critical_energy: Array
    effective_z: Array
    absorber_z: Array
    sampling_frequency: Array
    mip: Array
    weight: Array
    section: Array

    def __len__(self) -> int:
        return len(self.z)


class LayeredDetector(Detector):
    """A sampling calorimeter of plane layers across z; one or two sides of the origin.

    A hit's ``energy`` in events of such a detector is the active energy times ``layers.weight``: their plain sum
    estimates the energy of an electromagnetic shower. A hit's ``layer`` counts from 0 on either side, its
    ``subsystem`` is the layer's section.
    """

    @property
    @abstractmethod
    def layers(self) -> Layers:
        """The stack, the same on both sides."""

    @property
    @abstractmethod
    def front(self) -> float:
        """The abs(z) where material begins [mm]."""

    @property
    def sides(self) -> tuple[int, ...]:
        """Signs of z that have cells."""
        return (-1, 1)

    @property
    def plane(self) -> float:
        """The abs(z) of the reference plane, where pointing coordinates are counted: the first layer [mm]."""
        return float(self.layers.z[0])

    @property
    def mips(self) -> Array:
        """What a minimum ionising particle adds to a hit's energy in each layer, (L,) [GeV]."""
        energies: Array = self.layers.mip * self.layers.weight
        return energies

    @property
    def noise_cuts(self) -> tuple[float, ...]:
        """Energy of a minimum ionising particle in each section, the mean of its layers [GeV]."""
        section = self.layers.section
        return tuple((np.bincount(section, self.mips) / np.maximum(np.bincount(section), 1)).tolist())

    @abstractmethod
    def layer(self, cell: Array) -> Array:
        """Return the layer of each cell, (N,) int64, from 0."""

    @abstractmethod
    def cell_in(self, layer: Array, x: Array, y: Array, side: Array) -> Array:
        """Return the cell of a layer below a point, four (N,) arrays -> (N,) int64, -1 beside the layer.

        Args:
            layer: From 0.
            x: [mm].
            y: [mm].
            side: +1 or -1, the sign of z.
        """

    @abstractmethod
    def corners(self, cell: Array) -> Array:
        """Return the outline of each cell in x and y, counter-clockwise, (N,) -> (N, 6, 2) [mm].

        Cells with four corners repeat their last one. The outlines of a layer's cells do not overlap.
        """


@dataclass(frozen=True)
class Modules:
    """The sensors of a tracker, one entry a module.

    A point of a sensor is ``centre + u * axes[:, 0] + v * axes[:, 1]``. A trapezoid is widest at one end in v.

    Attributes:
        number: The detector's own number, ``cell`` of the hits on it, (M,) int64, rising as numbers without a sign.
        centre: (M, 3) [mm].
        axes: Unit vectors along u, along v and across the sensor, rows of (M, 3, 3).
        half_u_low: Half width at the lowest v, (M,) [mm].
        half_u_high: Half width at the highest v, (M,) [mm].
        half_v: Half length along v, (M,) [mm].
        pitch_u: Size of a channel along u, (M,) [mm].
        pitch_v: Size of a channel along v, (M,) [mm].
        layer: Sensitive layer, (M,) int32, from 0 through all volumes.
        volume: Part of the detector, (M,) int32.
        thickness: Of the silicon, (M,) [mm].
    """

    number: Array
    centre: Array
    axes: Array
    half_u_low: Array
    half_u_high: Array
    half_v: Array
    pitch_u: Array
    pitch_v: Array
    layer: Array
    volume: Array
    thickness: Array

    def __len__(self) -> int:
        return len(self.number)

    def local(self, row: Array, xyz: Array) -> Array:
        """Return positions along u, v and the normal of sensors, from their centres, (N, 3) [mm].

        Args:
            row: Of each point's sensor, (N,) int64.
            xyz: (N, 3) [mm].
        """
        result: Array = np.einsum("nij,nj->ni", self.axes[row], xyz - self.centre[row])
        return result

    def half_u(self, row: Array, v: Array) -> Array:
        """Return half the width along u of sensors at a height, (...,) [mm].

        Args:
            row: Of each sensor, (...,) int64.
            v: Height from the sensor's centre, (...,) [mm]; taken at the nearer edge beyond the sensor.
        """
        share = np.clip((v / self.half_v[row] + 1) / 2, 0, 1)
        width: Array = self.half_u_low[row] + share * (self.half_u_high[row] - self.half_u_low[row])
        return width


class TrackerDetector(Detector):
    """Flat silicon sensors in layers, in a field along z.

    A hit's ``cell`` is the number of its module, its ``layer`` and ``subsystem`` are those of the module, and ``time``
    is 0: not measured. The hit lies where the module measured it; ``clusters`` holds what the module saw.
    """

    @property
    @abstractmethod
    def modules(self) -> Modules:
        """The sensors."""

    @property
    @abstractmethod
    def field(self) -> float:
        """Magnetic field along z [T]."""

    @property
    @abstractmethod
    def pixel_volumes(self) -> tuple[int, ...]:
        """Volumes whose sensors have pixels; those of the others have strips."""

    @property
    def tracking_geometry(self) -> Any:
        """ACTS's tracking geometry of the detector, with its own material.

        Raises:
            ConfigError: ACTS does not know the detector.
            MissingExtraError: pyacts is not installed.
        """
        raise _not_in_acts(self)

    @property
    def magnetic_field(self) -> Any:
        """ACTS's field of the detector.

        Raises:
            ConfigError: ACTS does not know the detector.
            MissingExtraError: pyacts is not installed.
        """
        raise _not_in_acts(self)

    @property
    def layers(self) -> int:
        """Number of sensitive layers."""
        return int(self.modules.layer.max()) + 1

    def row(self, cell: Array) -> Array:
        """Return the row of each module in ``modules``, (N,) int64 -> (N,) int64, -1 where there is none."""
        # the numbers of modules rise as numbers without a sign
        number, cell = self.modules.number.view(np.uint64), np.asarray(cell, np.int64).view(np.uint64)
        found = np.minimum(np.searchsorted(number, cell), len(number) - 1)
        return np.where(number[found] == cell, found, -1)

    def to_global(self, cell: Array, u: Array, v: Array) -> Array:
        """Return the points of sensors, three (N,) -> (N, 3) [mm]; every cell must be a module."""
        row = self.row(cell)
        axes = self.modules.axes[row]
        point: Array = self.modules.centre[row] + u[:, None] * axes[:, 0] + v[:, None] * axes[:, 1]
        return point

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are modules, (N,) int64 -> (N,) bool."""
        return self.row(cell) >= 0

    def position(self, cell: Array) -> Array:
        """Return the centre of each module, (N,) -> (N, 3) float64 [mm]."""
        centre: Array = self.modules.centre[self.row(cell)]
        return centre


def pointing(x: Array, y: Array, z: Array, plane: float) -> Array:
    """Return u and v: where the lines from the origin through points cross the reference plane, (N, 2) [mm].

    u = x plane / abs(z), v = y plane / abs(z), so that a shower from the origin keeps both along its depth.

    Args:
        x: (N,) [mm].
        y: (N,) [mm].
        z: (N,) [mm]; no nearer than 1 mm, since no detector has a layer across the origin.
        plane: abs(z) of the reference plane [mm].
    """
    away = np.maximum(np.abs(np.asarray(z, np.float64)), 1.0)
    return np.stack([x * plane / away, y * plane / away], axis=1)


@register_jitable
def pointing_scale(z, plane):  # type: ignore[no-untyped-def]
    """Return the factor of x and y that ``pointing`` has, for a float64 array or, in compiled code, a single z [mm]."""
    return plane / np.maximum(np.abs(z), 1.0)


def require_grid(detector: Detector, who: str) -> GridDetector:
    """Return the detector if it is one surface of rows and columns.

    Raises:
        ConfigError: It is not; ``who`` says who needs it.
    """
    if not isinstance(detector, GridDetector):
        raise _wrong(detector, GridDetector, who)
    return detector


def require_layered(detector: Detector, who: str) -> LayeredDetector:
    """Return the detector if it is a calorimeter of layers.

    Raises:
        ConfigError: It is not; ``who`` says who needs it.
    """
    if not isinstance(detector, LayeredDetector):
        raise _wrong(detector, LayeredDetector, who)
    return detector


def require_tracker(detector: Detector, who: str) -> TrackerDetector:
    """Return the detector if it is a silicon tracker.

    Raises:
        ConfigError: It is not; ``who`` says who needs it.
    """
    if not isinstance(detector, TrackerDetector):
        raise _wrong(detector, TrackerDetector, who)
    return detector


def acts_geometry(detector: Detector) -> tuple[Any, Any]:
    """Return ACTS's tracking geometry of the detector, with the detector's own material, and its field.

    Raises:
        ConfigError: ACTS does not know the detector.
        MissingExtraError: pyacts is not installed.
    """
    if not isinstance(detector, TrackerDetector):
        raise _not_in_acts(detector)
    return detector.tracking_geometry, detector.magnetic_field


def _not_in_acts(detector: Detector) -> ConfigError:
    do = "set detector.name: silicon_barrel_endcap"
    return ConfigError("ACTS must know the detector", came=detector.name, where="detector", do=do)


def _wrong(detector: Detector, kind: type[Any], who: str) -> ConfigError:
    fitting = [name for name in DETECTORS.usable() if issubclass(DETECTORS.get(name), kind)]
    return ConfigError(f"{who} needs one of the detectors {', '.join(fitting)}", came=detector.name, where="detector")


def _no_showers(detector: Detector, what: str) -> ConfigError:
    return ConfigError(
        f"showers need a detector with {what}",
        came=detector.name,
        where="detector",
        do="name a calorimeter of layers such as hgcal, or set 'plane' of the detector point_cloud",
    )


DETECTORS: Registry[Detector] = Registry("detectors", Detector, skip=("stack",))  # type: ignore[type-abstract]

__all__ = [
    "DETECTORS",
    "Detector",
    "GridDetector",
    "LayeredDetector",
    "Layers",
    "Modules",
    "TrackerDetector",
    "acts_geometry",
    "pointing",
    "pointing_scale",
    "require_grid",
    "require_layered",
    "require_tracker",
]
