"""Truth of the hits and objects of a batch: which columns a representation gives, and which a task reads.

``Representation.truth`` returns them: in a tracker the columns of ``HitTruth`` for each hit, in a calorimeter the
arrays of ``ShowerTruth``.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class HitTruth(NamedTuple):
    """Columns of the truth of a tracker's hits, in this order, tensors of PyTorch or arrays of NumPy, each (H,).

    One more column of the truth, the last, is the number of the hit's event in the batch.
    """

    particle: Any
    """Number of the particle, unique in the batch, exact in float32 below 2^24; -1 for noise."""
    rank: Any
    """Distinct layers before this one along the particle; -1 for noise."""
    pt: Any
    """[GeV]."""
    eta: Any
    phi: Any
    """[rad]."""
    hits: Any
    """Number of hits of the particle."""
    weight: Any
    """In a loss."""
    reconstructable: Any
    """1 where the particle is one to be found."""


class Particles(NamedTuple):
    """Columns of the particles to be found, each (B, M); places in the representation's own coordinates.

    ``objects`` of a truth holds them in this order.
    """

    real: Any
    """1 where there is a particle; an event with fewer than M has zeros behind them."""
    kind: Any
    """0 electromagnetic (electron, photon, neutral pion), 1 hadron."""
    energy: Any
    """[GeV]."""
    deposited: Any
    """Energy of its hits times its share of each [GeV]."""
    depth: Any
    """Mean place, weighted by its energy."""
    u: Any
    v: Any
    depth_low: Any
    """Box: the 2 % and 98 % quantiles of its energy in each coordinate, at least one cell wide."""
    u_low: Any
    v_low: Any
    depth_high: Any
    u_high: Any
    v_high: Any
    weight: Any
    """In a loss."""


class ShowerTruth(NamedTuple):
    """Truth of a batch of B events with H hits and at most M particles to be found, tensors or arrays."""

    fraction: Any
    """Share of each hit's energy of each particle to be found of its event, (H, M)."""
    energy: Any
    """Of each hit, (H,) [GeV]."""
    event: Any
    """Of each hit, (H,) int32, number in the batch."""
    place: Any
    """Of each hit: depth, u, v, (H, 3)."""
    objects: Any
    """(B, M, 14), the columns ``Particles``."""

    @property
    def particles(self) -> Particles:
        """The columns of ``objects``."""
        return Particles(*(self.objects[..., i] for i in range(len(Particles._fields))))

    @property
    def boxes(self) -> Any:
        """Boxes (depth, u, v low; depth, u, v high), (B, M, 6)."""
        return self.objects[..., 7:13]
