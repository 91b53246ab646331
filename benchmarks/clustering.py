"""Clustering of hits: CLUE against scikit-learn's DBSCAN, and CLUEstering where it is installed, in one process.

Hits lie on the cells of the detector ``hgcal``, half from showers of some thousand hits, half spread like pile-up, flat
in pseudorapidity; beyond 100,000 hits there are several such events. Everybody clusters the hits of each layer and
event, within the same distance of 13 mm, on one thread: hitforge in one call, in which events and layers are groups;
scikit-learn in one call too, events and layers being set far apart along a third coordinate, and layer after layer,
of which the faster counts; CLUEstering layer after layer, since it has no groups. Sorting into tiles and building of
trees count. DBSCAN asks for 4 hits. Our DBSCAN is checked against scikit-learn's, label by label. Times are processor
time of the process.

    OMP_NUM_THREADS=1 python benchmarks/clustering.py --repeat 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hitforge.baselines.clustering import clue, dbscan
from hitforge.core.errors import MissingExtraError, require
from hitforge.detectors import DETECTORS

HGCAL: Any = DETECTORS.build("hgcal", where="benchmark")
DISTANCE, LEAST = 13.0, 4  # [mm], hits
EVENT = 100_000  # hits of an event, at most
SLOW = 5.0  # [s]; what takes longer is run once
MOST = 100_000  # hits that are given to slow methods without --slow


def event(hits: int, random: np.random.Generator) -> np.ndarray:
    """Cells of one event, (hits,) int64."""
    showers, found = max(1, hits // 3000), np.empty(0, np.int64)
    while len(found) < hits:
        number = 2 * hits
        eta, phi = random.uniform(1.6, 2.9, (2, number)), random.uniform(-np.pi, np.pi, (2, number))
        shower, side = random.integers(0, showers, number), random.choice([-1.0, 1.0], number)
        spread = random.random(number) < 0.5
        eta, phi = (np.where(spread, value[0], value[1][shower]) for value in (eta, phi))
        side = np.where(spread, side, side[shower])
        slope = np.stack([np.cos(phi), np.sin(phi)]) / np.sinh(eta)  # (2, hits)
        depth = np.where(spread, random.integers(0, len(HGCAL.layers), number), random.gamma(4.0, 3.0, number))
        layer = np.minimum(depth.astype(np.int64), len(HGCAL.layers) - 1)
        radius, angle = random.exponential(18.0, number) * ~spread, random.uniform(0, 2 * np.pi, number)
        x, y = slope * HGCAL.layers.z[layer] + radius * np.stack([np.cos(angle), np.sin(angle)])
        cell = HGCAL.cell_in(layer, x, y, side)
        found = np.unique(np.concatenate([found, cell[cell >= 0]]))
    return random.permutation(found)[:hits]


def sample(hits: int, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Places x and y [mm], energies in MIP and groups (event, side, layer) of hits, each (hits,)."""
    parts = []
    for number in range(max(1, hits // EVENT)):
        cell = event(min(hits, EVENT), random)
        x, y, z = HGCAL.position(cell).T
        group = (2 * number + (z > 0)) * len(HGCAL.layers) + HGCAL.layer(cell)
        parts.append((x, y, 1.0 + random.exponential(4.0, len(cell)), group))
    return tuple(np.concatenate(values) for values in zip(*parts, strict=True))


def by_layer(group: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)


def peers(x: np.ndarray, y: np.ndarray, weight: np.ndarray, group: np.ndarray) -> dict[str, Callable[[], Any]]:
    """Name -> function that clusters; those of DBSCAN return labels, (hits,)."""
    place, rows = np.column_stack([x, y, 100.0 * DISTANCE * group]), by_layer(group)
    flat = [np.ascontiguousarray(place[part, :2]) for part in rows]
    table: dict[str, Callable[[], Any]] = {
        "hitforge DBSCAN": lambda: dbscan(x, y, DISTANCE, LEAST, group=group),
    }
    try:
        cluster = require("sklearn.cluster", "bench")
        scan = cluster.DBSCAN(eps=DISTANCE, min_samples=LEAST, n_jobs=1)
        table["scikit-learn DBSCAN, one call"] = lambda: scan.fit(place).labels_
        table["scikit-learn DBSCAN, by layer"] = lambda: [scan.fit(part).labels_ for part in flat]
    except MissingExtraError as error:
        print(f"without scikit-learn: {error}")
    try:
        library = require("CLUEstering")
        frames = require("pandas")
    except MissingExtraError:
        print("without CLUEstering: it is not installed")
        return table
    tables = [frames.DataFrame({"x0": x[p], "x1": y[p], "weight": weight[p]}) for p in rows]

    def other() -> None:
        for frame in tables:
            clusterer = library.clusterer(DISTANCE, 3.0, 2 * DISTANCE)
            clusterer.read_data(frame)
            clusterer.run_clue(backend="cpu serial")

    return {**table, "CLUEstering, by layer": other}


def same_clusters(first: np.ndarray, second: np.ndarray) -> bool:
    """Say whether two labellings differ by the clusters' numbers alone."""
    pairs = len(np.unique(np.stack([first, second]), axis=1).T)
    return pairs == len(np.unique(first)) == len(np.unique(second)) and bool(((first < 0) == (second < 0)).all())


def timed(call: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    result = call()
    return time.process_time() - start, result


def compare(hits: int, repeat: int, slow: bool, random: np.random.Generator) -> list[str]:
    x, y, weight, group = sample(hits, random)
    calls: dict[str, Callable[[], Any]] = {"hitforge CLUE": lambda: clue(x, y, weight, DISTANCE, 3.0, group=group)}
    others = peers(x, y, weight, group)
    calls |= {name: call for name, call in others.items() if name.startswith("hitforge") or slow or hits <= MOST}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    answers = {}
    for _ in range(repeat):  # side by side, so that a busy minute hits all of them
        for name, call in calls.items():
            if not seconds[name] or max(seconds[name]) < SLOW:
                took, answers[name] = timed(call)
                seconds[name].append(took)
    if "scikit-learn DBSCAN, one call" in answers:
        assert same_clusters(answers["hitforge DBSCAN"], answers["scikit-learn DBSCAN, one call"])
    fastest = statistics.median(seconds["hitforge CLUE"])
    lines = []
    for name, values in seconds.items():
        median = statistics.median(values)
        clusters = f"{answers[name].count:,}" if name == "hitforge CLUE" else ""
        if isinstance(answers[name], np.ndarray):
            clusters = f"{answers[name].max() + 1:,}"
        lines.append(f"| {hits:,} | {name} | {1e3 * median:,.1f} | {median / fastest:.1f} | {clusters} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--slow", action="store_true", help="give a million hits to the others, too")
    arguments = parser.parse_args()
    random = np.random.default_rng(1)
    x, y, weight, group = sample(1000, random)
    clue(x, y, weight, DISTANCE, 3.0, group=group)  # compiles the kernels
    dbscan(x, y, DISTANCE, LEAST, group=group)
    try:
        require("threadpoolctl", "bench").threadpool_limits(1)
    except MissingExtraError as error:
        print(f"threads are not limited: {error}")
    print("| hits | method | time [ms] | over CLUE | clusters |\n|---|---|---|---|---|")
    for hits in arguments.hits:
        print("\n".join(compare(hits, arguments.repeat, arguments.slow, random)), flush=True)


if __name__ == "__main__":
    main()
