"""What the metrics of objects share: their tables as samples, and statistics that draw events with replacement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, TypeVar

import numpy as np
from numba import njit
from pydantic import AfterValidator, Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.metrics import Metric, Predictions
from hitforge.metrics._sample import require_same_events
from hitforge.objects.shower.rules import Ranks, Showers, showers_of
from hitforge.objects.track.rules import Tracks, tracks_of

_S = TypeVar("_S", Showers, Tracks)


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(second <= first for first, second in pairwise(edges)):
        raise ValueError("edges must rise")
    return edges


Edges = Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(min_length=2), AfterValidator(_rising)]
"""Edges of bins, rising; a bin holds its lower edge, the last its upper one too."""


class Selection(config.Config):
    """The bootstrap."""

    renamed: ClassVar[dict[str, str]] = {"least": "target.min_deposited"}

    replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")


def both_tracks(metric: Metric, first: Predictions, second: Predictions) -> tuple[Tracks, Tracks]:
    """Return the tracks of two sets of predictions of the same particles.

    Raises:
        DataError: As ``tracks_of``; or events or particles differ.
    """
    return _both(tracks_of, metric, first, second)


def both_showers(metric: Metric, first: Predictions, second: Predictions) -> tuple[Showers, Showers]:
    """Return the showers of two sets of predictions of the same particles.

    Raises:
        DataError: As ``showers_of``; or events or particles differ.
    """
    return _both(showers_of, metric, first, second)


def _both(
    objects: Callable[[Mapping[str, Collection], str, Iterable[str]], _S],
    metric: Metric,
    first: Predictions,
    second: Predictions,
) -> tuple[_S, _S]:
    if first.columns and second.columns:
        require_same_events(first, second)
    one, two = (objects(part.tables, metric.name, part.columns) for part in (first, second))
    one.require_same(two)
    return one, two


def resampled(counts: Array, replicas: int, random: np.random.Generator) -> Array:
    """Return the sums of bootstrap replicas, (replicas, K), that draw events, (N, K), with replacement."""
    number = len(counts)
    drawn = random.multinomial(number, np.full(number, 1.0 / number), replicas)
    result: Array = drawn @ counts
    return result


def average_precision(ranks: Ranks, weights: Array, particles: Array) -> Array:
    """Return the area under the envelope of precision over recall, (R,), NaN without particles.

    The precision at a recall is the greatest that any score cut with at least this recall has; showers of equal score
    are taken together.

    Args:
        ranks: Showers that count.
        weights: How often each event is taken, (R, N).
        particles: Particles that are asked for in each event, (N,).
    """
    total = weights @ particles
    area: Array = _areas(ranks.event, ranks.right, ranks.last, weights)
    return np.where(total > 0, area / np.maximum(total, 1), np.nan)


def replica_weights(events: int, replicas: int, random: np.random.Generator) -> Array:
    """Return how often bootstrap replicas take each event, (replicas, N) int64."""
    return random.multinomial(events, np.full(events, 1.0 / events), replicas)


def quantiles(values: Array, event: Array, weights: Array, shares: Array) -> Array:
    """Return quantiles of values whose events are taken several times, (R, Q), NaN where none is.

    Args:
        values: (n,).
        event: Event of each, (n,).
        weights: How often each event is taken, (R, N).
        shares: (Q,), 0 to 1; between two values the quantile is linear, as in NumPy.
    """
    order = np.argsort(values, kind="stable")
    result: Array = _quantiles(values[order], event[order], weights, shares)
    return result


@njit(nogil=True, cache=True)
def _areas(event, right, last, weights):  # type: ignore[no-untyped-def]
    """Precision times steps of the number of right ones, from the lowest score up, so that the envelope is at hand."""
    result = np.zeros(len(weights))
    for replica in range(len(weights)):
        weight = weights[replica]
        good, every = 0, 0
        for place in range(len(event)):
            every += weight[event[place]]
            if right[place]:
                good += weight[event[place]]
        best, step = 0.0, 0
        for place in range(len(event) - 1, -1, -1):
            if last[place]:
                result[replica] += step * best
                step = 0
                if every > 0:
                    best = max(best, good / every)
            every -= weight[event[place]]
            if right[place]:
                good -= weight[event[place]]
                step += weight[event[place]]
        result[replica] += step * best
    return result


@njit(nogil=True, cache=True)
def _quantiles(ordered, event, weights, shares):  # type: ignore[no-untyped-def]
    out = np.full((len(weights), len(shares)), np.nan)
    for replica in range(len(weights)):
        weight = weights[replica]
        total = 0
        for place in range(len(event)):
            total += weight[event[place]]
        if total == 0:
            continue
        for item in range(len(shares)):
            position = shares[item] * (total - 1)
            first = np.int64(np.floor(position))
            passed, place = np.int64(0), -1
            while passed <= first:
                place += 1
                passed += weight[event[place]]
            low = ordered[place]
            while passed <= first + 1 and passed < total:
                place += 1
                passed += weight[event[place]]
            out[replica, item] = low + (position - first) * (ordered[place] - low)
    return out
