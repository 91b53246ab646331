"""Measure the magnetic field of TrackML by the truth of an event, find the coil nearest to it, and fit tracks in both.

A particle that comes from the beam line turns between two of its hits by 0.2998 s (Bz - Br pz / pT) / pT, where s is
the way across the beam [m]: towards the ends of a coil the radial field turns it back. Medians of the bracket in bins
of z are compared with the field of a thin coil, at the same points; radius, length and the coil's middle are scanned.
Then the hits of true particles are fitted by the Kalman filter of ACTS in each field, and the hits are compared with
the places where the particles crossed the sensors.

Example: HITFORGE_DATA=data python docs/plots/trackml_field.py
"""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray

from hitforge.acts.field import coil_field
from hitforge.detectors import DETECTORS, TrackerDetector, require_tracker
from hitforge.events import Collection, Events
from hitforge.readers import READERS
from hitforge.tasks.track_fitting import FITS

Array = NDArray[np.float64]
_EVENT = "trackml/event000000001"
_EDGES = np.array([0, 300, 600, 900, 1200, 1500, 1800, 2200, 2600, 3000])  # mm
_LEAST, _SHORTEST, _SHARPEST = 0.2, 20.0, 0.3  # GeV, mm, rad
_OLD = (1250.0, 5300.0, 0.0)  # the best coil whose middle lies at 0


def steps() -> tuple[Array, Array, Array, Array]:
    """Return radius, z [mm], pz / pT and the bracket [T] of each step between two hits of a particle."""
    x, y, z, px, py, pz = (truth(f"t{name}") for name in ("x", "y", "z", "px", "py", "pz"))
    particle = column("truth", "particle_id")
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
    r, slope = np.hypot(x, y), pz / np.hypot(px, py)
    middle = ((values[1:] + values[:-1])[keep] / 2 for values in (r, z, slope))
    return (*middle, field[keep])  # type: ignore[return-value]


def column(table: str, name: str) -> NDArray[np.int64]:
    """Return a column of a table of the event."""
    path = Path(os.environ["HITFORGE_DATA"]) / f"{_EVENT}-{table}.csv.gz"
    values = pyarrow.csv.read_csv(pa.CompressedInputStream(pa.OSFile(str(path)), "gzip"))[name]
    return np.asarray(values.to_numpy())


def truth(name: str) -> Array:
    """Return a column of the truth as float64."""
    return column("truth", name).astype(np.float64)


def field_table() -> tuple[float, float, float]:
    """Print the field and what the coils give; return the best coil."""
    r, z, slope, field = steps()
    edges = np.concatenate([-_EDGES[:0:-1], _EDGES])
    bins = np.digitize(z, edges) - 1
    number = range(len(edges) - 1)

    def medians(values: Array) -> Array:
        return np.array([np.median(values[bins == i]) for i in number])

    def bracket(radius: float, length: float, middle: float) -> Array:
        br, bz = coil_field(r, z - middle, radius, length)
        return medians(2.0 * (bz - br * slope))

    value = medians(field)
    error = np.array([1.25 * half_width(field[bins == i]) / np.sqrt((bins == i).sum()) for i in number])

    def chi2(expected: Array) -> float:
        return float((((expected - value) / error) ** 2).sum())

    tried = list(product(np.arange(1100.0, 1401, 50), np.arange(4850.0, 5651, 100), np.arange(-300.0, 101, 50)))
    radius, length, middle = min(tried, key=lambda one: chi2(bracket(*one)))
    best = (float(radius), float(length), float(middle))
    print("| z [mm] | steps | Bz - Br pz / pT [T] | coil in the middle [T] | best coil [T] |\n|---|---|---|---|---|")
    for i, (old, new) in enumerate(zip(bracket(*_OLD), bracket(*best), strict=True)):
        here, place = (bins == i).sum(), np.median(z[bins == i])
        print(f"| {place:.0f} | {here} | {value[i]:.2f} ± {error[i]:.2f} | {old:.2f} | {new:.2f} |")
    told = f"radius {radius:.0f} mm, length {length:.0f} mm, middle at z = {middle:.0f} mm"
    print(f"\nBest coil of 2 T: {told} (chi2 {chi2(bracket(*best)):.0f}, {len(value)} bins, {len(tried)} coils)")
    print(f"Coil of {_OLD[0]:.0f} and {_OLD[1]:.0f} mm with its middle at 0: chi2 {chi2(bracket(*_OLD)):.0f}")
    print(f"Constant field of 2 T: chi2 {chi2(np.full(len(value), 2.0)):.0f}\n")
    return best


