"""Shapes of clusters from the channels that fired, and the direction that a shape speaks of."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array


def repeated(hit: Array, channel_u: Array, channel_v: Array) -> int:
    """Return how many rows name a channel of a cluster again: its size stays, its charge is added.

    Public TrackML events have 1 of 10,000.

    Args:
        hit: Cluster of each channel, (C,) int64.
        channel_u: Its number along u, (C,) int64.
        channel_v: The same along v, (C,) int64.
    """
    return len(hit) - int(np.unique(np.stack([hit, channel_u, channel_v]), axis=1).shape[1])


def shapes(hit: Array, channel_u: Array, channel_v: Array, value: Array, hits: int) -> dict[str, Array]:
    """Return the size and charge of each cluster, in any order of the channels.

    Args:
        hit: Cluster of each channel that fired, (C,) int64.
        channel_u: Its number along u, (C,) int64.
        channel_v: The same along v, (C,) int64.
        value: What it measured, (C,).
        hits: Number of clusters H.

    Returns:
        ``size_u`` and ``size_v`` (largest less smallest channel, plus one), ``cells`` (channels that fired) and
        ``charge`` (sum of their values), each (H,); all 0 for a cluster without channels.
    """
    cells = np.bincount(hit, minlength=hits)
    charge = np.bincount(hit, value, hits).astype(np.float64)
    some = cells > 0
    order = np.argsort(hit, kind="stable")
    first = (np.cumsum(cells) - cells)[some]  # place of each cluster's first channel
    result: dict[str, Array] = {"cells": cells, "charge": charge}
    for name, channel in (("size_u", channel_u), ("size_v", channel_v)):
        size = np.zeros(hits, np.int64)
        if len(first):
            sorted_channel = channel[order]
            size[some] = np.maximum.reduceat(sorted_channel, first) - np.minimum.reduceat(sorted_channel, first) + 1
        result[name] = size
    return result


def incidence(size: Array, pitch: Array, thickness: Array) -> Array:
    """Return the slope of the track against the sensor's normal that fits a cluster's size, all (H,).

    A straight track that crosses a sensor of thickness t with slope s = tan(angle) runs along s * t of its surface, and
    fires s * t / pitch + 1 channels on average, so s = (size - 1) * pitch / t. The sign is not known. Delta rays and
    the drift of charge in the field widen clusters: an estimate. A size of 0 (unknown) gives 0. Clusters in the end
    caps of TrackML's files are as long as those of sensors twice as thick.

    Args:
        size: Channels along one axis.
        pitch: Size of a channel along it [mm].
        thickness: Of the sensor [mm].
    """
    slope: Array = np.maximum(size - 1, 0) * pitch / thickness
    return slope
