"""CLUE in each layer, then CLUE's logic on the layers' clusters, as CMS finds showers in its endcap calorimeter."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines._clusters import TRIED, FinderConfig, ShowerFinder
from hitforge.baselines._scan import Ladder
from hitforge.baselines._shower_features import ClusteredHits
from hitforge.baselines.clustering import clue, layer_clusters, link
from hitforge.baselines.clustering.clue import Kernel
from hitforge.core.arrays import Array

_KERNELS = Ladder(("flat", "gaussian"), ordered=False)
_SHARES = Ladder((0.0, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0), low_is_end=True, high_is_end=True)
_FACTORS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0)


class Clue(ShowerFinder):
    """Clusters of hits by density in each layer, linked in depth in pointing coordinates.

    A scan on training events chooses all distances, densities and kernels, of the layers and of the linking. Below the
    pitch of coarse cells, ``dc`` leaves these to the linking, which keeps near showers apart better.
    """

    tried: ClassVar[dict[str, Ladder]] = {
        "link_distance": Ladder((4.0, 6.0, 8.0, 10.0, 12.5, 15.0, 20.0, 25.0, 32.0, 40.0, 60.0)),
        "link_density": Ladder((0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.9, 1.4, 2.0, 3.0, 4.5, 7.0)),
        "link_seed": Ladder(_FACTORS),
        "dc": Ladder((3.0, 4.0, 6.0, 9.0, 13.0, 18.0, 26.0, 38.0)),
        "rhoc": Ladder((0.0, 1.0, 2.0, 4.0, 6.0, 9.0, 15.0, 25.0, 40.0, 60.0, 100.0), low_is_end=True),
        "outlier_factor": Ladder(_FACTORS),
        "link_outlier": Ladder(
            (0.5, 0.7, 1.0, 1.4, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0, 20.0, 30.0, 50.0, 100.0), high_is_end=True
        ),
        "link_layers": Ladder((1, 2, 3, 5, 7, 10, 15, 20, 30, 50), high_is_end=True),
        "link_step": Ladder((0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 14.0), low_is_end=True),
        "kernel": _KERNELS,
        "link_kernel": _KERNELS,
        "share": _SHARES,
        "link_share": _SHARES,
        "singles": Ladder((False, True), ordered=False),
        **TRIED,
    }

    class Config(FinderConfig):
        """Distances and densities."""

        dc: float = Field(9.0, gt=0, le=1000, description="distance in a layer in which energies count [mm]")
        rhoc: float = Field(15.0, ge=0, le=1e4, description="density of a seed in a layer [MIP]")
        outlier_factor: float = Field(
            2.0, gt=0, le=100, description="distance to a denser hit over dc, beyond which a faint one is an outlier"
        )
        kernel: Kernel = Field("flat", description="how energies count within dc: all alike, or falling with distance")
        share: float = Field(0.5, ge=0, le=1, description="part of the others' energies in the density of a hit")
        singles: bool = Field(True, description="outliers of a layer may join a shower as clusters of one hit")
        link_distance: float = Field(15.0, gt=0, le=1000, description="in which clusters of layers count [mm]")
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
        link_kernel: Kernel = Field("flat", description="the same as kernel, within link_distance")
        link_share: float = Field(0.2, ge=0, le=1, description="part of the others' energies in a cluster's density")

    def labels(self, points: ClusteredHits, settings: Config) -> Array:
        """Return the shower of each hit, (K,) int64, -1 for none."""
        c = settings
        group = points.event * len(self._mips) + points.layer
        inside = clue(
            points.x, points.y, points.energy, c.dc, c.rhoc * points.mip, group=group,
            outlier_factor=c.outlier_factor, kernel=c.kernel, share=c.share,
        )  # fmt: skip
        clusters = layer_clusters(
            points.event, points.layer, points.u, points.v, points.energy, inside.label, singles=c.singles
        )
        linked = link(
            clusters, c.link_distance, c.link_density, reach=c.link_layers, step=c.link_step, seed_factor=c.link_seed,
            outlier_factor=max(c.link_outlier, c.link_seed), kernel=c.link_kernel, share=c.link_share,
        )  # fmt: skip
        label: Array = np.append(linked.label, -1)[clusters.of_hit]
        return label
