"""Compare the simulated barrel with real images, and draw the pictures of the page about the simulation.

Usage: ``python docs/plots/simulation.py [--events 40000] [--images docs/images] [--trees]``. The real images (the
training half of the public electron-photon sample) are found through ``HITFORGE_DATA``; without them only our own
columns appear.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from _pictures import save

from hitforge.acts.material import material_budget
from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS
from hitforge.simulation.crystal.em_profile import mean_profile
from hitforge.simulation.crystal.em_shower import CrystalShowerSettings, deposit_in_crystals

mpl.use("Agg")
import matplotlib.pyplot as plt

SIDE, SEED = 32, 16
ROWS = np.arange(SIDE) - SEED
KINDS = ("photon", "electron")


def simulate(events, **settings):
    """Images (N, 32, 32) in GeV around the hottest crystal, labels (1 electron), whether the photon converted."""
    detector = DETECTORS.build("crystal_barrel", where="docs")
    block = {"name": "particle_gun", "train": events, "shard_size": min(events, 2000), "seed": 7, **settings}
    source = SIMULATIONS.build(block, detector, where="docs")
    images, labels, converted = [], [], []
    for shard in range(source.splits()["train"]):
        sample = source.shard("train", shard)
        row, column = detector.grid(sample.hits["cell"])
        seed_row, seed_column = detector.grid(sample.field("seed_cell"))
        event, half = sample.hits.event, detector.grid_shape[1] // 2
        i = row - seed_row[event] + SEED
        j = (column - seed_column[event] + half) % detector.grid_shape[1] - half + SEED
        inside = (i >= 0) & (i < SIDE) & (j >= 0) & (j < SIDE)
        image = np.zeros((len(sample), SIDE, SIDE), np.float32)
        image[event[inside], i[inside], j[inside]] = sample.hits["energy"][inside]
        images.append(image)
        labels.append(sample.field("primary_pdg") == 11)
        converted.append(sample.field("converted"))
    return np.concatenate(images), np.concatenate(labels).astype(int), np.concatenate(converted)


def real():
    """The training half of the public sample in GeV (its unit is 50 GeV), or None."""
    path = Path(os.environ.get("HITFORGE_DATA", "")) / "electron_photon" / "electron-photon.npz"
    if not path.is_file():
        return None
    with np.load(path) as data:
        return data["x_train"] * 50.0, data["y_train"].astype(int)


def shapes(image):
    """Shower shapes of images whose hottest crystal is at (16, 16)."""
    window = slice(SEED - 2, SEED + 3)
    core = image[:, window, window]
    e25, total = core.sum((1, 2)), image.sum((1, 2))
    weight = np.maximum(0, 4.7 + np.log(np.maximum(core / e25[:, None, None], 1e-9)))
    step, norm = np.arange(-2, 3), weight.sum((1, 2))

    def variance(projection, at, by):
        mean = (projection * at).sum(1) / by
        return (projection * (at - mean[:, None]) ** 2).sum(1) / by

    lit, strip = image > 0, image[:, window]
    outside = lit.copy()
    outside[:, window] = False
    column, row = image.sum(1), image.sum(2)
    return {
        "lit pixels": lit.sum((1, 2)),
        "lit pixels outside the 5 seed rows": outside.sum((1, 2)),
        "energy sum [GeV]": total,
        "sieie [crystals^2]": variance(weight.sum(2), step, norm),
        "sipip [crystals^2]": variance(weight.sum(1), step, norm),
        "spread in eta [crystals]": np.sqrt(variance(row, ROWS, total)),
        "spread in phi [crystals]": np.sqrt(variance(column, ROWS, total)),
        "energy of the centre column [GeV]": image[:, :, SEED].sum(1),
        "hottest crystal / sum": image[:, SEED, SEED] / total,
        "3x3 / 5x5": image[:, SEED - 1 : SEED + 2, SEED - 1 : SEED + 2].sum((1, 2)) / e25,
        "5x5 / sum": e25 / total,
        "5 seed rows / sum": strip.sum((1, 2)) / total,
    }


def table(sim, data):
    """Medians and means with errors of simulation and data as a Markdown table."""
    columns = [(kind, name) for kind in KINDS for name in ("real", "simulated")]
    print("| shape | " + " | ".join(f"{kind}, {name}" for kind, name in columns) + " |")
    print("|---|" + "---|" * len(columns))
    ours = shapes(sim[0])
    theirs = shapes(data[0]) if data else None
    for name in ours:
        cells = []
        for kind in (0, 1):
            for values, labels in ((theirs, data[1] if data else None), (ours, sim[1])):
                if values is None:
                    cells.append("-")
                    continue
                v = values[name][labels == kind]
                cells.append(f"{np.median(v):.3g}; {v.mean():.3g} ± {v.std() / np.sqrt(len(v)):.1g}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def area(score, label):
    """Area under the ROC curve by ranks."""
    rank = np.argsort(np.argsort(score)) + 1.0
    n1 = label.sum()
    return (rank[label == 1].sum() - n1 * (n1 + 1) / 2) / (n1 * (len(label) - n1))


def trees(image, label, data):
    """Boosted trees on the shapes of the table: the area under the ROC curve on one half of the sample."""
    from xgboost import XGBClassifier

    def inputs(x):
        return np.column_stack([*shapes(x).values()])

    half = len(image) // 2
    model = XGBClassifier(n_estimators=400, learning_rate=0.05, max_depth=5, subsample=0.8, n_jobs=1)
    x = inputs(image)
    model.fit(x[:half], label[:half])
    print(f"\nboosted trees, {half} training and {half} test events: AUC", end=" ")
    print(f"{area(model.predict_proba(x[half:])[:, 1], label[half:]):.4f}", end="")
    if data:
        score = model.predict_proba(inputs(data[0]))[:, 1]
        print(f"; the same trees on the {len(data[1])} real images: {area(score, data[1]):.2f}")


def draw_images(folder, sim, data):
    """Mean images of both classes."""
    sets = [("simulated", *sim[:2])] + ([("real", *data)] if data else [])
    figure, axes = plt.subplots(len(sets), 2, figsize=(7.2, 3.4 * len(sets)), squeeze=False, layout="constrained")
    for row, (name, image, label) in zip(axes, sets, strict=True):
        for kind, axis in enumerate(row):
            mean = image[label == kind].mean(0)
            shown = axis.imshow(np.where(mean > 0, mean, np.nan), norm=mpl.colors.LogNorm(1e-3, 50), origin="lower")
            axis.set(
                title=f"{KINDS[kind]}, {name} ({(label == kind).sum()})", xlabel="column (phi)", ylabel="row (eta)"
            )
    figure.colorbar(shown, ax=axes, label="mean energy [GeV]", shrink=0.7)
    save(figure, folder / "simulation_images.png", dpi=75)


def draw_shapes(folder, sim, data):
    """Distributions of the shapes that matter."""
    chosen = {
        "lit pixels": (20, 100), "energy sum [GeV]": (30, 100), "sieie [crystals^2]": (0.1, 0.45),
        "sipip [crystals^2]": (0.1, 1.6), "energy of the centre column [GeV]": (10, 80), "3x3 / 5x5": (0.6, 1.0),
    }  # fmt: skip
    ours, theirs = shapes(sim[0]), shapes(data[0]) if data else None
    figure, axes = plt.subplots(2, 3, figsize=(9.5, 5.6), layout="constrained")
    for axis, (name, limits) in zip(axes.flat, chosen.items(), strict=True):
        edges = np.linspace(*limits, 16)
        for kind, colour in enumerate(("tab:blue", "tab:orange")):
            v = ours[name][sim[1] == kind]
            counts = np.histogram(v, edges)[0] / len(v)
            axis.stairs(counts, edges, color=colour, label=f"{KINDS[kind]}, simulated")
            if theirs:
                v = theirs[name][data[1] == kind]
                n = np.histogram(v, edges)[0]
                middle = 0.5 * (edges[1:] + edges[:-1]) + (kind - 0.5) * 0.1 * np.diff(edges)
                axis.errorbar(
                    middle, n / len(v), np.sqrt(n) / len(v), fmt="o", ms=3, color=colour, label=f"{KINDS[kind]}, real"
                )
        axis.set(xlabel=name, ylabel="share of events")
    axes[0, 0].legend(fontsize=7)
    save(figure, folder / "simulation_shapes.png", dpi=75)


def draw_showers(folder):
    """Longitudinal profile, lateral containment and the tracker's material."""
    detector = DETECTORS.build("crystal_barrel", where="docs")
    settings = detector.config
    figure, axes = plt.subplots(1, 3, figsize=(9.5, 3.1), layout="constrained")
    edges = np.linspace(0, settings.depth, 53)
    for energy in (1.0, 10.0, 50.0, 200.0):
        share = mean_profile(energy, settings.critical_energy, settings.effective_z, edges)
        axes[0].plot(0.5 * (edges[1:] + edges[:-1]), share / np.diff(edges), label=f"{energy:g} GeV")
    axes[0].set(xlabel="depth [X0]", ylabel="dE/dt / E", title="mean showers in PbWO4")
    axes[0].legend(fontsize=7)
    rng, count = np.random.default_rng(1), 400
    phi = rng.uniform(-np.pi, np.pi, count)
    place = np.column_stack([settings.radius * np.cos(phi), settings.radius * np.sin(phi), rng.uniform(-20, 20, count)])
    ahead = place / np.linalg.norm(place, axis=1)[:, None]
    for spread in (False, True):
        shower = deposit_in_crystals(
            detector,
            CrystalShowerSettings(field_spreads=spread),
            rng,
            np.full(count, 11),
            np.full(count, 50.0),
            place,
            ahead,
        )
        row, column = detector.grid(shower.cell)
        seed_row, seed_column = detector.grid(detector.cell_at(place))
        distance = np.hypot(row - seed_row[shower.particle], (column - seed_column[shower.particle] + 180) % 360 - 180)
        radius = np.arange(0.5, 9)
        inside = [shower.energy[distance < r].sum() / (count * 50.0) for r in radius]
        axes[1].plot(radius, 1 - np.array(inside), label="3.8 T" if spread else "no field in the crystals")
    axes[1].set(
        xlabel="distance from the hit crystal [crystals]",
        ylabel="energy outside",
        yscale="log",
        title="50 GeV electrons",
    )
    axes[1].legend(fontsize=7)
    eta = np.linspace(0, 1.48, 100)
    axes[2].plot(eta, material_budget(eta))
    axes[2].set(xlabel="|eta|", ylabel="tracker [X0]", ylim=(0, 2), title="material before the crystals")
    save(figure, folder / "simulation_showers.png", dpi=75)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--images", type=Path, default=Path(__file__).parent.parent / "images")
    parser.add_argument("--trees", action="store_true", help="also train boosted trees")
    parser.add_argument("--material", default="cms_like", choices=["none", "generic", "cms_like"])
    parser.add_argument("--scale", type=float, default=1.0, help="factor on the tracker's material")
    arguments = parser.parse_args()
    arguments.images.mkdir(parents=True, exist_ok=True)
    simulate(20)  # compiles
    begin = time.process_time()
    sim = simulate(arguments.events, tracker_material=arguments.material, tracker_material_scale=arguments.scale)
    print(f"{arguments.events / (time.process_time() - begin):.0f} events a second of CPU", end="; ")
    print(f"converted photons: {sim[2][sim[1] == 0].mean():.3f}\n")
    data = real()
    table(sim, data)
    draw_images(arguments.images, sim, data)
    draw_shapes(arguments.images, sim, data)
    draw_showers(arguments.images)
    if arguments.trees:
        trees(*sim[:2], data)


if __name__ == "__main__":
    main()
