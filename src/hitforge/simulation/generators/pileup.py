"""Minimum-bias interactions on top of hard ones, as particles that enter a tracker."""

from __future__ import annotations

import math

import numpy as np

from hitforge.acts.fatras import Primaries
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError


def add_pileup(
    rng: np.random.Generator, hard: Primaries, pool: Primaries, number: Array, hard_spread: tuple[float, float],
    spread: tuple[float, float],
) -> Primaries:  # fmt: skip
    """Add pile-up to events, and give each interaction its vertex.

    Each event takes different interactions of the pool, in turn and again from its begin, each turned by an angle of
    its own about the beam, so that an interaction used in two events gives other hits.

    Args:
        rng: Random numbers.
        hard: One interaction an event, as generated.
        pool: Minimum-bias interactions.
        number: Interactions to add to each event, (events,) int64.
        hard_spread: Gaussian spread of the hard interactions' vertices across and along the beam [mm].
        spread: The same for the others.

    Returns:
        All particles in order of event and interaction.

    Raises:
        RunError: The pool is smaller than the number of interactions that an event needs.
    """
    if number.max(initial=0) > pool.events:
        raise RunError("the pool must hold the interactions of one event", came=f"{pool.events} of {number.max()}")
    event = np.repeat(np.arange(hard.events), number)
    within = np.arange(len(event)) - (np.cumsum(number) - number)[event]
    source = np.arange(len(event)) % max(pool.events, 1)
    length = np.bincount(pool.event, minlength=pool.events)
    begin = np.cumsum(length) - length
    copies = np.repeat(np.arange(len(event)), length[source])
    rows = np.arange(len(copies)) - np.repeat(np.cumsum(length[source]) - length[source], length[source])
    rows += begin[source][copies]
    angle = rng.uniform(-math.pi, math.pi, len(event))[copies]
    first = rng.standard_normal((hard.events, 3)) * (hard_spread[0], hard_spread[0], hard_spread[1])
    vertex = rng.standard_normal((len(event), 3)) * (spread[0], spread[0], spread[1])
    before = (
        hard.event, hard.interaction, hard.pdg, hard.charge, hard.mass, hard.momentum, hard.vertex + first[hard.event],
        hard.delay,
    )  # fmt: skip
    added = (
        event[copies], within[copies] + 1, pool.pdg[rows], pool.charge[rows], pool.mass[rows],
        _turned(pool.momentum[rows], angle), _turned(pool.vertex[rows], angle) + vertex[copies], pool.delay[rows],
    )  # fmt: skip
    order = np.argsort(np.concatenate([hard.event, event[copies]]), kind="stable")
    return Primaries(hard.events, *(np.concatenate(pair)[order] for pair in zip(before, added, strict=True)))


def _turned(vectors: Array, angle: Array) -> Array:
    """Vectors turned about the z axis, (N, 3)."""
    cos, sin = np.cos(angle), np.sin(angle)
    x, y, z = vectors.T
    return np.stack([cos * x - sin * y, sin * x + cos * y, z], axis=1)
