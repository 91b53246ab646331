"""What readers of event files tell of the truth, and what they refuse in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.particles import TRACKED, charges, masses
from hitforge.events import FieldInfo

_CHARGE = 120  # no nucleus has more [e]
_SAME_CHARGE = 0.01  # e
_SAME_ENERGY = 0.01  # share within which an energy is that of the momentum
_UNIT = 300.0  # masses and energies that differ by more are of another unit

OTHER_CHARGES = FieldInfo("int32", "", "particles whose charge is not that of their kind: another sign or unit", "sum")


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


def wrong_charges(charge: Array, pdg: Array) -> Array:
    """Return which particles have a charge that is not that of their kind, (P,) [e] and (P,) -> (P,) bool."""
    known = np.isin(np.abs(pdg), TRACKED)
    wrong: Array = known & (np.abs(charge - charges(np.where(known, pdg, 0))) > _SAME_CHARGE)
    return wrong


def other_charges(charge: Array, pdg: Array) -> tuple[Array, FieldInfo]:
    """Return the event field that counts charges that are not those of the particles, (P,) [e] and (P,)."""
    return np.array([wrong_charges(charge, pdg).sum()]), OTHER_CHARGES


def other_energies(energy: Array, momentum: Array, pdg: Array, path: Path) -> int:
    """Return how many particles have an energy that is not that of their momentum and kind, or below the momentum.

    Args:
        energy: (P,) [GeV].
        momentum: (3, P) [GeV].
        pdg: (P,).
        path: The table.

    Raises:
        DataError: Most are of another unit, with the first one.
    """
    known, right = np.isin(np.abs(pdg), TRACKED), energy_of(momentum, pdg)  # of others without mass
    wrong = np.where(known, np.abs(energy - right) > _SAME_ENERGY * right, energy < (1 - _SAME_ENERGY) * right)
    rows = np.flatnonzero(known & ((energy > _UNIT * right) | (_UNIT * energy < right)))
    if 2 * len(rows) > known.sum():
        came = f"{energy[rows[0]]:g} for {right[rows[0]]:g} in row {rows[0]}, and {len(rows) - 1} more such rows"
        do = "write energies and momenta in GeV"
        raise DataError("energies must be those of the momenta [GeV]", came=came, where=path, do=do)
    return int(wrong.sum())


def refuse_other_masses(mass: Array, pdg: Array, path: Path) -> None:
    """Refuse masses of another unit than GeV, (P,) and (P,), where most particles say so; 0 is no mass.

    Raises:
        DataError: With the first one.
    """
    known = np.flatnonzero(np.isin(np.abs(pdg), TRACKED) & (mass > 0))
    ratio = mass[known] / masses(pdg[known])
    wrong = known[(ratio < 1 / _UNIT) | (ratio > _UNIT)]
    if 2 * len(wrong) > len(known):
        came = f"{mass[wrong[0]]:g} for {pdg[wrong[0]]} in row {wrong[0]}, and {len(wrong) - 1} more such rows"
        do = "write masses and momenta in GeV"
        raise DataError("masses must be those of the particles [GeV]", came=came, where=path, do=do)


def refuse_far(away: Array, limit: Array | float, what: str, path: Path, do: str) -> int:
    """Refuse hits that lie elsewhere than another column says, where most do; return how many do otherwise.

    Args:
        away: Distance of each, (N,) [mm].
        limit: The largest that two columns of one hit may have [mm].
        what: Must hold.
        path: The table.
        do: What to do.

    Raises:
        DataError: More than half lie farther apart.
    """
    far = int((away > limit).sum())
    if 2 * far > len(away):
        came = f"farther than {np.min(limit):g} mm in {far} of {len(away)} rows, up to {away.max():.4g} mm"
        raise DataError(what, came=came, where=path, do=do)
    return far


def far_hits(hits: int) -> tuple[Array, FieldInfo]:
    """Return the event field that counts hits that lie elsewhere than another column of the file says."""
    return np.array([hits]), FieldInfo("int32", "", "hits that lie elsewhere than another column says", "sum")


def repeated_cells(cells: int) -> tuple[Array, FieldInfo]:
    """Return the event field that counts channels that stand again in the table of cells."""
    return np.array([cells]), FieldInfo("int32", "", "cells of a hit that stand again: their charges are added", "sum")


def without_cells(cells: Array) -> tuple[Array, FieldInfo]:
    """Return the event field that counts hits of unknown channels; ``cells``, (N,): channels of each hit."""
    return np.array([(cells == 0).sum()]), FieldInfo(
        "int32", "", "hits in the file whose channels are not known", "sum"
    )


def refuse_no_link(links: int, path: Path) -> None:
    """Refuse an event whose truth names no particle of any hit.

    Raises:
        DataError: There is no link.
    """
    if not links:
        raise DataError(
            "the truth of an event must name the particle of a hit",
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
