"""Which crystals are kept: zero suppression, or what an offline supercluster and selective read-out leave."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.kernels import njit

TOWER = 5
"""Crystals on each side of a trigger tower."""


class ReadoutSettings(config.Config):
    """Electronics of the crystals and the choice of those that are kept."""

    kind: Literal["supercluster", "zero_suppression"] = Field(
        "supercluster", description="'zero_suppression' keeps crystals above the threshold; 'supercluster' keeps the "
        "positive crystals of an offline cluster and, in trigger towers of interest, those above the threshold",
    )  # fmt: skip
    window: int = Field(17, ge=3, le=60, description="crystals on each side of the hottest one that have noise")
    noise: float = Field(0.047, ge=0, le=1, description="electronic noise of a crystal [GeV]")
    stochastic: float = Field(0.021, ge=0, le=0.5, description="photostatistics, sigma / sqrt(energy) [sqrt(GeV)]")
    constant: float = Field(0.005, ge=0, le=0.1, description="calibration spread of a crystal, sigma / energy")
    time_noise: float = Field(
        35.0, ge=0, le=100, description="time resolution: this over energy / noise, added in quadrature to ... [ns]"
    )
    time_constant: float = Field(0.15, ge=0, le=5, description="... this constant [ns]")
    time_range: float = Field(25.0, gt=0, le=1000, description="largest time on either side [ns]")
    threshold: float = Field(0.0945, ge=0, le=5, description="zero suppression [GeV]")
    phi_road: int = Field(17, ge=0, le=60, description="supercluster: columns searched on each side of the seed")
    domino_rows: int = Field(2, ge=0, le=5, description="supercluster: rows of a column on each side of the seed's")
    domino_threshold: float = Field(0.1, ge=0, le=5, description="supercluster: least energy of a column [GeV]")
    domino_seed: float = Field(0.35, ge=0, le=10, description="supercluster: least peak of a group of columns [GeV]")
    tower_threshold: float = Field(
        2.0, ge=0, le=100, description="least transverse energy of an interesting trigger tower [GeV]"
    )


class Choice(NamedTuple):
    """What the kernels must know of the settings and the grid."""

    supercluster: bool
    threshold: float
    phi_road: int
    domino_rows: int
    domino_threshold: float
    domino_seed: float
    tower_threshold: float
    rows: int
    columns: int
    rows_per_side: int
    eta_pitch: float


@njit(cache=True)  # type: ignore[untyped-decorator]
def select(choice: Choice, signal: Array, active: Array, count: int, seed: int, kept: Array, towers: Array) -> None:
    """Mark the crystals that are read out.

    The supercluster is the hybrid algorithm of the CMS barrel (CMS NOTE 2001/034): columns of crystals, 'dominoes',
    along phi at the seed's eta; neighbouring columns above a threshold form a group, which counts if its highest column
    is high enough. All positive crystals of the groups stay. Beside them, trigger towers above a threshold make the
    three by three towers around them interesting, where zero suppression applies.

    Args:
        choice: Settings.
        signal: Energy of each crystal after noise, (cells,) [GeV].
        active: Crystals with a signal in this event, the first ``count`` count, int64.
        count: How many.
        seed: Hottest crystal.
        kept: (cells,) uint8, written for the active crystals: 1 if kept, 0 if not.
        towers: (tower rows, tower columns) scratch, all zero before and after.
    """
    if not choice.supercluster:
        for k in range(count):
            cell = active[k]
            kept[cell] = signal[cell] > choice.threshold
        return
    _interesting_towers(choice, signal, active, count, kept, towers)
    row, column = seed // choice.columns, seed % choice.columns
    low = max(row - choice.domino_rows, 0)
    high = min(row + choice.domino_rows, choice.rows - 1)
    road = min(choice.phi_road, (choice.columns - 1) // 2)
    first, peak, holds_seed = -road, 0.0, False
    for step in range(-road, road + 2):  # one step more closes the last group
        energy = 0.0
        if step <= road:
            at = (column + step) % choice.columns
            for i in range(low, high + 1):
                energy += signal[i * choice.columns + at]
        if energy > choice.domino_threshold or step == 0:
            peak = max(peak, energy)
            holds_seed = holds_seed or step == 0
            continue
        if peak > choice.domino_seed or holds_seed:
            for member in range(first, step):
                at = (column + member) % choice.columns
                for i in range(low, high + 1):
                    cell = i * choice.columns + at
                    if signal[cell] > 0.0:
                        kept[cell] = 1
        first, peak, holds_seed = step + 1, 0.0, False


@njit(cache=True)  # type: ignore[untyped-decorator]
def _interesting_towers(choice: Choice, signal: Array, active: Array, count: int, kept: Array, towers: Array) -> None:
    for k in range(count):
        row, column = active[k] // choice.columns, active[k] % choice.columns
        eta = (row - choice.rows_per_side + 0.5) * choice.eta_pitch
        towers[row // TOWER, column // TOWER] += signal[active[k]] / math.cosh(eta)
    tower_rows, tower_columns = towers.shape
    for k in range(count):
        cell = active[k]
        kept[cell] = 0
        if signal[cell] <= choice.threshold:
            continue
        row, column = cell // choice.columns // TOWER, cell % choice.columns // TOWER
        for i in range(max(row - 1, 0), min(row + 2, tower_rows)):
            for j in range(column - 1, column + 2):
                if towers[i, j % tower_columns] > choice.tower_threshold:
                    kept[cell] = 1
    for k in range(count):
        towers[active[k] // choice.columns // TOWER, active[k] % choice.columns // TOWER] = 0.0
