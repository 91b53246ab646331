"""Tell how the barrel sees jets: tables on standard output, and the figure docs/images/barrel_jets.png.

Example: python docs/plots/barrel_jets.py 300
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from _pictures import save
from jets import told
from matplotlib.colors import LogNorm
from numpy.typing import NDArray

from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.report.style import look, new_figure
from hitforge.representations import REPRESENTATIONS
from hitforge.simulation import SIMULATIONS
from hitforge.simulation.barrel.hadrons import HadronShowerSettings, calibration, deposit_hadrons

Array = NDArray[np.float64]
_SETTINGS = {"pt": (500, 700), "eta_max": 0.9, "spectrum": "log", "radius": 0.8, "validation": 0, "test": 0, "seed": 1}
_KINDS = ("gluon", "quark", "w", "top")
_CHANNELS = {"charged": "tracks", "photon": "crystals", "neutral_hadron": "towers"}
_EXTENT = 1.0875
_ENERGIES = np.array([5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0])


def jets(kind: str, number: int) -> Events:
    """Return jets of a kind as the barrel sees them."""
    block = {"name": "barrel_jets", "kinds": (kind,), "train": number, "shard_size": number, **_SETTINGS}
    return SIMULATIONS.build(block, DETECTORS.build("composite", where="here"), where="here").shard("train", 0)


def images(events: Events) -> Array:
    """Return transverse momenta, (N, 125, 125, 3) [GeV]."""
    block = {"name": "jet_image", "rows": 125, "columns": 125, "extent": _EXTENT, "scale": "log_pt"}
    made = REPRESENTATIONS.build(
        {**block, "channels": tuple(_CHANNELS)}, DETECTORS.build("point_cloud", where="here"), where="here"
    )
    batch = made.batch(made.prepare(events), np.arange(len(events)))["image"]
    return 0.5 * np.expm1(batch.astype(np.float64))


def pions(number: int) -> tuple[Array, Array, Array]:
    """Mean over energy, and spread over mean, of the signal of pions at pseudorapidity 0.3; the spread once corrected.

    A signal is corrected by the mean of those with about the same share in the crystals.
    """
    barrel, rng = DETECTORS.build("composite", where="here"), np.random.default_rng(1)
    phi = rng.uniform(-np.pi, np.pi, number)
    place = np.stack([np.cos(phi), np.sin(phi), np.full(number, np.sinh(0.3))], axis=1)
    direction = place / np.linalg.norm(place, axis=1)[:, None]
    rows = []
    for energy in _ENERGIES:
        found = deposit_hadrons(
            barrel["ecal"], barrel["hcal"], HadronShowerSettings(), rng, np.full(number, 211), np.full(number, energy),
            barrel["ecal"].config.radius * place, direction,
        )  # fmt: skip
        scale = np.where(found.section == 0, 1.0, calibration(barrel["hcal"]))
        total = np.bincount(found.particle, found.energy * scale, number)
        crystals = np.bincount(found.particle, found.energy * (found.section == 0), number)
        part = np.clip((10 * crystals / np.maximum(total, 1e-9)).astype(int), 0, 9)
        mean = np.bincount(part, total, 10) / np.maximum(np.bincount(part, minlength=10), 1)
        rows.append((total.mean() / energy, total.std() / total.mean(), (total / np.maximum(mean[part], 1e-9)).std()))
    response, spread, corrected = np.array(rows).T
    return response, spread, corrected


def _published(energy: Array) -> Array:
    """Resolution of pions in CMS's barrel, from 5 GeV on, corrected (Eur. Phys. J. C 60 (2009) 359)."""
    resolution: Array = np.hypot(0.847 / np.sqrt(energy), 0.074)
    return resolution


def table(seen: dict[str, Events]) -> None:
    """Print medians of what is seen over what was generated."""
    print("| | response | σ68 / median | soft-drop mass, cells [GeV] | generated [GeV] | tracks | crystals | towers |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, events in seen.items():
        parts, pdg = events.constituents, np.abs(events.constituents["pdg"])
        pt = np.hypot(events.jets["px"], events.jets["py"]) / events.field("particle_jet_pt")
        width = np.diff(np.quantile(pt, [0.1585, 0.8415]))[0] / 2 / np.median(pt)
        columns = [told(pt, 3), f"{width:.3f} ± {width / np.sqrt(2 * len(pt)):.3f}"]
        columns += [told(of, 1) for of in (events.jets["soft_drop_mass"], events.field("particle_soft_drop_mass"))]
        columns += [told(parts.sum((pdg == number).astype(float)), 1) for number in (211, 22, 130)]
        print(f"| {kind} | " + " | ".join(columns) + " |")


def main() -> None:
    """Print the tables and write the figure."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    seen = {kind: jets(kind, number) for kind in _KINDS}
    table(seen)
    mean, spread, corrected = pions(4000)
    print("\n| pions [GeV] | " + " | ".join(f"{energy:g}" for energy in _ENERGIES) + " |")
    print("|---" * (len(_ENERGIES) + 1) + "|")
    print("| response | " + " | ".join(f"{value:.3f}" for value in mean) + " |")
    for name, values in (
        ("resolution of the plain sum", spread),
        ("corrected by the share in the crystals", corrected),
        ("published for CMS's barrel, corrected", _published(_ENERGIES)),
    ):
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    with look():
        figure = new_figure(10, 9)
        grid = figure.subplots(3, 3)
        whole = images(seen["top"])
        energetic = int(np.argmax(seen["top"].jets["soft_drop_mass"] > 130))
        pictures = {"one top": whole[energetic], "mean of tops": whole.mean(axis=0)}
        for line, (what, picture) in zip(grid[:2], pictures.items(), strict=True):
            for axis, layer, name in zip(line, np.moveaxis(picture, -1, 0), _CHANNELS.values(), strict=True):
                shown = axis.imshow(
                    np.where(layer > 0, layer, np.nan), origin="lower", extent=(-_EXTENT, _EXTENT) * 2,
                    norm=LogNorm(max(float(layer.max()) * 1e-4, 1e-4)), interpolation="nearest",
                )  # fmt: skip
                axis.set(xlabel="Δφ", ylabel="Δη", title=f"{what}, {name}")
                axis.grid(visible=False)
                figure.colorbar(shown, ax=axis, label="pT [GeV]")
        for kind, events in seen.items():
            pt = np.hypot(events.jets["px"], events.jets["py"]) / events.field("particle_jet_pt")
            grid[2, 0].hist(pt, np.linspace(0.4, 1.3, 37), histtype="step", density=True, label=kind)
            grid[2, 1].hist(
                events.jets["soft_drop_mass"], np.linspace(0, 220, 45), histtype="step", density=True, label=kind
            )
        grid[2, 0].set(xlabel="jet pT, cells / generated", ylabel="density")
        grid[2, 1].set(xlabel="soft-drop mass of cells [GeV]", ylabel="density")
        grid[2, 1].legend()
        grid[2, 2].plot(_ENERGIES, spread, "o", label="pions, plain sum")
        grid[2, 2].plot(_ENERGIES, corrected, "s", label="corrected by share")
        fine = np.geomspace(5, 300, 60)
        grid[2, 2].plot(fine, _published(fine), label="CMS's barrel, corrected")
        grid[2, 2].set(xscale="log", xlabel="energy [GeV]", ylabel="resolution", ylim=(0, 0.85))
        grid[2, 2].legend(loc="upper right")
        save(figure, Path(__file__).parents[1] / "images" / "barrel_jets.png", 80)


if __name__ == "__main__":
    main()
