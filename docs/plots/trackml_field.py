"""Measure the magnetic field of TrackML by the truth of an event, and find the coil that comes nearest to it.

A particle that comes from the beam line turns between two of its hits by 0.2998 s (Bz - Br pz / pT) / pT, where s is
the way across the beam [m]: towards the ends of a coil the radial field turns it back. Medians of the bracket in bins
of abs(z) are compared with the field of a thin coil, at the same points; radius and length are scanned.

Example: HITFORGE_DATA=data python docs/plots/trackml_field.py
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from hitforge.acts.field import coil_field

Array = NDArray[np.float64]
_FILE = "trackml/event000000001-truth.csv.gz"
_EDGES = np.array([0, 300, 600, 900, 1200, 1500, 1800, 2200, 2600, 3000])  # mm
_LEAST, _SHORTEST, _SHARPEST = 0.2, 20.0, 0.3  # GeV, mm, rad


def steps() -> tuple[Array, Array, Array, Array]:
    """Return radius, abs(z) [mm], abs(pz) / pT and the bracket [T] of each step between two hits of a particle."""
    path = Path(os.environ["HITFORGE_DATA"]) / _FILE
    table = pyarrow.csv.read_csv(pa.CompressedInputStream(pa.OSFile(str(path)), "gzip"))
    x, y, z, px, py, pz = (table[f"t{name}"].to_numpy().astype(float) for name in ("x", "y", "z", "px", "py", "pz"))
    particle = table["particle_id"].to_numpy()
    order = np.lexsort((np.sqrt(x**2 + y**2 + z**2), particle))
    order = order[particle[order] != 0]
    x, y, z, px, py, pz, particle = (values[order] for values in (x, y, z, px, py, pz, particle))
    same = particle[1:] == particle[:-1]
    across = np.hypot(np.diff(x), np.diff(y))
    pt = np.hypot(px, py)
    pt = (pt[1:] + pt[:-1]) / 2
    turn = np.diff(np.arctan2(py, px))
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    # the sign of the charge: that of the particle's whole turn
    start = np.flatnonzero(np.append(True, ~same))[: len(np.unique(particle))]
    whole = np.add.reduceat(np.append(np.where(same, turn, 0), 0), start)
    sign = np.sign(whole)[np.searchsorted(np.unique(particle), particle[1:])]
    keep = same & (across > _SHORTEST) & (pt > _LEAST) & (np.abs(turn) < _SHARPEST)
    field = sign * turn * pt / (0.299792458e-3 * np.maximum(across, 1e-9))
    r, slope = np.hypot(x, y), np.abs(pz) / np.hypot(px, py)
    middle = ((values[1:] + values[:-1])[keep] / 2 for values in (r, np.abs(z), slope))
    return (*middle, field[keep])  # type: ignore[return-value]


def main() -> None:
    """Print the table and the best coil."""
    r, z, slope, field = steps()
    bins = np.digitize(z, _EDGES) - 1
    number = range(len(_EDGES) - 1)

    def medians(values: Array) -> Array:
        return np.array([np.median(values[bins == i]) for i in number])

    def bracket(radius: float, length: float) -> Array:
        br, bz = coil_field(r, z, radius, length)
        return medians(2.0 * (bz - br * slope))

    value = medians(field)
    error = np.array([1.25 * half_width(field[bins == i]) / np.sqrt((bins == i).sum()) for i in number])
    tried = [(radius, length) for radius in np.arange(1150.0, 1501, 50) for length in np.arange(4500.0, 6001, 100)]
    chi2 = [float((((bracket(*one) - value) / error) ** 2).sum()) for one in tried]
    radius, length = tried[int(np.argmin(chi2))]
    print("| abs(z) [mm] | steps | Bz - Br pz / pT [T] | coil [T] | coil, Bz on the axis [T] |\n|---|---|---|---|---|")
    axis = 2.0 * coil_field(np.zeros(len(value)), medians(z), radius, length)[1]
    for i, fitted in enumerate(bracket(radius, length)):
        steps_here, place = (bins == i).sum(), np.median(z[bins == i])
        print(f"| {place:.0f} | {steps_here} | {value[i]:.2f} ± {error[i]:.2f} | {fitted:.2f} | {axis[i]:.2f} |")
    print(
        f"\nBest coil of 2 T: radius {radius:.0f} mm, length {length:.0f} mm (chi2 {min(chi2):.0f}, {len(value)} bins)"
    )
    constant = float((((2.0 - value) / error) ** 2).sum())
    print(f"Constant field of 2 T: chi2 {constant:.0f}")


def half_width(values: Array) -> float:
    """Return half of the central 68.3 %."""
    low, high = np.quantile(values, (0.1585, 0.8415))
    return float(high - low) / 2


if __name__ == "__main__":
    main()
