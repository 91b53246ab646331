"""Truth of showers: the arrays of a calorimeter's hits by name, which ``hitforge.representations.truth`` defines."""

from __future__ import annotations

from typing import Any

from hitforge.core.errors import DataError
from hitforge.representations.truth import Particles, ShowerTruth


def shower_truth(target: Any) -> ShowerTruth:
    """Name the arrays of a target.

    Raises:
        DataError: One is absent, or the particles have other columns.
    """
    missing = [name for name in ShowerTruth._fields if not isinstance(target, dict) or name not in target]
    if missing:
        raise DataError(
            f"the truth of showers has the arrays {', '.join(ShowerTruth._fields)}",
            came=f"no {missing[0]}",
            do="use a representation of showers, such as 'shower_hits'",
        )
    truth = ShowerTruth(*(target[name] for name in ShowerTruth._fields))
    if truth.objects.ndim != 3 or truth.objects.shape[2] != len(Particles._fields):
        raise DataError(
            f"particles must have the columns {', '.join(Particles._fields)}", came=tuple(truth.objects.shape)
        )
    return truth


__all__ = ["Particles", "ShowerTruth", "shower_truth"]
