"""Interpolation: hexagonal cells to square pixels, events a second, against dense images made with NumPy.

All methods take the same simulated electrons in the same detector, in one process and on one thread; CPU time counts,
since machines are shared. The alternatives are what a user would write with NumPy: a dense image of the endcap (or the
window round the shower) an event, into which cells are added by exact polygon clipping vectorised over all hits, or,
not exact, by 64 points a cell. Before timing, the exact methods are compared voxel by voxel.

    python benchmarks/interpolation.py --events 200
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.detectors import DETECTORS, LayeredDetector
from hitforge.events import Events
from hitforge.representations.region import find_regions
from hitforge.representations.volume.voxels import Voxels
from hitforge.simulation import SIMULATIONS

Array = NDArray[Any]


def overlap_of_box(outline: Array, low: Array, high: Array) -> Array:
    """Area of convex polygons (N, V, 2) inside boxes, low and high (N, 2): cut at each side, clamp, shoelace."""
    for axis in (0, 1):
        for bound, clamp in ((low, np.maximum), (high, np.minimum)):
            after = np.roll(outline, -1, axis=1)
            step = after[..., axis] - outline[..., axis]
            with np.errstate(divide="ignore", invalid="ignore"):
                t = (bound[:, None, axis] - outline[..., axis]) / step
            t = np.where((t > 0) & (t < 1), t, 0.0)[..., None]
            outline = np.stack([outline, outline + t * (after - outline)], 2).reshape(len(outline), -1, 2)
            outline[..., axis] = clamp(outline[..., axis], bound[:, None, axis])
    x, y = outline[..., 0], outline[..., 1]
    return 0.5 * np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1))


def clipped(outline: Array, layer: Array, energy: Array, shape: tuple[int, int, int]) -> Array:
    """Dense image of one event by exact clipping, every pixel of each cell's box."""
    image = np.zeros(shape, np.float32)
    first = np.floor(outline.min(1)).astype(int)
    extent = np.floor(outline.max(1)).astype(int) - first + 1
    x, y = outline[..., 0], outline[..., 1]
    area = 0.5 * np.abs((x * np.roll(y, -1, 1) - y * np.roll(x, -1, 1)).sum(1))
    for j, i in np.ndindex(*extent.max(0)):
        column, row = first[:, 0] + j, first[:, 1] + i
        mine = (extent > [j, i]).all(1) & (column >= 0) & (column < shape[2]) & (row >= 0) & (row < shape[1])
        if not mine.any():
            continue
        low = np.stack([column, row], 1)[mine].astype(float)
        share = overlap_of_box(outline[mine], low, low + 1) / area[mine]
        np.add.at(image, (layer[mine], row[mine], column[mine]), share * energy[mine])
    return image


def sampled(outline: Array, layer: Array, energy: Array, shape: tuple[int, int, int]) -> Array:
    """Dense image of one event by 64 points a cell, drawn in triangles between the middle and its sides."""
    image = np.zeros(shape, np.float32)
    random = np.random.default_rng(1)
    corner = random.integers(0, 6, 64)
    a, b = np.sort(random.random((2, 64)), axis=0)
    weights = np.zeros((64, 7))
    weights[:, 6], weights[np.arange(64), corner], weights[np.arange(64), (corner + 1) % 6] = a, b - a, 1 - b
    points = weights @ np.concatenate([outline, outline.mean(1, keepdims=True)], 1)  # (N, 64, 2)
    column, row = np.floor(points).astype(int).transpose(2, 0, 1)
    inside = (column >= 0) & (column < shape[2]) & (row >= 0) & (row < shape[1])
    layer, energy = np.repeat(layer, 64).reshape(-1, 64), np.repeat(energy / 64, 64).reshape(-1, 64)
    np.add.at(image, (layer[inside], row[inside], column[inside]), energy[inside])
    return image


