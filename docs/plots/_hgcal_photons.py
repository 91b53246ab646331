"""Photons of 50 GeV in hgcal, counted as the public CMS study of generated showers counts them.

Its Geant4 sample (github.com/OzAmram/CMSHGCaloChallenge, histograms of ``eval_results_all``) holds 50,000 photons of
50 GeV in the detector of 47 layers. They fly along a pseudorapidity of 2 from a point on the face, moved along the beam
by the spread of the vertex: half of them begin behind the face, up to some layers deep. Nothing says so, but the
showers' centres do, which spread by 11 to 12 mm vertically and by 3 horizontally; with it the depth profile agrees.
Cells with less than 10 keV are left out, as are those beyond the twentieth ring about the line of the mean photon.

The first 18 layers are compared: behind them the lead of the detector of 47 layers is thicker than that of ours of 50.
"""

from __future__ import annotations

from pathlib import Path

import numba as nb
import numpy as np

from hitforge.detectors.stack import most_probable_loss
from hitforge.simulation.layered.sampling_em import EmSettings, em_shower
from hitforge.simulation.layered.sampling_shower import SamplingSettings
from hitforge.simulation.layered.sampling_spots import TrackLine, build_stack, empty_spots

FOLDER = (
    Path("generative") / "hgcal_challenge" / "photon_50" / "eval_results_all" / "AllShowers" / "Photon_E50" / "hist"
)
LAYERS = 18  # that are alike in both detectors
RINGS = 21  # about the line of the mean photon, each as wide as a cell
WIDE = 12.091  # mm
SPREAD = 42.0  # mm; of the starting points along the beam
ETA, ENERGY = 2.0, 50.0
LEAST = 10e-6 / most_probable_loss(0.2)  # MIP; 10 keV in sensors of 0.2 mm


def geant4(data):
    """Geant4's means, or None: ``shares`` and ``cells`` of layers, ``widths`` in x and y [mm], ``rings``."""
    folder = data / FOLDER
    if not (folder / "Transverse.npz").is_file():
        return None

    def mean(name):
        with np.load(folder / f"{name}.npz") as histogram:
            edges, density = histogram["binning"], histogram["dist_ref"]
        # A number of cells stands at the lower edges of its bin, a width anywhere in it.
        middle = (np.round(edges[:-1]) + np.round(edges[1:]) - 1) / 2 if "Occ" in name else (edges[1:] + edges[:-1]) / 2
        return np.average(middle, weights=density * np.diff(edges))

    with np.load(folder / "LongitudinalProfile.npz") as profile, np.load(folder / "Transverse.npz") as rings:
        shares, around = profile["ref_mean"][:LAYERS], rings["ref_mean"]
    return {
        "shares": shares / shares.sum(),
        "cells": np.array([mean(f"OccupancyLayer{k}") for k in range(LAYERS)]),
        "widths": 10 * np.array([[mean(f"{axis}WidthLayer{k}") for k in range(LAYERS)] for axis in "XY"]),
        "rings": around,
    }  # fmt: skip


@nb.njit
def _draw(stack, settings, rng, spots, energy, start, lines):
    for k in range(len(start)):
        track = TrackLine(lines[k, 0], lines[k, 1], lines[k, 2], lines[k, 3], lines[k, 4], lines[k, 5])
        em_shower(stack, settings, rng, spots, k, energy, start[k], track)


def ours(detector, count, seed=1, **settings):
    """The same means of our own photons in hgcal; ``settings`` are those of showers."""
    chosen, rng = SamplingSettings(**settings), np.random.default_rng(seed)
    stack = build_stack(detector, chosen.sampling, chosen.odd_even)
    em = EmSettings(
        chosen.sampling, chosen.spot_density, chosen.halo_spot, chosen.core_width, chosen.tail_width, chosen.reach,
        1 - 1 / chosen.clump, chosen.clump_width,
    )  # fmt: skip
    slope, cosine = 1 / np.sinh(ETA), np.tanh(ETA)
    moved = SPREAD * rng.standard_normal(count)  # along the beam
    depth = np.interp(moved, np.append(0, stack.height), np.append(0, stack.depth)) / cosine
    zero = np.zeros(count)
    lines = np.column_stack([zero, (detector.front - moved) * slope, zero, zero + slope, zero + cosine, zero])
    spots = empty_spots(int(800 * count * ENERGY) + 100_000)
    _draw(stack, em, rng, spots, ENERGY, depth + rng.exponential(9 / 7, count), lines)
    used = int(spots.used[0])
    layer = spots.layer[:used]
    cell = detector.cell_in(layer, spots.x[:used], spots.y[:used], np.ones(used))
    keep = (cell >= 0) & (layer < 28)
    _, first, of_cell = np.unique(
        np.stack([spots.particle[:used][keep], cell[keep]]), axis=1, return_index=True, return_inverse=True
    )
    energy = np.bincount(of_cell.ravel(), spots.energy[:used][keep])
    particle, layer, cell = (part[keep][first] for part in (spots.particle[:used], layer, cell))
    planes = detector.layers.z[:28]
    axis = np.column_stack([0 * planes, planes * slope])
    nearest = detector.cell_in(np.arange(28), *axis.T, np.ones(28))
    away = detector.position(cell)[:, :2] - axis[layer]
    radius = np.hypot(*away.T)
    ring = np.where(cell == nearest[layer], 0, np.maximum(np.floor(radius / WIDE + 0.5), 1)).astype(int)
    keep = (energy > LEAST * detector.layers.mip[layer]) & (ring < RINGS)
    particle, layer, ring, away = (part[keep] for part in (particle, layer, ring, away))
    weighted = (energy * detector.layers.weight[detector.layer(cell)])[keep]
    place = particle * 28 + layer

    def sums(values):
        return np.bincount(place, values, 28 * count).reshape(count, 28)[:, :LAYERS]

    energies, widths = sums(weighted), []
    for along in away.T:
        middle = sums(weighted * along) / np.maximum(energies, 1e-12)
        square = sums(weighted * along**2) / np.maximum(energies, 1e-12)
        widths.append(np.sqrt(np.maximum(square - middle**2, 0)).mean(axis=0))  # 0 where a layer is empty, as theirs
    total = np.bincount(particle, weighted, count)
    return {
        "shares": (energies.sum(axis=0) / energies.sum()),
        "cells": sums(np.ones(len(layer))).mean(axis=0),
        "widths": np.array(widths),
        "rings": np.bincount(ring, weighted / total[particle], RINGS) / count,
    }  # fmt: skip
