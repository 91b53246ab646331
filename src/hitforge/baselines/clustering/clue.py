"""CLUE: clusters by density and by the nearest denser point (Rovere et al., Front. Big Data 3 (2020) 591315)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hitforge.baselines.clustering._tiles import by_group, checked_points, sort_into_tiles
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.kernels import njit

Kernel = Literal["flat", "gaussian"]
_NONE = -2


@dataclass(frozen=True)
class Clusters:
    """What CLUE says of N points.

    Attributes:
        density: (N,) float32, in units of the weights.
        distance: To the nearest denser point of the group, (N,) float32; infinite where there is none within reach.
        nearest: That point, (N,) int64; -1 where there is none.
        seed: True for the point that a cluster grows from, (N,) bool.
        label: Number of the cluster, in the order of their seeds, (N,) int64; -1 for outliers and what follows them.
    """

    density: Array
    distance: Array
    nearest: Array
    seed: Array
    label: Array

    @property
    def count(self) -> int:
        """Number of clusters."""
        return int(self.seed.sum())


def clue(
    x: Array,
    y: Array,
    weight: Array,
    dc: float,
    rhoc: float | Array,
    *,
    group: Array | None = None,
    depth: Array | None = None,
    reach: float = np.inf,
    seed_factor: float = 1.0,
    outlier_factor: float = 2.0,
    kernel: Kernel = "flat",
    share: float = 0.5,
) -> Clusters:
    """Cluster points.

    The density of a point is its weight plus ``share`` times the weights of the others within ``dc``. A point
    follows the nearest denser one. Where that is farther than ``seed_factor dc``, a point of density ``rhoc`` or more
    is a seed; where it is farther than ``outlier_factor dc``, a fainter one is an outlier. Denser points are looked for
    within the larger of these distances. What follows an outlier is one too. A limit itself counts as near.

    Ties. Of two points with the same density the later one, with the higher index, is the denser one. Of several
    denser points at the same distance the densest is followed. No order of the points but their index matters.

    Arithmetic. Coordinates and distances are float32, as in the reference programs: dx dx + dy dy (+ dz dz), rounded
    after each operation, compared by the rounded square root. Densities are summed in float64 and rounded to
    float32.

    Args:
        x: (N,) [mm].
        y: (N,) [mm].
        weight: Such as the energy, (N,).
        dc: Critical distance [mm].
        rhoc: Least density of a seed: one number, or one a point, (N,).
        group: Such as event and layer, from 0, (N,); points of different groups do not see each other.
        depth: Third coordinate, (N,) [mm]; none is 0 everywhere.
        reach: Points that lie farther apart in depth do not see each other [mm].
        seed_factor: See above.
        outlier_factor: See above.
        kernel: ``flat``, or ``gaussian``: a neighbour at distance d counts exp(-2 d^2 / dc^2).
        share: Part of the weights of others that counts: 0.5 in CMS, 1 in the reference outputs of the first program.

    Raises:
        ConfigError: A distance, factor or kernel is out of range.
        DataError: Lengths differ, or a number is not finite.
    """
    limits = {"dc": dc, "seed_factor": seed_factor, "outlier_factor": outlier_factor}
    for name, value in limits.items():
        if not (np.isfinite(value) and value > 0):
            raise ConfigError(f"'{name}' must be finite and above 0", came=value)
    if kernel not in ("flat", "gaussian") or not share >= 0 or not reach >= 0:
        raise ConfigError("kernel must be flat or gaussian, share and reach >= 0", came=f"{kernel}, {share}, {reach}")
    groups = checked_points(x, y, group, weight=weight, **({} if depth is None else {"depth": depth}))
    least = np.broadcast_to(np.asarray(rhoc, np.float32), (len(x),)) if np.ndim(rhoc) == 0 else np.asarray(rhoc)
    if least.shape != (len(x),) or np.isnan(least).any():
        raise DataError("the critical density must be one number, or one for each point", came=np.shape(rhoc))
    near, seed, outlier = (np.float32(dc * factor) for factor in (1.0, seed_factor, outlier_factor))
    limit = [_square(value) for value in (near, max(seed, outlier))]
    depths = np.zeros(len(x)) if depth is None else depth
    columns = [np.ascontiguousarray(values, np.float32) for values in (x, y, depths, weight)]
    density, distance, nearest = _measure(
        *columns, *by_group(groups), limit[0], limit[1], near, np.float32(reach), np.float32(max(seed, outlier)),
        kernel == "gaussian", float(share),
    )  # fmt: skip
    is_seed = (density >= least) & (distance > seed)
    label = _follow(is_seed, (density < least) & (distance > outlier), nearest)
    return Clusters(density, distance, nearest, is_seed, label)


def _square(limit: np.float32) -> np.float32:
    """The largest float32 whose rounded square root is not above ``limit``: no root is needed for each pair."""
    square = np.float32(limit * limit)
    up, down = np.float32(np.inf), np.float32(0)
    while np.sqrt(square) > limit:
        square = np.nextafter(square, down)
    while np.sqrt(np.nextafter(square, up)) <= limit:
        square = np.nextafter(square, up)
    return square


@njit(nogil=True, cache=True)
def _measure(x, y, z, weight, order, begin, near, far, dc, reach, radius, gaussian, share):  # type: ignore[no-untyped-def]
    """Density, distance to the nearest denser point and its index; ``near`` and ``far`` are squares."""
    number = len(x)
    density, distance = np.zeros(number, np.float32), np.full(number, np.inf, np.float32)
    nearest = np.full(number, -1, np.int64)
    tiles = np.empty(0, np.int64)
    for g in range(len(begin) - 1):
        first, last = begin[g], begin[g + 1]
        if first == last:
            continue
        edge, low_x, low_y, rows, columns, tiles = sort_into_tiles(x, y, order, first, last, dc, tiles)
        size = last - first
        own = order[first:last]
        sx, sy, sz, sw = x[own], y[own], z[own], weight[own]
        rho = np.empty(size, np.float32)
        for row in range(rows):
            for column in range(columns):
                low, high = max(column - 1, 0), min(column + 1, columns - 1)
                for i in range(tiles[row * columns + column], tiles[row * columns + column + 1]):
                    total = 0.0
                    for near_row in range(max(row - 1, 0), min(row + 2, rows)):
                        for j in range(tiles[near_row * columns + low], tiles[near_row * columns + high + 1]):
                            dx, dy, dz = sx[i] - sx[j], sy[i] - sy[j], sz[i] - sz[j]
                            square = dx * dx + dy * dy + dz * dz
                            if square <= near and abs(dz) <= reach:
                                if gaussian:
                                    total += sw[j] * np.exp(-2.0 * np.float64(square) / np.float64(near))
                                else:
                                    total += sw[j]
                    rho[i] = sw[i] + share * (total - sw[i])
        steps = np.int64(np.ceil(radius * 1.000001 / edge))
        for row in range(rows):
            for column in range(columns):
                for i in range(tiles[row * columns + column], tiles[row * columns + column + 1]):
                    best, found = np.float32(np.inf), -1
                    done = -1
                    for step in range(1, steps + 1):  # the tiles about first, which mostly are enough
                        if step > 1 and found >= 0:
                            # how far the tiles that were looked at reach at least, less what float32 may round off
                            at_x, at_y = sx[i] - low_x - column * edge, sy[i] - low_y - row * edge  # in its own tile
                            inside = done * edge + min(min(at_x, edge - at_x), min(at_y, edge - at_y))
                            if inside > 0 and best < inside * inside * 0.999:
                                break
                        for near_row in range(max(row - step, 0), min(row + step + 1, rows)):
                            ring = abs(near_row - row) > done  # a row that was not looked at, else its two ends
                            for part in range(1 if ring else 2):
                                low = max(column - step, 0)
                                high = min(column + step, columns - 1)
                                if not ring:
                                    if part == 0:
                                        high = column - done - 1
                                    else:
                                        low = column + done + 1
                                    if low > high or high < 0 or low >= columns:
                                        continue
                                for j in range(tiles[near_row * columns + low], tiles[near_row * columns + high + 1]):
                                    if rho[j] < rho[i] or (rho[j] == rho[i] and own[j] <= own[i]):
                                        continue
                                    dx, dy, dz = sx[i] - sx[j], sy[i] - sy[j], sz[i] - sz[j]
                                    square = dx * dx + dy * dy + dz * dz
                                    if square > far or square > best or abs(dz) > reach:
                                        continue
                                    if (
                                        found < 0
                                        or square < best
                                        or rho[j] > rho[found]
                                        or (rho[j] == rho[found] and own[j] > own[found])
                                    ):
                                        best, found = square, j
                        done = step
                    if found >= 0:
                        distance[own[i]], nearest[own[i]] = np.sqrt(best), own[found]
        for i in range(size):
            density[own[i]] = rho[i]
    return density, distance, nearest


@njit(nogil=True, cache=True)
def _follow(seed, outlier, nearest):  # type: ignore[no-untyped-def]
    """Number the seeds and hand their numbers down to what follows them; -1 from outliers."""
    number = len(seed)
    label = np.full(number, _NONE, np.int64)
    count = 0
    for i in range(number):
        if seed[i]:
            label[i] = count
            count += 1
        elif outlier[i]:
            label[i] = -1
    for i in range(number):
        end = i
        while label[end] == _NONE:  # ends: what has no denser point is a seed or an outlier
            end = nearest[end]
        value, walk = label[end], i
        while label[walk] == _NONE:
            label[walk] = value
            walk = nearest[walk]
    return label
