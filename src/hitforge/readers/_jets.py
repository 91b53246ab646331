"""What readers of jets share: each jet is an event, with what it was clustered from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import require_point_cloud
from hitforge.events import Collection, Events
from hitforge.readers.files import SplitConfig, StretchReader

_APART = 2.0  # constituents that have over twice the jet's pT, or under half of it, are in another unit
_FAR = 0.5  # in eta and azimuth
_SMALLEST = 1e-6  # [GeV] jets and constituents below have no direction
_ROUNDING = 1e-3
_ENOUGH = 20  # jets that tell a unit


class JetConfig(SplitConfig):
    """Files, splits and limits."""

    shard_events: int = Field(50_000, ge=1, description="most jets in a shard")
    max_constituents: int = Field(10_000, ge=1, description="a jet with more constituents is an error")


class JetReader(StretchReader):
    """Reads jets, refuses those with too many constituents and energies below momenta."""

    BLOCK = 8192

    def __init__(self, config: Any, detector: Detector) -> None:
        super().__init__(config, detector)
        require_point_cloud(detector, f"the reader '{type(self).__module__.rpartition('.')[2]}'")

    def _block(self, number: int, path: Path, rows: Array) -> Events:
        first = int(rows[0])
        events = self.read(path, first, int(rows[-1]) + 1)
        counts = events.constituents.counts
        large = np.flatnonzero(counts > self.config.max_constituents)
        if len(large):
            raise DataError(
                f"a jet must have at most {self.config.max_constituents} constituents",
                came=int(counts[large[0]]),
                where=f"{path}, event {first + int(large[0])}",
                do="raise 'max_constituents' if the memory allows it",
            )
        for name, what in (("jets", "a jet"), ("constituents", "a constituent")):
            refuse_energies_below_momenta(events.collections[name], what, path, first)
        return events.check(where=f"{path}, events from {first}").take(rows - first)


def momenta(pt: Array, eta: Array, phi: Array) -> dict[str, Array]:
    """Return px, py, pz from transverse momentum, pseudorapidity and azimuth, each (N,)."""
    pt, eta, phi = (np.asarray(one, np.float64) for one in (pt, eta, phi))
    with np.errstate(over="ignore", invalid="ignore"):  # of wrong values, which are refused as not finite
        return {"px": pt * np.cos(phi), "py": pt * np.sin(phi), "pz": pt * np.sinh(eta)}


def refuse_values(
    columns: Mapping[str, Array], offsets: Array, path: Path, first: int, low: float | None = None
) -> None:
    """Refuse a value of a file's column that is not finite, or below a limit.

    Args:
        columns: Name in the file -> (rows,).
        offsets: Rows of each jet, (N + 1,).
        path: Of the file, for the error.
        first: Number of the first jet.
        low: The limit, None for none.

    Raises:
        DataError: With column, value and jet.
    """
    for name, values in columns.items():
        wrong = np.flatnonzero(~np.isfinite(values) | (False if low is None else values < low))
        if len(wrong):
            event = int(np.searchsorted(offsets, wrong[0], side="right") - 1)
            must = f"'{name}' must be finite" if low is None else f"'{name}' must be finite and >= {low:g}"
            came = f"{values[wrong[0]]}, and {len(wrong) - 1} more such values"
            raise DataError(must, came=came, where=f"{path}, event {first + event}")


def refuse_energies_below_momenta(table: Collection, what: str, path: Path, first: int) -> None:
    """Refuse an energy that is less than the momentum, beyond rounding: it is in another unit, or something else.

    Args:
        table: With ``px``, ``py``, ``pz`` and ``energy``.
        what: Names its rows in the error.
        path: Of the file, for the error.
        first: Number of the first jet.

    Raises:
        DataError: With energy, momentum and jet.
    """
    px, py, pz, energy = (table[name].astype(np.float64) for name in ("px", "py", "pz", "energy"))
    momentum = np.sqrt(px**2 + py**2 + pz**2)
    wrong = np.flatnonzero(energy < momentum * (1 - _ROUNDING) - _SMALLEST)
    if len(wrong):
        event = int(np.searchsorted(table.offsets, wrong[0], side="right") - 1)
        raise DataError(
            f"the energy of {what} must be at least its momentum",
            came=f"{energy[wrong[0]]:.6g} and {momentum[wrong[0]]:.6g} GeV, and {len(wrong) - 1} more such rows",
            where=f"{path}, event {first + event}",
        )


def refuse_other_momenta(events: Events, path: Path, first: int) -> None:
    """Refuse jets whose constituents have another momentum: in another unit, or about another axis.

    Args:
        events: One jet an event.
        path: Of the file, for the error.
        first: Number of the first jet.

    Raises:
        DataError: In the middle of many jets transverse momenta or energies differ by more than a factor of two, or
            directions by more than 0.5.
    """
    parts, jets = events.constituents, events.jets
    px, py, pz, energy = (parts.sum(parts[name].astype(np.float64)) for name in ("px", "py", "pz", "energy"))
    jet = {name: values.astype(np.float64) for name, values in jets.columns.items()}
    pt = kinematics.pt(jet["px"], jet["py"])
    some = (parts.counts > 0) & (pt > _SMALLEST)
    if some.sum() < _ENOUGH:
        return
    where = f"{path}, events from {first}"
    for what, ratio in (
        ("transverse momentum", kinematics.pt(px, py)[some] / pt[some]),
        ("energy", energy[some] / np.maximum(jet["energy"][some], _SMALLEST)),
    ):
        middle = float(np.median(ratio))
        if not 1 / _APART < middle < _APART:
            raise DataError(
                "a jet's constituents must add up to about its momentum and energy",
                came=f"{middle:.4g} times its {what}, in the middle of {int(some.sum())} jets",
                where=where,
                do="give jets and constituents in GeV",
            )
    turn = kinematics.wrap_phi(kinematics.phi(px, py) - kinematics.phi(jet["px"], jet["py"]))
    away = np.hypot(turn, kinematics.eta(px, py, pz) - kinematics.eta(jet["px"], jet["py"], jet["pz"]))[some]
    if np.median(away) > _FAR:
        raise DataError(
            "a jet's constituents must lie about its axis",
            came=f"their sum {np.median(away):.3g} from it in eta and azimuth, in the middle of {int(some.sum())} jets",
            where=where,
            do="give azimuths in rad, and eta with its sign",
        )


def one_of(flags: Mapping[int, Array], what: str, path: Path, first: int, offsets: Array | None = None) -> Array:
    """Return which of several flags is set, by its number, (rows,) int32; 0 where none is.

    Args:
        flags: Number -> (rows,), 0 or 1.
        what: Names the flags in the error.
        path: Of the file, for the error.
        first: Number of the first jet.
        offsets: Rows of each jet where there are several, (N + 1,).

    Raises:
        DataError: A flag is neither 0 nor 1, or two are set.
    """
    table = np.stack([np.asarray(flag) for flag in flags.values()])
    if table.dtype.kind not in "biuf":
        raise DataError(f"{what} must be 0 or 1", came=table.dtype, where=path)
    wrong = np.flatnonzero(~np.isin(table, (0, 1)).all(axis=0) | (table.sum(axis=0) > 1))
    if len(wrong):
        row = int(wrong[0])
        event = row if offsets is None else int(np.searchsorted(offsets, row, side="right") - 1)
        came = f"{table[:, row].tolist()}, and {len(wrong) - 1} more such rows"
        raise DataError(
            f"{what} must be 0 or 1, and one of them 1 at most", came=came, where=f"{path}, event {first + event}"
        )
    result: Array = (table.T.astype(np.int64) @ np.array(list(flags), np.int64)).astype(np.int32)
    return result
