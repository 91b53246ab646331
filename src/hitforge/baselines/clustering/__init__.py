"""Kernels that cluster points of a calorimeter: CLUE, its linking in depth, DBSCAN, seeded cones."""

from hitforge.baselines.clustering.clue import Clusters, clue
from hitforge.baselines.clustering.cone import cones
from hitforge.baselines.clustering.dbscan import dbscan
from hitforge.baselines.clustering.link import LayerClusters, layer_clusters, link

__all__ = ["Clusters", "LayerClusters", "clue", "cones", "dbscan", "layer_clusters", "link"]
