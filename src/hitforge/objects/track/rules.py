"""Tracks beside particles, flat over events, and what it means that a track belongs to a particle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.objects import require_same_particles

Matching = Literal["double_majority", "perfect", "lhc", "atlas_one_way", "atlas_two_way"]

_PARTICLE = ("particle", "pdg", "charge", "pt", "eta", "phi", "radius", "vz", "hits", "weight")
"""Columns that the table ``particles`` must have."""


@dataclass(frozen=True)
class Rule:
    """Least share of a track's hits from the particle, and least share of the particle's hits in the track.

    Attributes:
        purity: Least share of the track's hits; ``above`` means more than that.
        completeness: Least share of the particle's hits, 0 for any.
        above: Both shares must be exceeded, not only reached.
        text: The rule in words.
    """

    purity: float
    completeness: float
    above: bool
    text: str

    def pure(self, shared: Array, track: Array) -> Array:
        """Whether tracks of some hits share enough of them, bool."""
        return self._enough(shared, track, self.purity)

    def met(self, shared: Array, track: Array, particle: Array) -> Array:
        """Whether tracks belong to particles, bool; all arguments are numbers of hits."""
        result: Array = self.pure(shared, track) & self._enough(shared, particle, self.completeness)
        return result

    def _enough(self, shared: Array, whole: Array, share: float) -> Array:
        # all shares are whole quarters: integers compare without rounding
        part, limit = 4 * np.asarray(shared, np.int64), round(4 * share) * np.asarray(whole, np.int64)
        return part > limit if self.above else part >= limit


RULES: dict[Matching, Rule] = {
    "double_majority": Rule(
        0.5, 0.5, True, "more than half of the track's hits are the particle's, and more than half of the particle's"
        " hits are in the track (TrackML)",
    ),
    "perfect": Rule(1.0, 1.0, False, "track and particle have the same hits"),
    "lhc": Rule(0.75, 0.0, False, "at least 75 % of the track's hits are the particle's"),
    "atlas_one_way": Rule(0.5, 0.0, False, "at least half of the track's hits are the particle's"),
    "atlas_two_way": Rule(
        0.5, 0.5, False, "at least half of the track's hits are the particle's, and at least half of the particle's"
        " hits are in the track",
    ),
}  # fmt: skip
"""What matching means, by name.

