"""Compare showers in calorimeters of layers with Geant4 and beam tests, and draw the pictures of their page.

Usage: ``python docs/plots/calorimeter.py [--showers 3000] [--images docs/images]``. The Geant4 reference is found by
``HITFORGE_DATA``; without it only our own curves appear.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import h5py
import matplotlib as mpl
import numpy as np
from _hgcal_photons import LAYERS, WIDE, geant4, ours
from _pictures import save
from scipy.optimize import curve_fit

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.sampling_shower import SamplingSettings, deposit_in_layers

mpl.use("Agg")
import matplotlib.pyplot as plt

OURS, THEIRS, OTHER = "#2b5d8a", "#c4572e", "#6b8f3c"
ENERGIES = np.array([10.0, 20.0, 30.0, 50.0, 80.0, 100.0, 150.0, 200.0, 300.0])
COARSE = {"spot_density": 0.05}  # of no consequence for sums


def shoot(detector, pdg, energy, count, **settings):
    """Particles along z: in the middle of ild_ecal, at a pseudorapidity of 2 in hgcal."""
    rng = np.random.default_rng(5)
    middle = 0.0 if detector.name == "ild_ecal" else detector.front / np.sinh(2.0)
    position = np.column_stack([np.full(count, middle), np.zeros(count), np.full(count, detector.front)])
    position[:, :2] += rng.uniform(-6, 6, (count, 2))
    direction = np.tile([0.0, 0.0, 1.0], (count, 1))
    energy = np.broadcast_to(energy, count).astype(float)
    shower = deposit_in_layers(
        detector, SamplingSettings(**settings), rng, np.full(count, pdg), energy, position, direction
    )
    return shower, position


def core(values):
    """Mean and width within 2.5 widths, and the width's uncertainty."""
    middle, width = values.mean(), values.std()
    for _ in range(8):
        inside = values[abs(values - middle) < 2.5 * width]
        middle, width = inside.mean(), 1.05 * inside.std()
    return middle, width, width / np.sqrt(2 * len(inside))


def model(energy, stochastic, constant):
    """Resolution with two terms in quadrature."""
    return np.hypot(stochastic / np.sqrt(energy), constant)


def fit(widths, errors):
    """Stochastic and constant term, and their uncertainties."""
    chosen = ENERGIES >= 20
    found, covariance = curve_fit(model, ENERGIES[chosen], widths[chosen], p0=(0.3, 0.02), sigma=errors[chosen])
    return np.abs(found), np.sqrt(np.diag(covariance))


def reference():
    """Geant4's sums and its two showers of 50 GeV, or None."""
    folder = Path(os.environ.get("HITFORGE_DATA", "")) / "ild_showers"
    if not (folder / "Geant_4_Accumulator.npz").is_file():
        return None
    with np.load(folder / "Geant_4_Accumulator.npz") as data:
        layers, radial = data["counts_3"], data["counts_1"]
    with h5py.File(folder / "mini_data_sample_50GeV.hdf5") as file:
        showers = [event[:, event[3] > 0] for event in file["events"][:]]
    return layers / layers.sum(), radial / radial.sum(), showers


