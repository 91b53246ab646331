"""Showers and particles of predictions: which shower belongs to which particle, and which showers count."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from scipy.spatial import cKDTree

from hitforge.core import config
from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.metrics import Metric, Predictions
from hitforge.metrics._sample import require_same_events

Array = NDArray[Any]

PARTICLE = ("particle", "pdg", "kind", "energy", "visible", "u", "v", "depth", "nearest", "eta")
"""Columns that the table ``particles`` must have."""
SHOWER = ("score", "energy", "hadron", "raw", "of_particles", "u", "v")
"""Columns that the table ``showers`` must have."""
MATCH = ("shower", "particle", "shared", "union")
"""Columns that the table ``matches`` must have."""
KINDS = ("electromagnetic", "hadron")
"""Classes of particles, by their number."""
MATCHING = (
    "a shower matches the particle not yet taken with which its energy-weighted IoU, sum E min(w, f) / sum E max(w, f)"
    " over hits of energy E and shares w and f, is greatest and at least {:g}; showers choose in falling order of score"
)
"""What it means that a shower belongs to a particle."""


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    if any(second <= first for first, second in pairwise(edges)):
        raise ValueError("edges must rise")
    return edges


Edges = Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(min_length=2), AfterValidator(_rising)]
"""Edges of bins, rising; a bin holds its lower edge, the last its upper one too."""

_EVENTS_APART = 1e6  # between events, where the nearest particle is looked for [mm]


class Selection(config.Config):
    """Which showers count, and the bootstrap."""

    least: float = Field(
        3.0,
        ge=0,
        le=1e4,
        description="showers with less energy in their hits that match no particle are left out [GeV]",
    )
    replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")


class Operation(Selection):
    """Which showers count where each has to be taken or left."""

    iou: float = Field(0.5, gt=0, le=1, description="least energy-weighted IoU of a shower and the particle it matches")
    min_score: float | None = Field(
        None, ge=0, le=1e9, description="least score of showers that count; none: where F1 is greatest on these events"
    )


@dataclass(frozen=True)
class Showers:
    """Particles and showers of all events, flat, and the pairs that have energy in common.

    Attributes:
        events: Number of events, N.
        event: Event of each particle, (P,) int64.
        particles: Columns of the particles, (P,) each.
        shower_event: Event of each shower, (S,) int64.
        showers: Columns of the showers, (S,) each.
        begin: Pairs of shower ``s`` stand at ``begin[s]:begin[s + 1]``, (S + 1,) int64.
        particle: Row of each pair's particle, (K,) int64.
        shared: Energy that they have in common, (K,) [GeV].
        iou: Of each pair, (K,).
    """

    events: int
    event: Array
    particles: dict[str, Array]
    shower_event: Array
    showers: dict[str, Array]
    begin: Array
    particle: Array
    shared: Array
    iou: Array

    @property
    def shower(self) -> Array:
        """Row of each pair's shower, (K,) int64."""
        return np.repeat(np.arange(len(self.shower_event)), np.diff(self.begin))

    def matched(self, least: float) -> Array:
        """Row of the particle that each shower matches, (S,) int64, -1 for none; see ``MATCHING``.

        Of showers with the same score the first chooses first; of the same IoU it takes the first particle.
        """
        order = np.argsort(-self.showers["score"], kind="stable")
        free = np.ones(len(self.event), np.bool_)
        result: Array = _matched(order, self.begin, self.particle, self.iou, least - 1e-9, free)
        return result

    def leading(self) -> Array:
        """Row of the particle that each shower shares most energy with, (S,) int64, -1 where there is none."""
        order = np.lexsort((self.particle, -self.shared, self.shower))
        result = np.full(len(self.shower_event), -1)
        some = np.diff(self.begin) > 0
        result[some] = self.particle[order[self.begin[:-1][some]]]
        return result

    def alone(self, variable: str) -> Array:
        """What a shower says of itself in place of a particle, (S,): for ``kind``, ``energy`` and ``nearest``.

        These are its own class and energy, and its distance to the nearest particle to be found of its event [mm].
        """
        own = self.showers
        if variable == "kind":
            return (own["hadron"] >= 0.5).astype(np.int64)
        if variable == "energy":
            return own["energy"]
        event = _EVENTS_APART * np.concatenate([self.event, self.shower_event])
        u, v = (np.concatenate([self.particles[name], own[name]]) for name in ("u", "v"))
        places = np.column_stack([u, v, event])
        number = len(self.event)
        distance: Array = cKDTree(places[:number]).query(places[number:])[0]
        return np.where(distance < _EVENTS_APART / 2, distance, np.inf)

    def bright(self, least: float) -> Array:
        """Showers that are false if they match no particle, (S,) bool: with ``least`` in hits that count, and some."""
        raw = self.showers["raw"]
        return (raw >= least) & (raw > 0)

    def operated(self, c: Operation) -> tuple[Array, Array, float]:
        """Matches of the showers that count, (S,) int64; which count, (S,) bool; and their least score."""
        matched, score = self.matched(c.iou), self.showers["score"]
        judged = (matched >= 0) | self.bright(c.least)
        cut = c.min_score if c.min_score is not None else self._best_cut(matched >= 0, judged)
        counted = judged & (score >= cut)
        return np.where(counted, matched, -1), counted, cut

    def _best_cut(self, right: Array, judged: Array) -> float:
        """Score from which on F1 is greatest; the lowest of several, 0 where nothing was found."""
        ranks = ranked(self, judged, right)
        good = np.cumsum(ranks.right)[ranks.last]
        if not len(good) or not good[-1]:
            return float(ranks.score[-1]) if len(good) else 0.0
        f1 = 2.0 * good / (np.flatnonzero(ranks.last) + 1 + len(self.event))
        return float(ranks.score[ranks.last][len(f1) - 1 - int(np.argmax(f1[::-1]))])


