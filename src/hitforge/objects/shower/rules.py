"""Showers beside particles, flat over events: which shower belongs to which particle, and which showers count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.events import Collection
from hitforge.objects import require_same_particles
from hitforge.objects.shower.matching import iou

_PARTICLE = ("particle", "pdg", "kind", "energy", "deposited", "u", "v", "depth", "nearest", "eta")
"""Columns that the table ``particles`` must have."""
SHOWER = ("score", "energy", "hadron", "raw", "of_particles", "u", "v")
"""Columns that the table ``showers`` must have."""
MATCH = ("shower", "particle", "shared", "union")
"""Columns that the table ``matches`` must have."""
SHOWER_CLASSES = ("electromagnetic", "hadron")
"""Classes of particles, by their number."""
MATCHING = (
    "a shower matches the particle not yet taken with which its energy-weighted IoU, sum E min(w, f) / sum E max(w, f)"
    " over hits of energy E and shares w and f, is greatest and at least {:g}; showers choose in falling order of"
    " score, those of equal score in falling order of IoU"
)
"""What it means that a shower belongs to a particle."""


_EVENTS_APART = 1e6  # between events, where the nearest particle is looked for [mm]


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

    def matched(self, min_iou: float) -> Array:
        """Row of the particle that each shower matches, (S,) int64, -1 for none; see ``MATCHING``.

        Of pairs with the same score and IoU, what showers and particles are says which comes first, never the order of
        rows.
        """
        kept = np.flatnonzero((self.iou >= min_iou - 1e-9) & (self.iou > 0))
        shower, particle = self.shower[kept], self.particle[kept]
        score = self.showers["score"][shower]
        order = np.lexsort((-self.iou[kept], -score))
        if _has_ties(score[order], self.iou[kept][order]):
            told, kinds = self._contents
            order = np.lexsort((kinds[particle], told[shower], -self.iou[kept], -score))
        result: Array = _matched(shower[order], particle[order], len(self.shower_event), len(self.event))
        return result

    @cached_property
    def _contents(self) -> tuple[Array, Array]:
        """A number of each shower, (S,), and of each particle, (P,) uint64, that follow what it is, not its row.

        Two rounds of colour refinement: its columns, then also its pairs with those of its partners.
        """
        told = _mixed([self.showers[name] for name in SHOWER])
        kinds = _mixed([self.particles[name] for name in _PARTICLE if name != "particle"])
        shower, own = self.shower, _mixed([self.iou, self.shared])
        for _ in range(2):
            of_shower, of_particle = np.zeros_like(told), np.zeros_like(kinds)
            np.add.at(of_shower, shower, _hashed(own ^ _hashed(kinds[self.particle])))
            np.add.at(of_particle, self.particle, _hashed(own ^ _hashed(told[shower])))
            told, kinds = _hashed(told ^ _hashed(of_shower)), _hashed(kinds ^ _hashed(of_particle))
        return told, kinds

    def require_same(self, other: Showers) -> None:
        """Refuse showers that are not of the same particles.

        Raises:
            DataError: Events or particles differ.
        """
        do = "evaluate both on one sample, with the same hits looked at and the same particles to be found"
        require_same_particles(self, other, _PARTICLE, do)

    def leading(self) -> Array:
        """Row of the particle that each shower shares most energy with, (S,) int64, -1 where there is none.

        Of several, what the particles are says which one, not their order.
        """
        order = np.lexsort((-self.shared, self.shower))
        if _has_ties(self.shower[order], self.shared[order]):
            order = np.lexsort((self._contents[1][self.particle], -self.shared, self.shower))
        result = np.full(len(self.shower_event), -1)
        some = np.diff(self.begin) > 0
        result[some] = self.particle[order[self.begin[:-1][some]]]
        return result

    def alone(self, variable: str) -> Array:
        """Return a shower's own value in place of that of a particle, (S,): for ``kind``, ``energy`` and ``nearest``.

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

    def bright(self, min_deposited: float) -> Array:
        """Showers that are false if they match no particle, (S,) bool: ``min_deposited`` or more in hits that count."""
        raw = self.showers["raw"]
        return (raw >= min_deposited) & (raw > 0)

    def operated(self, iou: float, min_score: float | None, min_deposited: float) -> tuple[Array, Array, float]:
        """Return matches of the showers that count, (S,) int64; which count, (S,) bool; and their least score.

        Args:
            iou: Least energy-weighted IoU of a shower and the particle it matches.
            min_score: Least score of showers that count; None: where F1 is greatest on the events themselves.
            min_deposited: Energy below which showers that match no particle do not count [GeV].
        """
        matched, score = self.matched(iou), self.showers["score"]
        considered = (matched >= 0) | self.bright(min_deposited)
        cut = min_score if min_score is not None else self._best_cut(matched >= 0, considered)
        counted = considered & (score >= cut)
        return np.where(counted, matched, -1), counted, cut

    def verdicts(self, c: Any, min_deposited: float) -> Verdicts:
        """Say of each shower and particle whether it is matched, merged or fake.

        Args:
            c: ``iou``, ``min_score``, ``fake`` and ``merge``, see ``ShowerCriteria``.
            min_deposited: Energy below which showers that match no particle do not count [GeV].
        """
        matched, counted, cut = self.operated(c.iou, c.min_score, min_deposited)
        number, size, shower = len(self.event), len(counted), self.shower
        held = self.shared / np.maximum(self.particles["deposited"][self.particle], 1e-12)
        most = counted[shower] & (held >= c.merge)
        merges = np.bincount(shower[most], minlength=size) >= 2
        is_found = np.zeros(number, bool)
        is_found[matched[matched >= 0]] = True
        is_merged = np.zeros(number, bool)
        is_merged[self.particle[most & merges[shower]]] = True
        fake = self.showers["of_particles"] < c.fake * self.showers["raw"]
        return Verdicts(matched, counted, cut, held, is_found, is_merged, fake, merges)

    def _best_cut(self, right: Array, considered: Array) -> float:
        """Score from which on F1 is greatest; the lowest of several, 0 where nothing was found."""
        ranks = ranked(self, considered, right)
        good = np.cumsum(ranks.right)[ranks.last]
        if not len(good) or not good[-1]:
            return float(ranks.score[-1]) if len(good) else 0.0
        f1 = 2.0 * good / (np.flatnonzero(ranks.last) + 1 + len(self.event))
        return float(ranks.score[ranks.last][len(f1) - 1 - int(np.argmax(f1[::-1]))])


