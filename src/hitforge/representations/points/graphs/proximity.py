"""Neighbours by layer: some in the same layer, some in the one before, some in the one behind."""

from __future__ import annotations

from typing import Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import pointing
from hitforge.events import Collection
from hitforge.representations.points.graphs import GraphBuilder
from hitforge.representations.points.graphs._search import nearest_in


class Proximity(GraphBuilder):
    """The nearest points of the same layer, of the layer before and of the layer behind, so edges follow the shower.

    The idea is that of the proximity tables of Melennec, Ghosh and Magniette (arXiv 2502.04193), which list for each
    sensor those that may become its neighbours, so that a graph keeps its shape from event to event. Here the lit
    points are searched directly, exactly, and no table of the detector's channels is needed.

    Distances are those between x / abs(z) and y / abs(z): a particle from the origin keeps these from layer to layer,
    so the nearest in another layer is the one along the shower. The layer before (behind) is the nearest one with
    points on the same side of z, at most ``reach`` layers away. The K places of a point always mean the same: first
    ``same``, then ``before``, then ``behind``, nearest first in each of the three, the point itself where there are
    fewer.
    """

    class Config(config.Config):
        """Neighbours from each layer."""

        same: int = Field(4, ge=0, le=64, description="neighbours in the same layer")
        before: int = Field(2, ge=0, le=64, description="neighbours in the layer before")
        behind: int = Field(2, ge=0, le=64, description="neighbours in the layer behind")
        reach: int = Field(3, ge=1, le=100, description="layers to the next one with points, at most")

        @model_validator(mode="after")
        def _some(self) -> Self:
            if self.same + self.before + self.behind == 0:
                raise ValueError("same, before and behind must not all be 0")
            return self

    @property
    def neighbours(self) -> int:
        """Neighbours of a point, K."""
        return int(self.config.same + self.config.before + self.config.behind)

    def build(self, points: Collection) -> Array:
        """Return the neighbours of each point, (rows, K) int32: same layer, layer before, layer behind.

        Raises:
            DataError: A coordinate is not finite.
        """
        z = np.asarray(points["z"], np.float64)
        place = pointing(points["x"], points["y"], z, 1.0)  # (rows, 2)
        event, side, layer = points.event, z >= 0, np.asarray(points["layer"], np.int64)
        order = np.lexsort((layer, side, event))  # stable: the first of an event stay first
        event, side, layer = event[order], side[order], layer[order]
        new = np.ones(points.rows, bool)
        new[1:] = (np.diff(event) != 0) | (side[1:] != side[:-1]) | (np.diff(layer) != 0)
        begin = np.flatnonzero(new)  # (sets,): one set a layer of an event's side
        sets = np.arange(len(begin))
        event, side, layer = event[begin], side[begin], layer[begin]
        joined = np.zeros(len(begin), bool)  # to the set before
        joined[1:] = (np.diff(event) == 0) & (side[1:] == side[:-1]) & (np.diff(layer) <= self.config.reach)
        before = np.where(joined, sets - 1, -1)
        behind = np.where(np.append(joined[1:], False), sets + 1, -1)[: len(sets)]
        label = (order - points.offsets[:-1][points.event[order]]).astype(np.int32)
        count = np.array([self.config.same, self.config.before, self.config.behind])
        found = nearest_in(
            place[order], np.append(begin, points.rows), label, np.stack([sets, before, behind])[count > 0],
            count[count > 0],
        )  # fmt: skip
        result = np.empty_like(found)
        result[order] = found
        return result