def draw_geant4(count, images):
    """Layers, radii and hit energies beside Geant4."""
    detector, theirs = DETECTORS.build("ild_ecal", where="docs"), reference()
    shower, position = shoot(detector, 22, np.random.default_rng(1).uniform(10, 100, count), count)
    radius = np.hypot(*(detector.position(shower.cell) - position[shower.particle])[:, :2].T)
    layers = np.bincount(detector.layer(shower.cell), shower.energy, 30)
    layers /= layers.sum()
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
    axes[0].stairs(layers, np.arange(31) - 0.5, color=OURS, lw=1.6, label="hitforge")
    axes[0].set(xlabel="layer", ylabel="share of the energy")
    distances = np.linspace(5, 150, 60)
    order = np.argsort(radius)
    share = np.cumsum(shower.energy[order], dtype=float)
    share /= share[-1]
    axes[1].plot(distances, 1 - share[np.searchsorted(radius[order], distances) - 1], color=OURS, lw=1.6)
    axes[1].set(xlabel="distance from the axis [mm]", ylabel="share of the energy outside", yscale="log")
    fifty, _ = shoot(detector, 22, 50.0, min(count, 400))
    bins = np.arange(-1.5, 3.01, 0.25)
    hits = np.histogram(np.log10(fifty.energy / detector.layers.mip[0]), bins)[0] / min(count, 400)
    axes[2].stairs(hits, bins, color=OURS, lw=1.6)
    axes[2].set(xlabel="log10 of a cell's energy [MIP]", ylabel="cells a shower of 50 GeV")
    if theirs:
        expected, radial, showers = theirs
        axes[0].plot(np.arange(30), expected, "o", ms=3.5, color=THEIRS, label="Geant4")
        distance = 0.5 * np.abs(layers - expected).sum()
        axes[0].set_title(f"total variation distance {distance:.3f}", fontsize=9)
        edges = np.arange(1, 10) * 500 / 32
        axes[1].plot(edges, 1 - np.cumsum(radial)[:9], "o", ms=4, color=THEIRS)
        found = [share[np.searchsorted(radius[order], edge) - 1] for edge in (47, 62, 94)]
        print("inside 47, 62, 94 mm:", np.round(found, 4), "Geant4", np.round(np.cumsum(radial)[[2, 3, 5]], 4))
        print("layers: distance", round(float(distance), 4))
        cells = np.zeros(len(bins) - 1)
        for x, depth, y, energy in showers:
            layer = np.argmin(np.abs(depth[:, None] - detector.layers.z), axis=1)
            x0, y0 = (np.median(np.repeat(v, np.maximum(energy * 1e5, 1).astype(int))) for v in (x, y))
            cell = detector.cell_in(layer, x - x0, y - y0, np.ones(len(x)))
            _, inverse = np.unique(cell, return_inverse=True)
            cells += np.histogram(np.log10(np.bincount(inverse, energy) / detector.layers.mip[0]), bins)[0] / 2
        axes[2].plot((bins[1:] + bins[:-1]) / 2, cells, "o", ms=4, color=THEIRS)
        print("cells a shower of 50 GeV:", round(len(fifty.cell) / min(count, 400)), "Geant4", round(cells.sum()))
    axes[0].legend(frameon=False)
    write(figure, images / "calorimeter_geant4.png")
    fine = DETECTORS.build({"name": "ild_ecal", "pitch": 0.5}, where="docs")
    shower, position = shoot(fine, 22, 50.0, 200)
    radius = np.hypot(*(fine.position(shower.cell) - position[shower.particle])[:, :2].T)
    order = np.argsort(radius)
    share = np.cumsum(shower.energy[order], dtype=float)
    share /= share[-1]
    print(
        "ild_ecal at 50 GeV, 50 % and 90 % radius [mm]:",
        [round(float(radius[order][np.searchsorted(share, q)]), 1) for q in (0.5, 0.9)],
    )


def draw_cms(count, images):
    """Layers, widths, rings and cells of photons of 50 GeV in hgcal beside CMS's Geant4."""
    found, theirs = (
        ours(DETECTORS.build("hgcal", where="docs"), count),
        geant4(Path(os.environ.get("HITFORGE_DATA", ""))),
    )
    figure, axes = plt.subplots(1, 4, figsize=(14, 3.4))
    layer, edges = np.arange(LAYERS), WIDE * (np.arange(1, len(found["rings"]) + 1) - 0.5)
    for name, each in (("hitforge", found), ("CMS Geant4", theirs)):
        if each is None:
            continue
        style = (
            {"color": OURS, "lw": 1.6} if name == "hitforge" else {"color": THEIRS, "marker": "o", "ms": 3.5, "ls": ""}
        )
        axes[0].plot(layer, each["shares"], label=name, **style)
        axes[1].plot(layer, each["widths"].mean(axis=0), **style)
        axes[2].plot(edges, np.maximum(1 - np.cumsum(each["rings"]), 1e-5), **style)
        axes[3].plot(layer, each["cells"], **style)
    axes[0].set(xlabel="layer", ylabel="share of the energy in 18 layers")
    axes[1].set(xlabel="layer", ylabel="width in x and y, mean [mm]")
    axes[2].set(
        xlabel="distance from the axis [mm]", ylabel="share of the energy outside", yscale="log", ylim=(5e-4, 1)
    )
    axes[3].set(xlabel="layer", ylabel="cells of at least 10 keV")
    axes[0].legend(frameon=False)
    write(figure, images / "calorimeter_cms.png")
    if theirs is None:
        return
    inner = slice(5, LAYERS)
    print("hgcal, 50 GeV: layers, distance", round(float(0.5 * np.abs(found["shares"] - theirs["shares"]).sum()), 4))
    for key, what in (("widths", "widths"), ("cells", "cells")):
        ratio = (found[key] / theirs[key])[..., inner]
        print(
            what,
            "over Geant4: mean",
            ratio.mean().round(3),
            "least and most",
            ratio.min().round(2),
            ratio.max().round(2),
        )
    within = [np.cumsum(each["rings"])[[1, 2, 3, 5, 7]].round(4) for each in (found, theirs)]
    print("inside", edges[[1, 2, 3, 5, 7]].round(0), "mm:", within[0], "Geant4", within[1])