class Operation(config.Config):
    """When a shower and a particle belong together, and which showers are taken."""

    iou: float = Field(0.5, gt=0, le=1, description="least energy-weighted IoU of a shower and the particle it matches")
    min_score: float | None = Field(
        None,
        ge=0,
        le=1e9,
        description="least score of showers that count; none: where F1 is greatest on the method's validation events",
    )


class ShowerCriteria(Operation):
    """When a shower is false, and when it holds more than one particle."""

    fake: float = Field(0.5, gt=0, le=1, description="share of a shower's energy that must be of particles")
    merge: float = Field(
        0.5, gt=0, le=1, description="share of a particle's deposited energy that makes it part of a merged shower"
    )


class Verdicts(NamedTuple):
    """What became of P particles, and what S showers are."""

    matched: Array
    """Row of the particle that each shower matches, (S,) int64, -1 for none."""
    counted: Array
    """Showers that count, (S,) bool."""
    cut: float
    """Least score of these."""
    held: Array
    """Share of the particle's deposited energy in the shower, of each pair, (K,)."""
    found: Array
    """Particles that a shower matches, (P,) bool."""
    merged: Array
    """Particles that are in a shower with another one, (P,) bool."""
    fake: Array
    """Showers of whose energy particles gave too little, (S,) bool."""
    merges: Array
    """Showers that hold two particles or more, (S,) bool."""


class Ranks(NamedTuple):
    """Showers in falling order of score, (D,) each."""

    score: Array
    event: Array
    right: Array
    """True where it matches a particle of the target."""
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


def showers_of(named: Mapping[str, Collection], who: str, beside: Iterable[str] = ()) -> Showers:
    """Return the showers and particles of the tables that ``Shower.match`` gives.

    Args:
        named: ``particles``, ``showers`` and ``matches``.
        who: Name of who asks, for errors.
        beside: Names of what else there is, for errors.

    Raises:
        DataError: The tables are not of showers, hold no event or no particle, a score or energy is not finite, or
            a match names what is not there.
    """
    tables = [named.get(name) for name in ("particles", "showers", "matches")]
    if any(table is None for table in tables):
        raise DataError(
            f"'{who}' measures showers, with the tables 'particles', 'showers' and 'matches'",
            came=", ".join([*named, *beside]) or "nothing",
            do="choose other metrics in 'evaluation.metrics', or a task that finds showers",
        )
    particles, showers, matches = (table for table in tables if table is not None)
    if not len(particles):
        raise DataError("the sample must have at least one event", came="an empty one")
    for name, table, columns in zip(
        ("particles", "showers", "matches"), (particles, showers, matches), (_PARTICLE, SHOWER, MATCH), strict=True
    ):
        absent = [column for column in columns if column not in table.columns]
        if absent:
            raise DataError(
                f"the table '{name}' of showers must have the columns {', '.join(columns)}", came=f"no {absent[0]}"
            )
    if not particles.rows:
        raise DataError(f"'{who}' needs particles to be found", came=f"none in {len(particles)} events")
    _check(showers, matches, particles)
    shower = showers.offsets[matches.event] + matches["shower"]
    order = np.argsort(shower, kind="stable")
    return Showers(
        len(particles),
        particles.event,
        {name: np.asarray(particles[name]) for name in _PARTICLE},
        showers.event,
        {name: np.asarray(showers[name], np.float64) for name in SHOWER},
        np.searchsorted(shower[order], np.arange(showers.rows + 1)),
        (particles.offsets[matches.event] + matches["particle"])[order],
        np.asarray(matches["shared"], np.float64)[order],
        iou(matches["shared"], matches["union"])[order],
    )


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


def _has_ties(first: Array, second: Array) -> bool:
    """True if neighbours agree in both of two sorted columns, (K,) each."""
    return bool(((first[1:] == first[:-1]) & (second[1:] == second[:-1])).any())


def _mixed(columns: list[Array]) -> Array:
    """A number of each row of some columns, (n,) uint64, that depends on its values alone."""
    result = np.zeros(len(columns[0]), np.uint64)
    for values in columns:
        result = _hashed(result ^ (np.asarray(values, np.float64) + 0.0).view(np.uint64))  # -0.0 is 0.0
    return result


def _hashed(values: Array) -> Array:
    """Spread uint64 numbers over all bits; the finaliser of SplitMix64 (G. L. Steele et al., OOPSLA 2014)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: Array = values ^ (values >> np.uint64(31))
    return result


@njit(nogil=True, cache=True)
def _matched(shower, particle, showers, particles):  # type: ignore[no-untyped-def]
    """Take pairs in their order, each if both are free."""
    result, free = np.full(showers, -1), np.ones(particles, np.bool_)
    for pair in range(len(shower)):
        if result[shower[pair]] < 0 and free[particle[pair]]:
            result[shower[pair]] = particle[pair]
            free[particle[pair]] = False
    return result
