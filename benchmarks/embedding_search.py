"""Neighbours in an embedding: seconds for radius and number limited search, against scikit-learn and FAISS.

Points are those of a trained metric learning as its loss wants them: the hits of a track lie within ``--spread`` of
each other, tracks on a surface of four dimensions in a unit sphere of 8 or 12. Each asks for the ``--most`` nearest
within ``--radius``, in one process on one thread; building the index counts. scikit-learn's tree is asked for the
nearest of all and the radius is applied afterwards. FAISS compares everything with everything (IndexFlatL2), and
FAISS HNSW is approximate: the share of the neighbours that it finds is given. Answers of the others must be ours but
for rounding.

    OMP_NUM_THREADS=1 python benchmarks/embedding_search.py
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from hitforge.core.errors import MissingExtraError, require
from hitforge.representations.graph.edges._search import within

HITS_ON_TRACK = 10


def embedded(hits: int, width: int, spread: float, random: np.random.Generator) -> Any:
    """Points on a unit sphere, (hits, width) float32: groups of ten about a surface of four dimensions."""
    tracks = random.normal(size=(hits // HITS_ON_TRACK, 4)) @ random.normal(size=(4, width))
    tracks /= np.linalg.norm(tracks, axis=1, keepdims=True)
    points = np.repeat(tracks, HITS_ON_TRACK, axis=0) + random.normal(
        0, spread / np.sqrt(width), (len(tracks) * 10, width)
    )
    return random.permutation(points.astype(np.float32))


def timed(work: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Shortest of several times [s], and the answer."""
    best, answer = np.inf, None
    for _ in range(repeat):
        start = time.perf_counter()
        answer = work()
        best = min(best, time.perf_counter() - start)
    return best, answer


def agreement(ours: Any, other: Any) -> float:
    """Share of our neighbours that the other found, too."""
    both = sum(len(np.intersect1d(a[a >= 0], b[b >= 0])) for a, b in zip(ours[:2000], other[:2000], strict=True))
    return float(both / max((ours[:2000] >= 0).sum(), 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, nargs="+", default=[50_000, 125_000])
    parser.add_argument("--width", type=int, nargs="+", default=[8, 12])
    parser.add_argument("--radius", type=float, default=0.15)
    parser.add_argument("--spread", type=float, default=0.05)
    parser.add_argument("--most", type=int, default=50)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--slow", action="store_true", help="also FAISS flat, which takes minutes")
    options = parser.parse_args()
    random, most = np.random.default_rng(1), options.most
    within(embedded(500, 8, 0.05, random), np.arange(500), 0.1, 5)  # compile
    print(f"{'hits':>8} {'D':>3} {'found':>6}  {'':24} {'seconds':>8} {'agreement':>10}")
    for hits in options.hits:
        for width in options.width:
            points = embedded(hits, width, options.spread, random)
            own = np.arange(hits)  # each a group of its own: all others are asked for
            seconds, ours = timed(lambda p=points, g=own: within(p, g, options.radius, most), options.repeat)
            start = f"{hits:8} {width:3} {(ours >= 0).sum() / hits:6.1f}"
            print(f"{start}  {'hitforge':24} {seconds:8.2f} {1:10.4f}", flush=True)
            for name, work in others(points, most, options.radius, options.slow).items():
                seconds, found = timed(work, 1)
                print(f"{start}  {name:24} {seconds:8.2f} {agreement(ours, found):10.4f}", flush=True)


def others(points: Any, most: int, radius: float, slow: bool) -> dict[str, Callable[[], Any]]:
    """The other libraries that are installed: name -> search, which returns (N, most), -1 beyond the radius."""
    found: dict[str, Callable[[], Any]] = {}
    try:
        tree = require("sklearn.neighbors").KDTree
        found["scikit-learn KDTree"] = lambda: cut(*tree(points, leaf_size=40).query(points, most + 1), radius)
    except MissingExtraError:
        pass
    try:
        faiss = require("faiss")
    except MissingExtraError:
        return found
    faiss.omp_set_num_threads(1)

    def ask(index: Any) -> Any:
        index.add(points)
        square, near = index.search(points, most + 1)
        return cut(np.sqrt(np.maximum(square, 0)), near, radius)

    if slow:
        found["FAISS flat"] = lambda: ask(faiss.IndexFlatL2(points.shape[1]))
    found["FAISS HNSW (approximate)"] = lambda: ask(faiss.IndexHNSWFlat(points.shape[1], 16))
    return found


def cut(distance: Any, near: Any, radius: float) -> Any:
    """Neighbours without the point itself, -1 beyond the radius."""
    return np.where((distance <= radius) & (near != np.arange(len(near))[:, None]), near, -1)


if __name__ == "__main__":
    main()
