"""What the metrics of objects share: their tables as samples, and statistics that draw events with replacement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Annotated, ClassVar, TypeVar

import numpy as np
from pydantic import AfterValidator, Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit
from hitforge.events import Collection
from hitforge.metrics import Metric, Predictions
from hitforge.metrics._intervals import clopper_pearson, paired
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


def best_cut(metric: Metric, validation: Predictions) -> dict[str, float]:
    """Return ``min_score`` where F1 of a metric of showers is greatest; empty where no particle is to be found."""
    particles = validation.tables.get("particles")
    if particles is None or not particles.rows:
        return {}
    sample = showers_of(validation.tables, metric.name, validation.columns)
    return {"min_score": sample.operated(metric.config.iou, None, metric.target.min_deposited)[2]}


def score_cut(metric: Metric, predictions: Predictions) -> tuple[float | None, str]:
    """Return the least score of showers that count, None for that of greatest F1, and how it was chosen.

    The words are empty where the metric's settings name it.
    """
    if metric.config.min_score is not None:
        return metric.config.min_score, ""
    cut = metric.settled(predictions).config.min_score
    return cut, f"greatest F1 on {'these' if cut is None else 'validation'} events"


def share_difference(counts: Array, replicas: int, random: np.random.Generator) -> tuple[float, float, float]:
    """Return the difference of two shares of the same events, and the ends of its interval; see ``paired``.

    Args:
        counts: Passed and counted of the first, then of the second, in each event, (N, 4).
        replicas: Of the bootstrap over the events that have entries.
        random: Source of the draws.
    """
    counts = counts[counts[:, [1, 3]].any(axis=1)]
    whole = counts.sum(axis=0)
    drawn = resampled(counts, replicas, random)
    drawn = drawn[(drawn[:, [1, 3]] > 0).all(axis=1)]
    value = float(_difference(whole))
    singles = [(whole[i] / whole[i + 1], *clopper_pearson(whole[i], whole[i + 1])) for i in (0, 2)]
    one, two = ((float(middle), float(low), float(high)) for middle, low, high in singles)
    return value, *paired(_difference(drawn), value, len(counts), float(whole[[1, 3]].min()), (one, two))


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


def _difference(counts: Array) -> Array:
    """Share of the first minus that of the second, (..., 4) -> (...)."""
    result: Array = counts[..., 0] / counts[..., 1] - counts[..., 2] / counts[..., 3]
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
