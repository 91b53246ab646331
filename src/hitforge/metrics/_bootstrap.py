"""Intervals of widths, quantiles and means: the Bayesian bootstrap over events, centred, and with Student's t."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, stdtrit

from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.metrics import Value
from hitforge.metrics._intervals import TAIL, unseen

MEAN, RMS, SIZE, MEDIAN, LOW, HIGH, CORE = range(7)
"""Columns of ``statistics``: mean, standard deviation, mean absolute value, and quantiles."""

_QUANTILES = np.array([0.5, TAIL, 1.0 - TAIL, 1.0 - 2.0 * TAIL])


def statistics(values: Array) -> Array:
    """Return the statistics of each row of values, (M, n) -> (M, 7); see ``MEAN`` and what follows it.

    The standard deviation is that with n - 1. Quantiles are linear between values at (k - 1/2)/n (J. Hazen, Trans.
    ASCE 77 (1914) 1539): widths of few values are not too narrow, as between (k - 1)/(n - 1).
    """
    result: Array = _statistics(*_sorted(values), np.ones(values.shape[1]), _QUANTILES)
    return result


def bootstrap_statistics(
    values: Array, replicas: int, random: np.random.Generator, event: Array | None = None
) -> Array:
    """Return the statistics of replicas, (replicas, M, 7).

    A replica gives each event an exponential weight (D. B. Rubin, Ann. Statist. 9 (1981) 130): unlike draws with
    replacement it has no equal values, which make quantiles jump and widths too small.

    Args:
        values: (M, n); the M rows are of the same n entries, which are weighted together (paired).
        replicas: How many.
        random: Source of the weights.
        event: (n,) int, event of each entry, where entries of one event are not independent.
    """
    ordered, order = _sorted(values)
    number = values.shape[1]
    if event is not None:
        filled, place = np.unique(event, return_inverse=True)
        number, order = len(filled), place[order]
    result = np.empty((replicas, len(values), 7))
    for replica in range(replicas):
        result[replica] = _statistics(ordered, order, random.standard_exponential(number), _QUANTILES)
    return result


def event_weights(events: int, replicas: int, random: np.random.Generator) -> Array:
    """Return the weight of each event: once 1, then as replicas give it, (1 + replicas, events)."""
    return np.concatenate([np.ones((1, events)), random.standard_exponential((replicas, events))])


def quantiles(values: Array, event: Array, weights: Array, shares: Array) -> Array:
    """Return quantiles of values whose events have weights, (R, Q); as in ``statistics``.

    Args:
        values: (n,), one at least.
        event: Event of each, (n,).
        weights: Above 0, (R, N).
        shares: (Q,), 0 to 1.
    """
    ordered, order = _sorted(values[None])
    result: Array = _quantiles(ordered[0], event[order[0]], weights, shares)
    return result


def half_width(statistics: Array) -> Array:
    """Half of the width of the central 68.3 %, (..., 7) -> (...)."""
    result: Array = 0.5 * (statistics[..., HIGH] - statistics[..., LOW])
    return result


def expanded(events: int) -> float:
    """Return the probability beyond either end that makes an interval of replicas as wide as Student's t.

    Weights of n events give a mean the variance s^2 (n - 1) / n / (n + 1), not s^2 / n, and s is uncertain (the
    expanded percentile interval: T. C. Hesterberg, Am. Stat. 69 (2015) 371).
    """
    if events < 2:
        return TAIL
    return float(ndtr(stdtrit(events - 1, TAIL) * math.sqrt((events + 1) / (events - 1))))


def centred(replicas: Array, value: float) -> Array:
    """Shift replicas so that the measured value is their median, in proportion where all are above 0.

    Replicas of a width are too narrow by as much as the width itself is; of a mean or median they are not.
    """
    middle = float(np.median(replicas))
    result: Array = replicas * (value / middle) if value > 0 and replicas.min() > 0 else replicas + (value - middle)
    return result


def ends_of(value: float, replicas: Array, events: int | None = None, *, centre: bool = False) -> tuple[float, float]:
    """Return the 68.3 % interval of replicas, (B,), stretched to hold the measured value if need be.

    Args:
        value: What was measured.
        replicas: The same of each replica.
        events: Number of independent events, for Student's t; None for quantiles of independent entries, which need
            no estimate of a variance.
        centre: True of widths, see ``centred``.
    """
    tail = TAIL if events is None else expanded(events)
    low, high = np.quantile(centred(replicas, value) if centre else replicas, [tail, 1.0 - tail])
    return min(float(low), value), max(float(high), value)


def interval(
    value: Any, replicas: Array, text: str, count: int, events: int | None = None, *, centre: bool = False
) -> Value:
    """Return a number with its ``ends_of``, from its definition and number of events."""
    return Value(float(value), *ends_of(float(value), replicas, events, centre=centre), text, count)


def with_ends(
    name: str, value: Any, replicas: Array, events: int | None = None, *, centre: bool = False
) -> dict[str, float]:
    """Return a number and its ``ends_of`` as columns ``name``, ``name_low``, ``name_high``."""
    low, high = ends_of(float(value), replicas, events, centre=centre)
    return {name: float(value), f"{name}_low": low, f"{name}_high": high}


def at_an_end(values: Array, low: float, high: float, found: tuple[float, float]) -> tuple[float, float]:
    """Widen the interval of a mean of values that cannot leave a range, where all lie at one end of it.

    Nothing varies then, and a bootstrap gives no width. At most one in so many more values lies elsewhere, by
    Clopper and Pearson, and at worst at the other end.

    Args:
        values: Independent, (n,).
        low: What none can be below.
        high: What none can be above.
        found: The interval as it is.
    """
    bound = (high - low) * unseen(len(values))
    near = 1e-9 * (high - low)
    if (np.abs(values - low) <= near).all():
        return found[0], max(found[1], low + bound)
    if (np.abs(values - high) <= near).all():
        return min(found[0], high - bound), found[1]
    return found


def excess(cases: Sequence[tuple[Array, Array]], seen: float) -> tuple[float, float, float]:
    """Return a deviation without what chance adds to it, and its 68.3 % interval, by inversion of tests.

    The largest or the mean absolute deviation is above 0 where nothing deviates. The value is the true size for which
    half of all samples show less than was seen, the ends are those for which 84.1 and 15.9 % do: all are 0 where chance
    alone shows as much. How much chance adds depends on where the deviation lies, which is not known: the value is that
    of the first case, the interval holds those of all. Where less is seen than half of the samples without deviation
    show, the upper end is that of their median (G. Cowan et al., arXiv:1105.3166): luck makes no interval of no width.

    Args:
        cases: For each shape that the deviation may have its rising true sizes, (K,), the first 0, and what samples of
            each show, (K, B).
        seen: What was seen.
    """
    values, lows, highs = [], [], []
    for sizes, drawn in cases:
        least = max(seen, float(np.median(drawn[0])))
        shares = [(drawn < x).mean(axis=1) + 0.5 * (drawn == x).mean(axis=1) for x in (seen, least)]
        below, limit = (np.minimum.accumulate(share) for share in shares)
        values.append(_size(sizes, below, 0.5))
        lows.append(_size(sizes, below, 1.0 - TAIL))
        highs.append(_size(sizes, limit, TAIL))
    return values[0], min(*lows, values[0]), max(*highs, values[0])


def sizes_to(seen: float, chance: Array) -> Array:
    """Return true sizes from 0 to one that no sample with so little noise hides, from what chance shows, (B,)."""
    return np.linspace(0.0, seen + 4.0 * float(chance.max(initial=0.0)), 41)


def _size(sizes: Array, below: Array, level: float) -> float:
    return float(np.interp(-level, -below, sizes)) if below[0] > level else 0.0


def _sorted(values: Array) -> tuple[Array, Array]:
    order = np.argsort(values, axis=1, kind="stable")
    return np.take_along_axis(values, order, axis=1), order


@njit(nogil=True, cache=True)
def _statistics(ordered, event, weights, shares):  # type: ignore[no-untyped-def]
    """Statistics of rows of rising values, (M, n), each with the weight of its ``event``, (M, n)."""
    out = np.empty((len(ordered), 3 + len(shares)))
    number = ordered.shape[1]
    bessel = number / max(number - 1, 1)
    for row in range(len(ordered)):
        values, owner = ordered[row], event[row]
        shift = values[number // 2]  # against cancellation in the variance
        total, mean, square, size = 0.0, 0.0, 0.0, 0.0
        for place in range(number):
            weight = weights[owner[place]]
            offset = values[place] - shift
            total += weight
            mean += weight * offset
            square += weight * offset * offset
            size += weight * abs(values[place])
        mean /= total
        out[row, 0] = mean + shift
        out[row, 1] = np.sqrt(max(square / total - mean * mean, 0.0) * bessel)
        out[row, 2] = size / total
        for item in range(len(shares)):
            out[row, 3 + item] = _quantile(values, owner, weights, total * shares[item])
    return out


@njit(nogil=True, cache=True)
def _quantiles(ordered, event, weights, shares):  # type: ignore[no-untyped-def]
    out = np.empty((len(weights), len(shares)))
    for replica in range(len(weights)):
        weight = weights[replica]
        total = 0.0
        for place in range(len(ordered)):
            total += weight[event[place]]
        for item in range(len(shares)):
            out[replica, item] = _quantile(ordered, event, weight, total * shares[item])
    return out


@njit(nogil=True, cache=True)
def _quantile(values, event, weights, goal):  # type: ignore[no-untyped-def]
    """Value at which the running weight, each value standing in the middle of its own, reaches a goal."""
    before = weights[event[0]]
    at = 0.5 * before  # running weight at the value
    if goal <= at:
        return values[0]
    for place in range(1, len(values)):
        weight = weights[event[place]]
        following = before + 0.5 * weight
        if goal < following:
            return values[place - 1] + (goal - at) / (following - at) * (values[place] - values[place - 1])
        before += weight
        at = following
    return values[-1]