def by_numpy(voxels: Voxels, detector: LayeredDetector, events: Events, method: Callable[..., Array]) -> list[Array]:
    """Dense images of all events, one after the other; only the last is kept, as in a loop over a file."""
    config, shape = voxels.config, voxels.shapes()["volume"][:3]
    regions, hits, last = find_regions(events, config.region, detector), events.hits, []
    for event in range(len(events)):
        rows = np.arange(hits.offsets[event], hits.offsets[event + 1])
        rows = rows[(hits["z"][rows] * regions.side[event] > 0) & (hits["layer"][rows] < shape[0])]
        middle = np.zeros((len(rows), 2))
        if config.frame == "region":
            down = np.abs(hits["z"][rows]).astype(float) - abs(regions.z[event])
            middle[:, 0] = regions.x[event] + regions.slope_x[event] * down
            middle[:, 1] = regions.y[event] + regions.slope_y[event] * down
            reach = 0.5 * config.pixel * np.array(shape[:0:-1]) + 30
            near = (np.abs(np.stack([hits["x"][rows], hits["y"][rows]], 1) - middle) < reach).all(1)
            rows, middle = rows[near], middle[near]
        outline = (detector.corners(hits["cell"][rows]) - middle[:, None]) / config.pixel
        outline += np.array(shape[:0:-1]) / 2
        last = [method(outline, hits["layer"][rows], hits["energy"][rows], shape)]
    return last


def seconds(call: Callable[[], Any], repeat: int) -> float:
    """Median CPU time of some runs on one thread, after one that is not counted."""
    call()
    times = []
    for _ in range(repeat):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    detector = DETECTORS.build("hgcal", where="benchmark")
    source = {"name": "shower_gun", "train": arguments.events, "validation": 0, "test": 0, "window": 200.0,
              "shard_size": arguments.events}  # fmt: skip
    events = SIMULATIONS.build(source, detector, where="benchmark").shard("train", 0)
    print(f"{len(events)} electrons of 5 to 300 GeV in hgcal, {events.hits.rows / len(events):.0f} hits each")
    print(f"{'frame':8}{'method':34}{'events/s':>10}{'ratio':>8}{'kB/event':>10}")
    for frame in ("endcap", "region"):
        compare(detector, events, frame, arguments.repeat)


def compare(detector: Any, events: Events, frame: str, repeat: int) -> None:
    values = {"frame": frame, "layers": 40 if frame == "endcap" else "all", "channels": ["energy"], "energy_scale": 1.0}
    voxels = Voxels(Voxels.Config.read(values, where="benchmark"), detector)
    some = events.take(np.arange(min(len(events), 20)))  # the slow ones
    prepared = voxels.prepare(events)
    size = min(16, len(events))
    exact = by_numpy(voxels, detector, some, clipped)[0]
    ours = voxels.batch(prepared, np.array([len(some) - 1]))["volume"][0, ..., 0]
    off = np.abs(exact - ours).max() / ours.max()
    if off > 1e-4:
        raise SystemExit(f"the methods must agree, but differ by {off:.1e} of the highest voxel")
    batches = [np.arange(i, i + size) for i in range(0, len(events) - size + 1, size)]

    def fill() -> None:
        for index in batches:
            voxels.batch(prepared, index)

    sparse = sum(column.nbytes for column in prepared.ragged.columns.values()) / len(events) / 1e3
    dense = ours.nbytes / 1e3
    prepare = seconds(lambda: voxels.prepare(events), repeat) / len(events)
    batch = seconds(fill, repeat) / (size * len(batches))
    clip = seconds(lambda: by_numpy(voxels, detector, some, clipped), 1) / len(some)
    points = seconds(lambda: by_numpy(voxels, detector, some, sampled), 1) / len(some)
    for name, took, memory in (
        ("hitforge, sparse (prepare)", prepare, sparse),
        (f"hitforge, dense (+ batch of {size})", prepare + batch, dense),
        ("hitforge, batch alone", batch, dense),
        ("NumPy, dense, exact clipping", clip, dense),
        ("NumPy, dense, 64 points a cell", points, dense),
    ):
        print(f"{frame:8}{name:34}{1 / took:10.1f}{clip / took:8.1f}{memory:10.1f}")


if __name__ == "__main__":
    main()