def fit_table(best: tuple[float, float, float]) -> None:
    """Print how well the momenta of true particles are fitted in each field."""
    print(
        "| field | abs(eta) | tracks | q/pT, sigma68 [%] | pull | fitted over true, median |\n|---|---|---|---|---|---|"
    )
    for name, coil in (("2 T everywhere", None), ("coil in the middle", _OLD), ("best coil", best)):
        detector, events = sample(coil)
        eta, ratio, pull, signed = fits(detector, events)
        for low, high in ((0.0, 2.5), (0.0, 1.5), (1.5, 2.5)):
            some = (np.abs(eta) >= low) & (np.abs(eta) < high)
            width, pulls = 100 * half_width(signed[some]), half_width(pull[some])
            median = np.median(ratio[some])
            print(f"| {name} | {low:g} to {high:g} | {some.sum()} | {width:.2f} | {pulls:.2f} | {median:.3f} |")
    print()


def sample(coil: tuple[float, ...] | None) -> tuple[TrackerDetector, Events]:
    """Return the detector with a coil, and the event."""
    detector = DETECTORS.build({"name": "silicon_barrel_endcap", "coil": coil}, where="here")
    source = READERS.build({"name": "trackml", "path": _EVENT}, detector, where="here")
    return require_tracker(detector, "here"), source.shard("test", 0)


def fits(detector: TrackerDetector, events: Events) -> tuple[Array, Array, Array, Array]:
    """Return eta, fitted over true q/pT, the pull of q/p, and (fitted - true) / abs(true) q/pT of each good particle.

    Those with at least 9 hits, more than 1 GeV across the beam, abs(eta) < 2.5 and a start less than 1 mm off the beam.
    """
    links, particles = events.links, events.particles
    px, py, pz = (particles[f"p{axis}"].astype(np.float64) for axis in "xyz")
    pt, charge = np.hypot(px, py), particles["charge"]
    eta = np.arcsinh(pz / pt)
    good = (np.bincount(links["particle"], minlength=particles.rows) >= 9) & (pt > 1) & (np.abs(eta) < 2.5)
    good &= (np.hypot(particles["vx"], particles["vy"]) < 1) & (charge != 0)
    number = np.cumsum(good) - 1
    use = good[links["particle"]]
    columns = {"track": number[links["particle"]][use], "hit": links["hit"][use]}
    found = FITS.build("kalman", where="here").fit(events, Collection(np.array([0, use.sum()]), columns), detector)
    fitted, true = found["q_over_p"], (charge / np.sqrt(pt**2 + pz**2))[good]
    ratio = fitted / np.sin(found["theta"]) / (charge / pt)[good]
    pull = (fitted - true) / found["sigma_q_over_p"]
    some = np.isfinite(ratio)
    return eta[good][some], ratio[some], pull[some], ((ratio - 1) * charge[good])[some]


def hit_table() -> None:
    """Print how far hits lie from where their particles crossed the sensors, beside the errors that are taken."""
    detector, events = sample(None)
    hits, clusters = events.hits, events.clusters
    written = zip(*(np.float32(column("hits", axis)).tolist() for axis in "xyz"), strict=True)
    place = {xyz: i for i, xyz in enumerate(written)}
    at = np.array([place[xyz] for xyz in zip(*(hits[axis].tolist() for axis in "xyz"), strict=True)])
    ids = column("truth", "hit_id")
    order = np.argsort(ids)
    row_of = order[np.searchsorted(ids, column("hits", "hit_id"), sorter=order)]
    crossed = np.stack([truth(f"t{axis}")[row_of[at]] for axis in "xyz"], axis=1)
    mine = column("truth", "particle_id")[row_of[at]] != 0
    module = detector.row(hits["cell"])
    u, v, _ = detector.modules.local(module, crossed).T
    print("| volume | hits | u, sigma68 [µm] | taken [µm] | v, sigma68 [µm] | taken [µm] |\n|---|---|---|---|---|---|")
    for volume in np.unique(hits["subsystem"]):
        some = mine & (hits["subsystem"] == volume)
        cells = []
        for name, true in (("u", u), ("v", v)):
            cells += [1e3 * half_width((clusters[name] - true)[some]), 1e3 * np.median(clusters[f"sigma_{name}"][some])]
        print(f"| {volume} | {some.sum()} | " + " | ".join(f"{cell:.1f}" for cell in cells) + " |")


def main() -> None:
    """Print the three tables."""
    best = field_table()
    fit_table(best)
    hit_table()


def half_width(values: Array) -> float:
    """Return half of the central 68.3 %."""
    low, high = np.quantile(values, (0.1585, 0.8415))
    return float(high - low) / 2


if __name__ == "__main__":
    main()
