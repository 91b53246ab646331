"""Intervals of 68.3 % confidence (one standard deviation of a normal distribution)."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betaincinv, ndtr, stdtrit

from hitforge.core.arrays import Array

TAIL = 0.5 * math.erfc(1.0 / math.sqrt(2.0))
"""Probability beyond either end of an interval, 0.1587."""
_SPREAD = 1e-12  # replicas that differ by less are alike, but for rounding


def clopper_pearson(passed: Array, total: Array) -> tuple[Array, Array]:
    """Return the ends of the central Clopper-Pearson interval of a binomial share.

    Biometrika 26 (1934) 404. It covers at least 68.3 % for every true share; an end that no events support is 0 or 1.

    Args:
        passed: Events that passed, (...); with ``total`` it may be an effective number, not whole.
        total: Events that were tried, (...), each > 0.
    """
    passed, total = np.broadcast_arrays(np.asarray(passed, np.float64), np.asarray(total, np.float64))
    failed = total - passed
    low = np.where(passed > 0, betaincinv(np.where(passed > 0, passed, 1.0), failed + 1.0, TAIL), 0.0)
    high = np.where(failed > 0, betaincinv(passed + 1.0, np.where(failed > 0, failed, 1.0), 1.0 - TAIL), 1.0)
    return low, high


def clustered_share(passed: Array, counted: Array) -> tuple[Array, Array]:
    """Return the ends of the interval of a share of particles, of which those of an event are correlated.

    E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193: Clopper-Pearson at the effective number
    n / deff. The design effect deff is the variance of the ratio over that of independent particles; the first comes
    from the residuals of the events, passed - share * counted. With few events that variance is uncertain, so the
    effective number is multiplied by (t(n - 1) / t(events - 1))^2 of Student's quantiles. It never exceeds n.
    Plain Clopper-Pearson where none or all passed, or where one event alone has entries.

    Args:
        passed: Particles that passed in each event, (N, ...).
        counted: Particles that were tried in each event, (N, ...); more than 0 over all events.
    """
    passed, counted = np.asarray(passed, np.float64), np.asarray(counted, np.float64)
    number, total, events = passed.sum(axis=0), counted.sum(axis=0), (counted > 0).sum(axis=0)
    share = number / total
    between = ((passed - share * counted) ** 2).sum(axis=0) / total**2 * events / np.maximum(events - 1, 1)
    alone = share * (1.0 - share) / np.maximum(total - 1, 1)
    several = (events > 1) & (between > 0) & (number > 0) & (number < total)
    student = stdtrit(np.maximum(total - 1, 1), 1.0 - TAIL) / stdtrit(np.maximum(events - 1, 1), 1.0 - TAIL)
    effective = total * alone / np.where(several, between, 1.0) * student**2
    reduced = several & (effective < total)
    return clopper_pearson(np.where(reduced, share * effective, number), np.where(reduced, effective, total))


def clustered_text(counted: Array) -> str:
    """Say what ``clustered_share`` gives for particles of events, (N,)."""
    if np.count_nonzero(counted) > 1:
        return "Korn-Graubard over events, of none or all Clopper-Pearson over entries"
    return "Clopper-Pearson, one event: all taken as independent"


def percentile(replicas: Array, value: float, events: int | None = None) -> tuple[float, float]:
    """Return the percentile interval of bootstrap replicas, stretched to hold the measured value if need be.

    Args:
        replicas: (B,).
        value: What was measured.
        events: Number of what was drawn. The bootstrap's spread is too small by sqrt(1 - 1 / events), and not of
            Student's distribution; quantiles further out make up for both (T. C. Hesterberg, The American Statistician
            69 (2015) 371). None for many.
    """
    tail = TAIL
    if events is not None:
        degrees = max(events - 1, 1)
        tail = float(ndtr(-math.sqrt(max(events, 2) / degrees) * stdtrit(degrees, 1.0 - TAIL)))
    low, high = np.quantile(replicas, [tail, 1.0 - tail])
    return min(float(low), value), max(float(high), value)


def bounded(replicas: Array, value: float, events: int, entries: float) -> tuple[float, float]:
    """Return the interval of a number from 0 to 1: ``percentile``, or an exact one where no replica differs.

    Replicas are alike at the ends of the range, and where there is one event. More data could still change the number,
    so Clopper-Pearson of its ``entries`` stands there.

    Args:
        replicas: (B,); those that are not finite are left out.
        value: What was measured.
        events: Number of what was drawn.
        entries: What the number is a share of, such as particles; an effective number where they weigh differently.
    """
    known = replicas[np.isfinite(replicas)]
    if len(known) and np.ptp(known) > _SPREAD:
        return percentile(known, value, events)
    share = min(max(value, 0.0), 1.0)
    low, high = clopper_pearson(np.array(share * entries), np.array(entries))
    return min(float(low), value), max(float(high), value)


def unseen(entries: float) -> float:
    """Return the share that could be otherwise although none of some entries was: Clopper-Pearson of none."""
    return float(1.0 - TAIL ** (1.0 / max(entries, 1.0)))


def paired(
    replicas: Array,
    value: float,
    events: int,
    entries: float,
    singles: tuple[tuple[float, float, float], tuple[float, float, float]] | None = None,
) -> tuple[float, float]:
    """Return the interval of a difference of two numbers from 0 to 1, measured on the same events.

    It is ``percentile`` of paired replicas. Where these are alike, two things can be: nothing differs, then the share
    of discordant entries is bounded by ``unseen``, to either side; or there is one event, then both numbers are taken
    as unpaired and their intervals are added in squares (R. G. Newcombe, Statistics in Medicine 17 (1998) 873).

    Args:
        replicas: Of the difference, (B,); those that are not finite are left out.
        value: What was measured.
        events: Number of what was drawn.
        entries: The smaller number of what either is a share of.
        singles: Value and ends of each of the two; needed for one event.
    """
    known = replicas[np.isfinite(replicas)]
    if len(known) and np.ptp(known) > _SPREAD:
        return percentile(known, value, events)
    if events == 1 and singles is not None:
        (one, one_low, one_high), (two, two_low, two_high) = singles
        down, up = math.hypot(one - one_low, two_high - two), math.hypot(one_high - one, two - two_low)
    else:
        down = up = unseen(entries)
    return max(value - down, -1.0), min(value + up, 1.0)


def shares_in_bins(value: Array, passed: Array, edges: Array, event: Array | None = None) -> dict[str, Array]:
    """Return the shares that passed in bins which hold their lower edge (the last its upper one too).

    Args:
        value: What is binned, (n,).
        passed: (n,) bool.
        edges: Rising, (bins + 1,).
        event: Event of each entry, (n,) int; None where each is of an event of its own.

    Returns:
        ``low``, ``high``, ``value``, ``lo`` and ``hi`` (``clustered_share``), ``n``; bins without entry are left out.
    """
    bins = len(edges) - 1
    index = np.searchsorted(edges, value, side="right") - 1
    index[value == edges[-1]] = bins - 1
    inside = (index >= 0) & (index < bins)
    place, good = index[inside], np.asarray(passed)[inside]
    if event is None:
        total, number = (np.bincount(one, minlength=bins) for one in (place, place[good]))
        kept = total > 0
        low, high = clopper_pearson(number[kept], total[kept])
    else:
        own = np.asarray(event, np.int64)[inside]
        size = int(own.max(initial=-1)) + 1
        counts = [
            np.bincount(key, minlength=size * bins).reshape(size, bins)
            for key in (own * bins + place, (own * bins + place)[good])
        ]
        total, number = counts[0].sum(axis=0), counts[1].sum(axis=0)
        kept = total > 0
        low, high = clustered_share(counts[1][:, kept], counts[0][:, kept])
    return {
        "low": edges[:-1][kept], "high": edges[1:][kept], "value": number[kept] / total[kept],
        "lo": low, "hi": high, "n": total[kept],
    }  # fmt: skip