class Ranks(NamedTuple):
    """Showers in falling order of score, (D,) each."""

    score: Array
    event: Array
    right: Array
    """True where it matches a particle that is asked for."""
    last: Array
    """True at the last of equal scores."""


def ranked(sample: Showers, counted: Array, right: Array) -> Ranks:
    """Rank the showers that count, (S,) bool, by score."""
    rows = np.flatnonzero(counted)
    rows = rows[np.argsort(-sample.showers["score"][rows], kind="stable")]
    score = sample.showers["score"][rows]
    last = np.ones(len(rows), bool)
    last[:-1] = score[1:] != score[:-1]
    return Ranks(score, sample.shower_event[rows], right[rows], last)


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


def showers_of(metric: Metric, predictions: Predictions) -> Showers:
    """Return the showers and particles of predictions.

    Raises:
        DataError: The predictions are not of showers, hold no event or no particle, a score or energy is not finite, or
            a match names what is not there.
    """
    tables = [predictions.tables.get(name) for name in ("particles", "showers", "matches")]
    if any(table is None for table in tables):
        raise DataError(
            f"'{metric.name}' measures showers, with the tables 'particles', 'showers' and 'matches'",
            came=", ".join([*predictions.tables, *predictions.columns]) or "nothing",
            do="choose other metrics in 'evaluation.metrics', or a task that finds showers",
        )
    particles, showers, matches = (table for table in tables if table is not None)
    if not len(particles):
        raise DataError("the sample must have at least one event", came="an empty one")
    for name, table, columns in zip(
        ("particles", "showers", "matches"), (particles, showers, matches), (PARTICLE, SHOWER, MATCH), strict=True
    ):
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise DataError(
                f"the table '{name}' of showers must have the columns {', '.join(columns)}", came=f"no {absent[0]}"
            )
    if not particles.rows:
        raise DataError(f"'{metric.name}' needs particles to be found", came=f"none in {len(particles)} events")
    _check(showers, matches, particles)
    shower = showers.offsets[matches.event] + matches["shower"]
    order = np.argsort(shower, kind="stable")
    return Showers(
        len(particles),
        particles.event,
        {name: np.asarray(particles[name]) for name in PARTICLE},
        showers.event,
        {name: np.asarray(showers[name], np.float64) for name in SHOWER},
        np.searchsorted(shower[order], np.arange(showers.rows + 1)),
        (particles.offsets[matches.event] + matches["particle"])[order],
        np.asarray(matches["shared"], np.float64)[order],
        (matches["shared"] / np.maximum(matches["union"], 1e-12))[order],
    )


def both_showers(metric: Metric, first: Predictions, second: Predictions) -> tuple[Showers, Showers]:
    """Return the showers of two sets of predictions of the same particles.

    Raises:
        DataError: As ``showers_of``; or events or particles differ.
    """
    if first.columns and second.columns:
        require_same_events(first, second)
    one, two = showers_of(metric, first), showers_of(metric, second)
    same = one.events == two.events and np.array_equal(one.event, two.event)
    if not (same and all(np.array_equal(one.particles[name], two.particles[name]) for name in PARTICLE)):
        raise DataError(
            "both sets of predictions must be of the same particles",
            came=f"{len(one.event)} and {len(two.event)} particles",
            do="evaluate both on one sample, with the same hits looked at and the same particles to be found",
        )
    return one, two


def _check(showers: Collection, matches: Collection, particles: Collection) -> None:
    for name in SHOWER:
        bad = np.flatnonzero(~np.isfinite(showers[name]))
        if len(bad):
            raise DataError(
                f"'{name}' of a shower must be finite",
                came=f"{showers[name][bad[0]]} and {len(bad) - 1} more such values",
                where=f"event {showers.event[bad[0]]}",
            )
    for name, table in (("shower", showers), ("particle", particles)):
        bad = np.flatnonzero((matches[name] < 0) | (matches[name] >= table.counts[matches.event]))
        if len(bad):
            raise DataError(
                f"a match must name a {name} of its event",
                came=int(matches[name][bad[0]]),
                where=f"event {matches.event[bad[0]]}",
            )


@njit(nogil=True, cache=True)
def _matched(order, begin, particle, iou, least, free):  # type: ignore[no-untyped-def]
    result = np.full(len(order), -1)
    for shower in order:
        best = least
        for pair in range(begin[shower], begin[shower + 1]):
            if free[particle[pair]] and (iou[pair] > best or (iou[pair] == best and result[shower] < 0)):
                best, result[shower] = iou[pair], particle[pair]
        if result[shower] >= 0:
            free[result[shower]] = False
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
