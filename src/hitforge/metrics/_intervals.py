"""Intervals of 68.3 % confidence (one standard deviation of a normal distribution)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

Array = NDArray[Any]

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
