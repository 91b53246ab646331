"""Clusters of layers, and their linking in depth in the manner of CLUE3D, of the framework TICL of CMS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hitforge.baselines.clustering.clue import Clusters, Kernel, clue
from hitforge.core.arrays import Array


@dataclass(frozen=True)
class LayerClusters:
    """K clusters, each of hits of one layer of one event.

    Attributes:
        of_hit: Cluster of each hit, (N,) int64, -1 for none.
        event: (K,) int64.
        layer: (K,) int64.
        u: Energy-weighted mean of the hits, (K,) [mm].
        v: The same, (K,) [mm].
        energy: Sum over the hits, (K,) [GeV].
        size: Number of hits, (K,) int64.
    """

    of_hit: Array
    event: Array
    layer: Array
    u: Array
    v: Array
    energy: Array
    size: Array


def layer_clusters(
    event: Array, layer: Array, u: Array, v: Array, energy: Array, label: Array, singles: bool = True
) -> LayerClusters:
    """Sum hits to clusters.

    Args:
        event: Of the hits, (N,).
        layer: (N,).
        u: Pointing coordinates, (N,) [mm].
        v: (N,) [mm].
        energy: (N,) [GeV].
        label: Cluster of each hit, (N,), -1 for outliers; hits of one cluster are of one layer.
        singles: Whether each outlier becomes a cluster of its own; else it is in none.
    """
    of_hit = label.astype(np.int64)
    if singles:
        alone = label < 0
        of_hit[alone] = label.max(initial=-1) + 1 + np.arange(alone.sum())
    count = int(of_hit.max(initial=-1)) + 1
    inside = of_hit >= 0
    own = of_hit[inside]

    def total(values: Array) -> Array:
        return np.bincount(own, values[inside], count)

    weight = np.maximum(energy, 1e-12).astype(np.float64)
    norm = total(weight)
    where = np.zeros((2, count), np.int64)
    where[0, own], where[1, own] = event[inside], layer[inside]
    return LayerClusters(
        of_hit, where[0], where[1], total(weight * u) / norm, total(weight * v) / norm, total(energy),
        np.bincount(own, minlength=count),
    )  # fmt: skip


def link(
    clusters: LayerClusters,
    distance: float,
    min_density: float,
    *,
    reach: int = 5,
    step: float = 3.0,
    seed_factor: float = 1.0,
    outlier_factor: float = 2.0,
    kernel: Kernel = "flat",
    share: float = 0.2,
) -> Clusters:
    """Link clusters of layers to showers by density, nearest denser cluster and seeds, as CLUE does with hits.

    The density of a cluster is its energy and ``share`` of that of the others nearby, in u, v and depth.

    Args:
        clusters: Of layers, K of them.
        distance: In which energies count [mm]; see ``clue`` for the two factors.
        min_density: Density of a seed [GeV].
        reach: Layers apart at most.
        step: What one layer apart adds to a distance, in quadrature [mm].
        seed_factor: Where the nearest denser cluster is beyond this times ``distance``, a shower begins.
        outlier_factor: Where it is beyond this, a faint cluster belongs to none.
        kernel: How energies of others count with their distance, see ``clue``.
        share: Part of the energies of others.

    Returns:
        Of the clusters, (K,) each; ``label`` is the shower.
    """
    return clue(
        clusters.u, clusters.v, clusters.energy, distance, min_density, group=clusters.event,
        depth=clusters.layer * step, reach=(reach + 0.5) * step, seed_factor=seed_factor,
        outlier_factor=outlier_factor, kernel=kernel, share=share,
    )  # fmt: skip
