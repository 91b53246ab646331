"""What readers of event files tell of the truth, and what they refuse in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import TRACKED, masses
from hitforge.events import FieldInfo

_CHARGE = 120  # no nucleus has more [e]


def truth_field(kind: int) -> tuple[Array, FieldInfo]:
    """Return the event field that tells which hits have truth."""
    return np.array([kind]), FieldInfo("int8", "", "hits whose particle is known: 0 none, 1 pixels, 2 all", "flag")


def untold_hits(hits: int) -> tuple[Array, FieldInfo]:
    """Return the event field that counts hits whose particle nobody tells, not even that there is none."""
    return np.array([hits]), FieldInfo("int32", "", "hits in the file of which the truth does not speak", "sum")


def refuse_charges(charge: Array, name: str, path: Path) -> None:
    """Refuse charges beyond those of nuclei, (P,) [e]: such as 255, which is -1 without its sign.

    Raises:
        DataError: With the first one.
    """
    wrong = np.flatnonzero(np.abs(charge) > _CHARGE)
    if len(wrong):
        came = f"{charge[wrong[0]]:g} in row {wrong[0]}, and {len(wrong) - 1} more such rows"
        raise DataError(f"'{name}' must be a charge, -{_CHARGE} to {_CHARGE} e", came=came, where=path)


def without_cells(cells: Array) -> tuple[Array, FieldInfo]:
    """Return the event field that counts hits of unknown channels; ``cells``, (N,): channels of each hit."""
    return np.array([(cells == 0).sum()]), FieldInfo(
        "int32", "", "hits in the file whose channels are not known", "sum"
    )


def refuse_no_link(links: int, path: Path) -> None:
    """Refuse an event whose truth is required and names no particle of any hit.

    Raises:
        DataError: There is no link.
    """
    if not links:
        raise DataError(
            "the truth of an event must name the particle of a hit where it is required",
            came="none of any hit",
            where=path,
            do="compare the ids of particles in both tables, or set 'truth: none'",
        )


def energy_of(momentum: Array, pdg: Array) -> Array:
    """Return energies, (3, P) [GeV] and (P,) -> (P,) [GeV]; a particle of unknown mass gets that of none."""
    mass = masses(np.where(np.isin(np.abs(pdg), TRACKED), pdg, 0))
    with np.errstate(over="ignore"):  # an infinite energy is refused where events are checked
        energy: Array = np.sqrt((momentum**2).sum(axis=0) + mass**2)
    return energy
