"""The k nearest points in coordinates about the shower's own axis; a turned or shifted shower has the same graph."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.representations.points.graphs import GraphBuilder, nearest


class Symmetric(GraphBuilder):
    """The ``k`` nearest in distance from the axis, depth along it, and azimuth about it.

    The axis runs through the energy-weighted mean of an event's points along the main axis of their energy-weighted
    covariance. With rho the distance from the axis, s the place along it and phi the azimuth about it, the distance
    between points 1 and 2 is

        d^2 = ((rho1 - rho2) / radial)^2 + ((s1 - s2) / depth)^2 + 4 rho1 rho2 sin^2((phi1 - phi2) / 2) / azimuthal^2

    Axis and distance turn and move with the event, so the graph is the same after any rotation (about the axis or
    another one), reflection or shift, but for points equally far away up to rounding. A shower looks alike all around
    its axis while its density falls steeply away from it: an ``azimuthal`` above ``radial`` prefers neighbours of like
    density. With the two equal, d is the plain distance with depth scaled.

    As (t1 - t2)^2 = (rho1 - rho2)^2 + 4 rho1 rho2 sin^2((phi1 - phi2) / 2) for the places t across the axis, d is the
    Euclidean distance in the four coordinates t / azimuthal, rho sqrt(1 / radial^2 - 1 / azimuthal^2) and s / depth, in
    which the search is exact.
    """

    class Config(config.Config):
        """How many, and what counts as far."""

        k: int = Field(8, ge=1, le=128, description="neighbours of a point")
        radial: float = Field(10.0, gt=0, le=1e4, description="unit of distance from the axis [mm]")
        azimuthal: float = Field(15.0, gt=0, le=1e4, description="unit of the chord about the axis [mm]")
        depth: float = Field(20.0, gt=0, le=1e5, description="unit along the axis [mm]")

        @model_validator(mode="after")
        def _ordered(self) -> Self:
            if self.azimuthal < self.radial:
                raise ValueError("azimuthal must not be less than radial")
            return self

    @property
    def neighbours(self) -> int:
        """Neighbours of a point, K."""
        return int(self.config.k)

    def build(self, points: Collection) -> Array:
        """Return the neighbours of each point, (rows, K) int32, nearest first.

        Raises:
            DataError: A coordinate is not finite.
        """
        settings = self.config
        along, across = _about_axis(points)
        rho = np.linalg.norm(across, axis=1)
        stretch = np.sqrt(max(settings.radial**-2 - settings.azimuthal**-2, 0.0))
        place = np.column_stack([along / settings.depth, rho * stretch, *(across.T / settings.azimuthal)])  # (rows, 4)
        return nearest(place, points, settings.k)


def _about_axis(points: Collection) -> tuple[Array, Array]:
    """Return where points lie along their event's axis, (rows,), and across it, (rows, 2), both [mm].

    The directions across are any two at right angles to each other and to the axis.
    """
    event, counts = points.event, points.counts
    place = np.stack([np.asarray(points[name], np.float64) for name in ("x", "y", "z")], axis=1)  # (rows, 3)
    weight = np.maximum(np.asarray(points["energy"], np.float64), 0.0)
    total = points.sum(weight)
    weight = np.where(total[event] > 0, weight / np.where(total > 0, total, 1.0)[event], 1.0 / counts[event])
    middle = np.stack([points.sum(weight * column) for column in place.T], axis=1)  # (N, 3)
    place = place - middle[event]
    spread = np.empty((len(points), 3, 3))
    for i in range(3):
        for j in range(3):
            spread[:, i, j] = points.sum(weight * place[:, i] * place[:, j])
    main = np.linalg.eigh(np.nan_to_num(spread)).eigenvectors  # columns by rising spread
    local = np.einsum("ri,rij->rj", place, main[event])  # (rows, 3)
    return local[:, 2], local[:, :2]
