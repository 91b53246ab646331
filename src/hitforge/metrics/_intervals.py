"""Intervals of 68.3 % confidence (one standard deviation of a normal distribution)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv

from hitforge.core.arrays import Array

TAIL = 0.5 * math.erfc(1.0 / math.sqrt(2.0))
"""Probability beyond either end of an interval, 0.1587."""


def clopper_pearson(passed: Array, total: Array) -> tuple[Array, Array]:
    """Return the ends of the central Clopper-Pearson interval of a binomial share.

    Biometrika 26 (1934) 404. It covers at least 68.3 % for every true share; an end that no events support is 0 or 1.

    Args:
        passed: Events that passed, (...).
        total: Events that were tried, (...), each > 0.
    """
    passed, total = np.broadcast_arrays(np.asarray(passed, np.float64), np.asarray(total, np.float64))
    failed = total - passed
    low = np.where(passed > 0, betaincinv(np.maximum(passed, 0.5), failed + 1.0, TAIL), 0.0)
    high = np.where(failed > 0, betaincinv(passed + 1.0, np.maximum(failed, 0.5), 1.0 - TAIL), 1.0)
    return low, high


def percentile(replicas: Array, value: float) -> tuple[float, float]:
    """Return the percentile interval of bootstrap replicas, (B,), stretched to hold the measured value if need be."""
    low, high = np.quantile(replicas, [TAIL, 1.0 - TAIL])
    return min(float(low), value), max(float(high), value)


def shares_in_bins(value: Array, passed: Array, edges: Array) -> dict[str, Array]:
    """Return the shares that passed in bins which hold their lower edge (the last its upper one too).

    Args:
        value: What is binned, (n,).
        passed: (n,) bool.
        edges: Rising, (bins + 1,).

    Returns:
        ``low``, ``high``, ``value``, ``lo`` and ``hi`` (Clopper-Pearson), ``n``; bins without entry are left out.
    """
    bins = len(edges) - 1
    index = np.searchsorted(edges, value, side="right") - 1
    index[value == edges[-1]] = bins - 1
    inside = (index >= 0) & (index < bins)
    total = np.bincount(index[inside], minlength=bins)
    number = np.bincount(index[inside & passed], minlength=bins)
    kept = total > 0
    low, high = clopper_pearson(number[kept], total[kept])
    return {
        "low": edges[:-1][kept], "high": edges[1:][kept], "value": number[kept] / total[kept],
        "lo": low, "hi": high, "n": total[kept],
    }  # fmt: skip
