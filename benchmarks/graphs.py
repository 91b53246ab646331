"""Graph building: seconds for the k nearest neighbours, against scipy's cKDTree, scikit-learn and FAISS in one process.

Hits lie on the cells of the detector ``hgcal``: half from showers, half spread like pile-up, flat in pseudorapidity;
the small events are single showers. Everybody has one thread and gets the same points, already scaled, in the type that
it likes best; building the index counts. Each answer is checked against cKDTree by its distances: cells are a lattice,
so which of several equally far ones is taken is a matter of taste. The inverted file of FAISS (IVF) is approximate; the
share of its neighbours that are as near as the true ones is given.

    OMP_NUM_THREADS=1 python benchmarks/graphs.py --repeat 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from hitforge.core.errors import MissingExtraError, require
from hitforge.detectors import DETECTORS
from hitforge.events import Collection
from hitforge.representations.points.graphs import GRAPHS
from hitforge.representations.points.graphs._search import nearest, scaled

HGCAL = DETECTORS.build("hgcal", where="benchmark")
SLOW = 5.0  # [s]; what takes longer is run once


def event(hits: int, showers: int, pile_up: float, random: np.random.Generator) -> np.ndarray:
    """Cells of one event, (hits,) int64."""
    layers: Any = HGCAL.layers
    found = np.empty(0, np.int64)
    while len(found) < hits:
        number = 2 * hits
        eta, phi = random.uniform(1.6, 2.9, (2, number)), random.uniform(-np.pi, np.pi, (2, number))
        shower = random.integers(0, showers, number)
        spread = random.random(number) < pile_up
        eta, phi = (np.where(spread, value[0], value[1][shower]) for value in (eta, phi))
        slope = np.stack([np.cos(phi), np.sin(phi)]) / np.sinh(eta)  # (2, hits)
        layer = np.where(
            spread, random.integers(0, len(layers), number), random.gamma(4.0, 3.0, number).astype(np.int64)
        )
        layer = np.minimum(layer, len(layers) - 1)
        radius, angle = random.exponential(18.0, number) * ~spread, random.uniform(0, 2 * np.pi, number)
        x, y = slope * layers.z[layer] + radius * np.stack([np.cos(angle), np.sin(angle)])
        cell = HGCAL.cell_in(layer, x, y, np.ones(number))
        found = np.unique(np.concatenate([found, cell[cell >= 0]]))
    return random.permutation(found)[:hits]


def collect(cells: list[np.ndarray], random: np.random.Generator) -> Collection:
    cell = np.concatenate(cells)
    x, y, z = HGCAL.position(cell).T
    columns = {"x": x, "y": y, "z": z, "layer": HGCAL.layer(cell), "energy": random.exponential(0.1, len(cell))}
    return Collection.from_counts(np.array([len(part) for part in cells]), columns)


def peers(k: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """Name -> function that returns the distances to the k nearest others, (n, k), sorted."""
    table: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "scipy cKDTree": lambda place: cKDTree(place).query(place, k + 1, workers=1)[0][:, 1:]
    }
    try:
        neighbors = require("sklearn.neighbors", "bench")
        table["scikit-learn NearestNeighbors"] = lambda place: (
            neighbors.NearestNeighbors(n_neighbors=k, n_jobs=1).fit(place).kneighbors()[0]
        )
    except MissingExtraError as error:
        print(f"without scikit-learn: {error}")
    try:
        faiss = require("faiss", "bench")
    except MissingExtraError as error:
        print(f"without FAISS: {error}")
        return table
    faiss.omp_set_num_threads(1)

    def flat(place: np.ndarray) -> np.ndarray:
        index = faiss.IndexFlatL2(3)
        index.add(place)
        return np.sqrt(np.maximum(index.search(place, k + 1)[0][:, 1:], 0))

    def inverted(place: np.ndarray) -> np.ndarray:
        lists = max(1, int(np.sqrt(len(place))))
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(3), 3, lists)
        index.nprobe, index.cp.min_points_per_centroid = min(8, lists), 1
        index.train(place)
        index.add(place)
        return np.sqrt(np.maximum(index.search(place, k + 1)[0][:, 1:], 0))

    return {**table, "FAISS IndexFlatL2": flat, "FAISS IndexIVFFlat": inverted}


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def agreement(distance: np.ndarray, truth: np.ndarray) -> str:
    """Say whether distances are the true ones: exactly, to single precision, or how many are."""
    gap = np.abs(distance - truth)
    if gap.max() < 1e-9 * (1 + truth.max()):
        return "exact"
    if gap.max() < 2e-2:
        return f"to {gap.max():.0e} mm"
    return f"{(distance <= truth[:, -1:] + 1e-2).mean():.1%} right"


def compare(title: str, points: Collection, k: int, repeat: int) -> list[str]:
    place = scaled(points, 0.5)  # (rows, 3)
    bounds = list(zip(points.offsets[:-1], points.offsets[1:], strict=True))
    double = [np.ascontiguousarray(place[a:b]) for a, b in bounds]
    single = [np.ascontiguousarray(part - part.mean(0), np.float32) for part in double]  # FAISS squares coordinates
    calls: dict[str, Callable[[], Any]] = {"hitforge": lambda: nearest(place, points, k)}
    for name, search in peers(k).items():
        parts = single if name.startswith("FAISS") else double
        calls[name] = lambda search=search, parts=parts: [search(part) for part in parts]
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    answers = {}
    for _ in range(repeat):  # side by side, so that a busy minute hits all of them
        for name, call in calls.items():
            if not seconds[name] or max(seconds[name]) < SLOW:
                took, answers[name] = timed(call)
                seconds[name].append(took)
    own = answers.pop("hitforge") + np.repeat(points.offsets[:-1], points.counts)[:, None]
    truth = np.concatenate(answers["scipy cKDTree"])
    checks = {"hitforge": agreement(np.sqrt(((place[own] - place[:, None]) ** 2).sum(2)), truth)}
    checks |= {name: agreement(np.concatenate(parts), truth) for name, parts in answers.items()}
    assert checks["hitforge"] == "exact", checks
    fastest = statistics.median(seconds["hitforge"])
    lines = []
    for name, values in seconds.items():
        median = statistics.median(values)
        lines.append(f"| {title} | {name} | {1e3 * median:,.2f} | {median / fastest:.1f} | {checks[name]} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    samples = {"64 x 200": collect([event(200, 1, 0.0, random) for _ in range(64)], random)}
    for hits in arguments.hits:
        samples[f"{hits:,}"] = collect([event(hits, max(1, hits // 1000), 0.5, random)], random)
    first = samples["64 x 200"].slice(0, 1)
    nearest(scaled(first, 0.5), first, arguments.k)  # compiles the kernels
    limits = require("threadpoolctl", "bench").threadpool_limits(1)
    with limits:
        print("| hits | method | time [ms] | over hitforge | neighbours |\n|---|---|---|---|---|")
        for title, points in samples.items():
            print("\n".join(compare(title, points, arguments.k, arguments.repeat)))
    print(f"\n| builder | {' | '.join(f'{title} hits [ms]' for title in samples)} |\n|{'---|' * (1 + len(samples))}")
    for name in GRAPHS.names():
        builder = GRAPHS.build(name, where="benchmark")
        builder.build(first)
        median = [
            statistics.median(timed(partial(builder.build, points))[0] for _ in range(arguments.repeat))
            for points in samples.values()
        ]
        print(f"| {name} | {' | '.join(f'{1e3 * value:,.2f}' for value in median)} |")


if __name__ == "__main__":
    main()
