"""Truth of showers: the arrays that the representations of calorimeters give, by name."""

from __future__ import annotations

from typing import Any, NamedTuple

from hitforge.core.errors import DataError

ARRAYS = ("fraction", "energy", "event", "place", "objects")


class Particles(NamedTuple):
    """Columns of the particles to be found, each (B, M); places in the representation's own coordinates."""

    real: Any
    """1 where there is a particle; an event with fewer than M has zeros behind them."""
    kind: Any
    """0 electromagnetic (electron, photon, neutral pion), 1 hadron."""
    energy: Any
    """[GeV]."""
    visible: Any
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
    """(B, M, 14); see ``particles``."""

    @property
    def particles(self) -> Particles:
        """The columns of ``objects``."""
        return Particles(*(self.objects[..., i] for i in range(len(Particles._fields))))

    @property
    def boxes(self) -> Any:
        """Boxes (depth, u, v low; depth, u, v high), (B, M, 6)."""
        return self.objects[..., 7:13]


def shower_truth(target: Any) -> ShowerTruth:
    """Name the arrays of a target.

    Raises:
        DataError: One is absent, or the particles have other columns.
    """
    missing = [name for name in ARRAYS if not isinstance(target, dict) or name not in target]
    if missing:
        raise DataError(
            f"the truth of showers has the arrays {', '.join(ARRAYS)}",
            came=f"no {missing[0]}",
            do="use a representation of showers, such as 'shower_hits'",
        )
    truth = ShowerTruth(*(target[name] for name in ARRAYS))
    if truth.objects.ndim != 3 or truth.objects.shape[2] != len(Particles._fields):
        raise DataError(
            f"particles must have the columns {', '.join(Particles._fields)}", came=tuple(truth.objects.shape)
        )
    return truth
