"""Cell lookup: hits a second from place to cell, by arithmetic on the lattice, against a k-d tree of cell centres.

Both sides answer for the same points of one layer and must name the same cells. SciPy's tree is built beforehand on
the centres of all cells of that layer and side, and that time is shown apart; the lattice needs no preparation. Both
run on one thread; seconds are those of the processor, which a busy machine does not lengthen much.

    python benchmarks/cell_lookup.py --hits 1000000
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hitforge.core.random import stream
from hitforge.detectors.hgcal import HGCAL
from hitforge.detectors.ild_ecal import ILDEcal

Array = NDArray[Any]


def all_cells(detector: Any, layer: int, half_width: float) -> Array:
    """Every cell of a layer for z > 0: a raster finer than the smallest cell sees them all."""
    axis = np.arange(-half_width, half_width, 2.0)
    found = [
        np.unique(detector.cell_in(np.full(len(axis), layer), axis, np.full(len(axis), y), np.ones(len(axis))))
        for y in axis
    ]
    cell = np.unique(np.concatenate(found))
    return cell[cell >= 0]


def rates(repeat: int, hits: int, peers: dict[str, Callable[[], Array]]) -> dict[str, list[float]]:
    """Hits a second of each peer, side by side, so that a busy minute hits all of them."""
    measured: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(repeat):
        for name, peer in peers.items():
            start = time.process_time()
            peer()
            measured[name].append(hits / (time.process_time() - start))
    return measured


def compare(title: str, detector: Any, layer: int, half_width: float, hits: int, repeat: int) -> None:
    cell = all_cells(detector, layer, half_width)
    random = stream(1, "cell_lookup", title)
    truth = random.choice(cell, hits)
    place = detector.position(truth)[:, :2] + random.uniform(-1.5, 1.5, (hits, 2))  # near enough to stay in the cell
    x, y = np.ascontiguousarray(place.T)
    layers, side = np.full(hits, layer), np.ones(hits)
    start = time.process_time()
    tree = cKDTree(detector.position(cell)[:, :2])
    built = time.process_time() - start
    peers: dict[str, Callable[[], Array]] = {
        "hitforge, cell_in": lambda: detector.cell_in(layers, x, y, side),
        "scipy cKDTree.query, one worker": lambda: cell[tree.query(place)[1]],
    }
    for name, peer in peers.items():  # compiles the kernel, and shows that they agree
        wrong = np.mean(peer() != truth)
        assert wrong < 1e-3, f"{name}: {wrong:.2%} of the hits in another cell"
    median = {name: statistics.median(values) for name, values in rates(repeat, hits, peers).items()}
    slowest = min(median.values())
    print(f"\n{title}: {len(cell):,} cells, tree built in {built:.2f} s")
    for name, rate in median.items():
        print(f"  {name:44}{rate / 1e6:10.2f} M hits/s{rate / slowest:10.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    hgcal = HGCAL(HGCAL.Config())
    cases: list[tuple[str, Any, int, float]] = [
        ("hgcal, layer 5 (fine and coarse silicon)", hgcal, 5, 1600.0),
        ("hgcal, layer 40 (silicon and tiles)", hgcal, 40, 2600.0),
        ("ild_ecal, layer 5", ILDEcal(ILDEcal.Config()), 5, 1000.0),
    ]
    print(f"{arguments.hits:,} hits, median of {arguments.repeat}; last column: over the slowest")
    for title, detector, layer, half_width in cases:
        compare(title, detector, layer, half_width, arguments.hits, arguments.repeat)


if __name__ == "__main__":
    main()