``double_majority``: S. Amrouche et al., The TrackML challenge: accuracy phase, arXiv 1904.06778. ``lhc`` and
``perfect``: G. DeZoort et al., arXiv 2103.16701. Efficiencies are shares of particles throughout. ``atlas_one_way`` is
the matching of ACTS with its ratio of 0.5, ``atlas_two_way`` the same both ways; ACORN has both, for more than half.
"""


@dataclass(frozen=True)
class Tracks:
    """Particles and tracks of all events, flat, and the particle that leads each track.

    A track's leading particle is the one with most of its hits; of several, the one with fewer hits of its own, then
    the one with more weight in common, then with more transverse momentum, less pseudorapidity, less azimuth, then the
    first. A track can belong to its leading particle only.

    Attributes:
        events: Number of events, N.
        event: Event of each particle, (P,) int64.
        particles: Columns of the particles, (P,) each.
        track_event: Event of each track, (T,) int64.
        tracks: Columns of the tracks, (T,) each; ``hits`` and what was fitted.
        leading: Row of each track's leading particle, (T,) int64, -1 where all hits are noise.
        shared: Hits that they have in common, (T,).
        weight: Weight of these in the TrackML score, (T,).
        noise: Hits of no particle, (T,); fewer than there are where tracks have hits of several particles.
    """

    events: int
    event: Array
    particles: dict[str, Array]
    track_event: Array
    tracks: dict[str, Array]
    leading: Array
    shared: Array
    weight: Array
    noise: Array

    def require_same(self, other: Tracks) -> None:
        """Refuse tracks that are not of the same particles.

        Raises:
            DataError: Events or particles differ.
        """
        do = "evaluate both on one sample, and tracks of the same parts of the detector"
        require_same_particles(self, other, _PARTICLE, do)

    def of_leading(self, name: str) -> Array:
        """A column of the leading particles, (T,), 0 where there is none."""
        values = self.particles[name]
        return np.where(self.leading >= 0, values[self.leading], 0) if len(values) else np.zeros(len(self.leading))

    def met(self, rule: Rule, min_track_hits: int) -> Array:
        """Whether tracks of ``min_track_hits`` hits or more belong to their leading particle, (T,) bool."""
        good = rule.met(self.shared, self.tracks["hits"], self.of_leading("hits"))
        return good & (self.leading >= 0) & (self.tracks["hits"] >= min_track_hits)

    def pure(self, rule: Rule) -> Array:
        """Whether tracks have enough hits of their leading particle, whatever share of its own that is, (T,) bool."""
        return rule.pure(self.shared, self.tracks["hits"]) & (self.leading >= 0)

    def best(self, good: Array) -> Array:
        """Of the tracks that are ``good``, (T,) bool, the best of each particle, (T,) bool.

        It is the one with most hits in common; of several the shortest, then the first.
        """
        rows = np.flatnonzero(good)
        order = rows[np.lexsort((self.tracks["hits"][rows], -self.shared[rows], self.leading[rows]))]
        first = np.ones(len(order), bool)
        first[1:] = np.diff(self.leading[order]) != 0
        result = np.zeros(len(good), bool)
        result[order[first]] = True
        return result


def tracks_of(tables: Mapping[str, Collection], who: str, beside: Iterable[str] = ()) -> Tracks:
    """Return the tracks and particles of the tables that ``Track.match`` gives.

    Args:
        tables: ``particles``, ``tracks`` and ``matches``.
        who: Name of who asks, for errors.
        beside: Names of what else there is, for errors.

    Raises:
        DataError: The tables are not of tracks, hold no event, or a match names a particle that is not there.
    """
    missing = {"particles", "tracks", "matches"} - tables.keys()
    if missing:
        raise DataError(
            f"'{who}' measures tracks, with the tables 'particles', 'tracks' and 'matches'",
            came=", ".join([*tables, *beside]) or "nothing",
            do="choose other metrics in 'evaluation.metrics', or a task that finds tracks",
        )
    particles, tracks, matches = (tables[name] for name in ("particles", "tracks", "matches"))
    if not len(particles):
        raise DataError("the sample must have at least one event", came="an empty one")
    absent = sorted(set(_PARTICLE) - particles.columns.keys())
    if absent:
        raise DataError(f"the table 'particles' must have the columns {', '.join(_PARTICLE)}", came=f"no {absent[0]}")
    event, in_event = particles.event, np.asarray(particles["particle"], np.int64)
    size = int(max(in_event.max(initial=0), matches["particle"].max(initial=0))) + 1
    key = event * size + in_event
    pair = matches.event * size + matches["particle"]
    row = np.searchsorted(key, pair)
    wrong = key[np.minimum(row, len(key) - 1)] != pair if len(key) else np.ones(len(pair), bool)
    if wrong.any():
        bad = int(np.flatnonzero(wrong)[0])
        raise DataError(
            "a match must name a particle of its event",
            came=int(matches["particle"][bad]),
            where=f"event {matches.event[bad]}",
        )
    track = tracks.offsets[:-1][matches.event] + matches["track"]
    phi, eta, pt = (particles[name][row] for name in ("phi", "eta", "pt"))
    order = np.lexsort((row, phi, eta, -pt, -matches["weight"], particles["hits"][row], -matches["hits"], track))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(track[order]) != 0
    chosen = order[first]
    leading, shared, weight = np.full(tracks.rows, -1), np.zeros(tracks.rows, np.int64), np.zeros(tracks.rows)
    leading[track[chosen]] = row[chosen]
    shared[track[chosen]] = matches["hits"][chosen]
    weight[track[chosen]] = matches["weight"][chosen]
    owned = np.bincount(track, matches["hits"], tracks.rows).astype(np.int64)
    noise = np.maximum(tracks["hits"] - owned, 0)
    return Tracks(
        len(particles), event, particles.columns, tracks.event, tracks.columns, leading, shared, weight, noise
    )  # fmt: skip