def draw_beam_test(count, images):
    """Resolution and response of electrons and pions beside the beam tests."""
    detector = DETECTORS.build("hgcal", where="docs")
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
    grid = np.geomspace(9, 320, 80)
    curves = ((11, 0.22, 0.006, axes[0], "electrons"), (-211, 1.32, 0.085, axes[1], "pions"))
    for pdg, stochastic, constant, axis, name in curves:
        rows = []
        for energy in ENERGIES:
            shower, _ = shoot(detector, pdg, energy, count, **COARSE)
            layer = detector.layer(shower.cell)
            counted = (detector.layers.section[layer] == 0) if pdg == 11 else np.ones(len(layer), bool)
            weighted = shower.energy * detector.layers.weight[layer] * counted
            middle, width, error = core(np.bincount(shower.particle, weighted, count) / energy)
            rows.append((middle, width / middle, error / middle))
        response, widths, errors = np.array(rows).T
        found, uncertain = fit(widths, errors)
        print(name, "response", response.round(3), "resolution", widths.round(4))
        print(name, f"S {found[0]:.3f} +- {uncertain[0]:.3f}, C {found[1]:.4f} +- {uncertain[1]:.4f}")
        axis.errorbar(ENERGIES, 100 * widths, 100 * errors, fmt="o", ms=4, color=OURS, label="hitforge")
        axis.plot(grid, 100 * model(grid, *found), color=OURS, lw=1.2)
        axis.plot(grid, 100 * model(grid, stochastic, constant), "--", color=THEIRS, label="beam test")
        axis.set(xscale="log", xlabel="energy [GeV]", ylabel="resolution [%]", title=name)
        text = f"{100 * found[0]:.1f} %/√E ⊕ {100 * found[1]:.2f} %"
        axis.text(0.96, 0.66, text, transform=axis.transAxes, ha="right", fontsize=9, color=OURS)
        axis.legend(frameon=False)
        axes[2].plot(ENERGIES, response, "o-", ms=4, color=OURS if pdg == 11 else OTHER, label=name)
    axes[2].set(xscale="log", xlabel="energy [GeV]", ylabel="response over true energy", ylim=(0.4, 1.05))
    axes[2].legend(frameon=False)
    write(figure, images / "calorimeter_resolution.png")


def draw_shapes(count, images):
    """What a pion looks like: mean depth profiles, radii, and signal against density."""
    detector = DETECTORS.build("hgcal", where="docs")
    layers = detector.layers
    depth = np.cumsum(layers.interaction_lengths)
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
    for pdg, name, colour in ((11, "electron", OURS), (-211, "pion", OTHER), (13, "muon", THEIRS)):
        shower, position = shoot(detector, pdg, 50.0, count)
        layer = detector.layer(shower.cell)
        weighted = shower.energy * layers.weight[layer]
        profile = np.bincount(layer, weighted, len(depth)) / count / np.diff(depth, prepend=0)
        axes[0].plot(depth, profile, color=colour, label=name, drawstyle="steps-mid")
        radius = np.hypot(*(detector.position(shower.cell) - position[shower.particle])[:, :2].T)
        order = np.argsort(radius)
        share = np.cumsum(weighted[order]) / weighted.sum()
        grid = np.linspace(1, 300, 200)
        if pdg != 13:
            axes[1].plot(grid, share[np.clip(np.searchsorted(radius[order], grid) - 1, 0, None)], color=colour)
        if pdg == -211:
            hot = np.bincount(shower.particle, weighted * (shower.energy > 20 * layers.mip[layer]), count)
            axes[2].plot(hot / np.maximum(shower.total, 1e-9), shower.total / 50.0, ".", ms=2, color=colour, alpha=0.5)
    axes[0].set(xlabel="interaction lengths", ylabel="GeV an interaction length", yscale="log", ylim=(0.05, 300))
    axes[0].legend(frameon=False)
    axes[1].set(xlabel="distance from the axis [mm]", ylabel="share of the energy inside", ylim=(0, 1))
    axes[2].set(xlabel="share in cells above 20 MIP", ylabel="response of a pion of 50 GeV", xlim=(0, 1), ylim=(0, 1.3))
    write(figure, images / "calorimeter_pions.png")


def write(figure, path):
    """Write a small picture."""
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    save(figure, path, dpi=100)
    plt.close(figure)


def main():
    """Draw everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--showers", type=int, default=3000)
    parser.add_argument("--images", type=Path, default=Path(__file__).parents[1] / "images")
    arguments = parser.parse_args()
    draw_geant4(arguments.showers, arguments.images)
    draw_cms(min(arguments.showers, 2000), arguments.images)
    draw_beam_test(arguments.showers, arguments.images)
    draw_shapes(min(arguments.showers, 1500), arguments.images)


if __name__ == "__main__":
    main()
