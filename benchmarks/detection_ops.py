"""Suppression of boxes and features of regions against their brute-force forms: seconds, and ratios to ours.

Suppression: the greedy rule box by box, each best box against all that are left, vectorised over these (``rows``), and
with all pairs in pure Python (``pairs``, small numbers alone). Features of regions: one interpolated point at a time
from its 2^D neighbours, with gathers over all points (``gather``), and ``grid_sample`` of PyTorch over the same points.
Everybody takes turns in one process; times are medians of processor time on one thread. Before timing, all ways are
compared: the same rows, the same features.

    OMP_NUM_THREADS=1 python benchmarks/detection_ops.py --repeat 5
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from hitforge.models.layers.torch_boxes import align, box_overlaps, suppress

LIMIT, PAIRS = 0.5, 1_000


def by_rows(boxes: Tensor, scores: Tensor) -> list[int]:
    """The best box, then all that are left without those on it, and again."""
    left, kept = scores.argsort(descending=True, stable=True), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[box_overlaps(boxes[best][None], boxes[left])[0] <= LIMIT]
    return kept


def by_pairs(boxes: Tensor, scores: Tensor) -> list[int]:
    """The same, number by number."""
    rows, kept = boxes.tolist(), []
    d = len(rows[0]) // 2
    order = scores.argsort(descending=True, stable=True).tolist()
    for i in order:
        for j in kept:
            shared = own = other = 1.0
            for k in range(d):
                shared *= max(0.0, min(rows[i][d + k], rows[j][d + k]) - max(rows[i][k], rows[j][k]))
                own, other = own * (rows[i][d + k] - rows[i][k]), other * (rows[j][d + k] - rows[j][k])
            if shared / (own + other - shared) > LIMIT:
                break
        else:
            kept.append(i)
    return kept


def ours(boxes: Tensor, scores: Tensor) -> list[int]:
    """The library's."""
    rows, real = suppress(boxes[None], scores[None], LIMIT, len(scores))
    return rows[real].tolist()  # type: ignore[no-any-return]


def points(boxes: Tensor, bins: int, samples: int) -> Tensor:
    """Points of each region, (R, (bins samples)^D, D), in cells from the first centre on."""
    low, high = boxes.chunk(2, dim=1)
    step = (torch.arange(bins * samples) + 0.5) / (bins * samples)
    axes = low[:, :, None] + (high - low)[:, :, None] * step - 0.5  # (R, D, points)
    grids = [torch.stack(torch.meshgrid(*axis, indexing="ij"), -1).flatten(0, -2) for axis in axes]
    return torch.stack(grids)


def averaged(values: Tensor, dimensions: int, bins: int, samples: int) -> Tensor:
    """Means of the points in each bin, (C, R, points) to (R, C, bins, ...)."""
    values = values.view(*values.shape[:2], *[bins, samples] * dimensions)
    return values.mean([3 + 2 * k for k in range(dimensions)]).transpose(0, 1)


def by_gather(maps: Tensor, boxes: Tensor, bins: int, samples: int) -> Tensor:
    """Each point from its neighbours; maps (C, *S), boxes (R, 2 D)."""
    shape, flat = maps.shape[1:], maps.flatten(1)
    at = points(boxes, bins, samples)
    at = torch.minimum(at.clamp(min=0), torch.tensor(shape) - 1.0)  # (R, P, D)
    total: Any = 0.0
    for corner in itertools.product((0, 1), repeat=len(shape)):
        weight, index = 1.0, 0
        for k, side in enumerate(corner):
            floor = at[..., k].floor()
            share = at[..., k] - floor
            weight = weight * (share if side else 1 - share)
            index = index * shape[k] + (floor.long() + side).clamp(max=shape[k] - 1)
        total = total + flat[:, index] * weight
    return averaged(total, len(shape), bins, samples)


def by_grid_sample(maps: Tensor, boxes: Tensor, bins: int, samples: int) -> Tensor:
    """Each point by PyTorch."""
    shape = torch.tensor(maps.shape[1:])
    grid = ((points(boxes, bins, samples) + 0.5) / shape * 2 - 1).flip(-1)  # (R, P, D)
    grid = grid[None] if len(shape) == 2 else grid[None, None]
    found = functional.grid_sample(maps[None], grid, padding_mode="border", align_corners=False)[0]
    return averaged(found.view(len(maps), len(boxes), -1), len(shape), bins, samples)


def ours_align(maps: Tensor, boxes: Tensor, bins: int, samples: int) -> Tensor:
    """The library's."""
    return align(maps[None], boxes[None], bins, samples)[0]


def clustered(count: int, dimensions: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Boxes about 20 places, as proposals are, with scores."""
    places = torch.rand(20, dimensions, generator=random) * 40
    middle = places[torch.randint(20, (count,), generator=random)] + torch.randn(count, dimensions, generator=random)
    half = 1.5 + 3 * torch.rand(count, dimensions, generator=random)
    return torch.cat([middle - half, middle + half], dim=1), torch.rand(count, generator=random)


def turns(calls: dict[str, Callable[[], object]], repeat: int) -> dict[str, float]:
    """Median processor time of each call [s], after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for i in range(repeat + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            if i:
                times[name].append(time.process_time() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def table(title: str, times: dict[str, float]) -> None:
    """Show a table, the first line being ours."""
    first = next(iter(times.values()))
    print(title)
    for name, seconds in times.items():
        print(f"  {name:<12} {1e3 * seconds:10.2f} ms {seconds / first:9.1f}")


def both_ways(call: Callable[..., Tensor], maps: Tensor, *arguments: Any) -> Tensor:
    """Forward and backward; the gradient of the maps."""
    maps = maps.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(call(maps, *arguments).square().sum(), maps)
    return gradient


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--boxes", type=int, nargs="+", default=[1_000, 10_000])
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(0)
    for count in options.boxes:
        given = clustered(count, 3, random)
        ways = {"ours": ours, "rows": by_rows} | ({"pairs": by_pairs} if count <= PAIRS else {})
        answers = [way(*given) for way in ways.values()]
        assert all(answer == answers[0] for answer in answers)
        times = turns({name: partial(way, *given) for name, way in ways.items()}, options.repeat)
        table(f"suppression of {count} boxes in 3D, {len(answers[0])} kept", times)
    aligns = {"ours": ours_align, "gather": by_gather, "grid_sample": by_grid_sample}
    for shape, bins in (((50, 40), 8), ((25, 40, 40), 8)):
        maps = torch.randn(32, *shape, generator=random)
        low = torch.rand(32, len(shape), generator=random) * torch.tensor(shape) * 0.6
        boxes = torch.cat([low, low + torch.tensor(shape) * 0.3], dim=1)
        with torch.no_grad():
            found = [way(maps, boxes, bins, 2) for way in aligns.values()]
        for other in found[1:]:
            torch.testing.assert_close(other, found[0], rtol=1e-3, atol=1e-4)
        calls = {name: partial(both_ways, way, maps, boxes, bins, 2) for name, way in aligns.items()}
        times = turns(calls, options.repeat)
        table(f"features of 32 regions with {bins} bins along each of {len(shape)} axes, and their gradient", times)


if __name__ == "__main__":
    main()
