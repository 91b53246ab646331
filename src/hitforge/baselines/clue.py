"""CLUE in each layer, then CLUE's logic on the layers' clusters, as CMS finds showers in its endcap calorimeter."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines._clusters import ClusteredHits, FinderConfig, ShowerFinder
from hitforge.baselines.clustering import clue, layer_clusters, link
from hitforge.core.arrays import Array


class Clue(ShowerFinder):
    """Clusters of hits by density in each layer, linked in depth in pointing coordinates.

    A scan on training events chooses distance and density in a layer, ``dc`` and ``rhoc``, and those of the linking.
    Below the pitch of coarse cells, ``dc`` leaves these to the linking, which keeps near showers apart better.
    """

    tried: ClassVar[dict[str, tuple[float, ...]]] = {
        "dc": (6.0, 9.0, 13.0), "rhoc": (4.0, 9.0, 15.0, 25.0),
        "link_distance": (10.0, 15.0, 25.0, 40.0), "link_density": (0.3, 0.6, 2.0),
    }  # fmt: skip

    class Config(FinderConfig):
        """Distances and densities."""

        dc: float = Field(13.0, gt=0, le=1000, description="distance in a layer in which energies count [mm]")
        rhoc: float = Field(4.0, ge=0, le=1e4, description="density of a seed in a layer [MIP]")
        outlier_factor: float = Field(
            2.0, gt=0, le=100, description="distance to a denser hit over dc, beyond which a faint one is an outlier"
        )
        singles: bool = Field(True, description="outliers of a layer may join a shower as clusters of one hit")
        link_distance: float = Field(25.0, gt=0, le=1000, description="in which clusters of layers count [mm]")
        link_density: float = Field(
            0.6, ge=0, le=1e4, description="density that a shower begins with, of clusters of layers [GeV]"
        )
        link_seed: float = Field(
            1.0, gt=0, le=100, description="distance to a denser cluster over link_distance, at which a shower begins"
        )
        link_outlier: float = Field(
            3.0, gt=0, le=100, description="the same beyond which a faint cluster belongs to no shower"
        )
        link_layers: int = Field(5, ge=1, le=100, description="layers that linked clusters lie apart at most")
        link_step: float = Field(3.0, ge=0, le=100, description="what one layer adds to a distance, in quadrature [mm]")

    def labels(self, points: ClusteredHits, settings: dict[str, float]) -> Array:
        """Return the shower of each hit, (K,) int64, -1 for none."""
        c = self.config
        group = points.event * len(self._mips) + points.layer
        inside = clue(
            points.x, points.y, points.energy, settings["dc"], settings["rhoc"] * points.mip, group=group,
            outlier_factor=c.outlier_factor,
        )  # fmt: skip
        clusters = layer_clusters(
            points.event, points.layer, points.u, points.v, points.energy, inside.label, singles=c.singles
        )
        linked = link(
            clusters, settings["link_distance"], settings["link_density"], reach=c.link_layers, step=c.link_step,
            seed_factor=c.link_seed, outlier_factor=max(c.link_outlier, c.link_seed),
        )  # fmt: skip
        label: Array = np.append(linked.label, -1)[clusters.of_hit]
        return label
