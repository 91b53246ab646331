"""High-granularity calorimeter of both CMS endcaps."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import LayeredDetector, Layers, _hexagons
from hitforge.detectors.stack import Stretch, build_layers

_FRONT = 3210.5  # where the first absorber begins [mm]
EM, SILICON, MIXED = 28, 8, 14  # layers of the three sections
TILES_AHEAD = 2.0  # the tiles of a mixed layer stand this far before its silicon [mm]
BEHIND = 10.0  # the detector counts until here behind the last plane [mm]


def _planes() -> Array:
    """abs(z) of the silicon planes, (50,) [mm]: pairs 9.44 apart every 29.7, then one every 54.5, then every 85.5."""
    pairs = 3221.03 + 29.70 * np.arange(EM // 2)[:, None] + [0.0, 9.44]
    thin = 3676.99 + 54.5 * np.arange(SILICON + 4)
    return np.concatenate([pairs.ravel(), thin, thin[-1] + 85.5 * np.arange(1, MIXED - 3)])


def _stretches() -> list[Stretch]:
    """Material before each plane, as in the public CMS description of this 50-layer detector (CMS-TDR-019 and after).

    A pair of layers of the electromagnetic section stands on both faces of a copper plate with tungsten-copper base
    plates (75 % tungsten by mass: 1.69 mm of tungsten and 1.21 mm of copper in 2.9 mm); between pairs stand boards and
    4.25 mm of lead clad in steel. In the hadronic section 35 or 66 mm of steel come before a copper plate each.
    Kapton stands for glue, too.
    """
    inside = {"silicon": 0.31, "kapton": 0.135, "tungsten": 1.69, "copper": 6.1 + 1.21}
    between = {"silicon": 0.31, "kapton": 0.975, "fr4": 7.22, "copper": 0.2, "steel": 0.6, "lead": 4.25}
    first = {"silicon": 0.155, "kapton": 0.588, "fr4": 3.61, "copper": 0.1, "steel": 0.6, "lead": 2.125}
    turn = {"silicon": 0.31, "kapton": 0.488, "fr4": 7.22, "copper": 2.1, "steel": 40.0}
    cassette = {"silicon": 0.31, "kapton": 0.33, "fr4": 4.71, "copper": 7.2}
    return [
        *[first, inside, *[between, inside] * (EM // 2 - 1)],
        *[turn, *[{**cassette, "steel": 35.0}] * (SILICON + 3), *[{**cassette, "steel": 66.0}] * (MIXED - 4)],
    ]


def _tables() -> tuple[Array, Array, Array, Array, Array]:
    """What each layer holds, read off real hits: see ``_hexagons.cell_in``."""
    z = _planes()
    fine = [39] * 26 + [38] * 2 + [27] * 3 + [26, 25] + [19] * 2 + [15] * 3 + [9] * 2 + [-1] * 10
    inner = np.where(np.arange(50) < 26, 288.0, np.where(np.arange(50) < 28, 336.0, 0.0816 * z))
    inner[40:] = 414.0  # from there on coarse wafers alone
    outer = 1534.0 + 0.348 * (z - z[0])
    outer[28:36] = [1768, 1785, 1803, 1828, 1840, 1875, 1953, 2023]
    begin = np.array([17] * 4 + [12] * 2 + [6] * 4 + [0] * 4)
    beyond = np.array([7.0] * 4 + [5.0] * 2 + [3.0] * 4 + [1.5] * 4)  # never to the middle of a tile
    outer[36:] = _hexagons.RINGS_BEGIN * _hexagons.RATIO**begin + beyond
    first = np.concatenate([np.ones(36), begin]).astype(np.int64)
    last = np.concatenate([np.zeros(36), [28, 29, 31, 32, 34, 36], [38] * 8]).astype(np.int64)
    return np.array(fine, np.int64), inner, outer, first, last


class HGCAL(LayeredDetector):
    """Fifty layers on each side: 28 electromagnetic and 8 hadronic of silicon, 14 of silicon with scintillator around.

    Hexagonal wafers 168.44 mm apart hold 432 cells (pitch 8.056 mm) near the beam and 192 (12.084 mm) farther out,
    wholly or in part; from layer 36 (counted from 0) on, tiles of 1.25 degrees and a ring ratio of 1.023 take over at
    1.5 m and, deeper, at 1.0 m. Some 6 million cells, and no table of them: a cell's number carries its place, in bits
    from the top: side (1 for z < 0), layer (6), kind (2: fine, coarse, tile), then wafer u and v, counted from -16, and
    cell u and v (5 each), or ring and sector (10 each). Where silicon ends and tiles begin, silicon cells keep their
    shape and the first ring gives way, though its outlines there reach below silicon by up to 17 mm. Neighbours are
    cells with a common edge, over the gap between wafers of either kind, too; not silicon and tile.

    Sections: 0 electromagnetic, 1 hadronic silicon, 2 mixed. One active thickness everywhere: neither the thinner
    sensors near the beam nor the light of tiles are told apart; a tile's energy counts as that of silicon.
    """

    class Config(config.Config):
        """What is built of it."""

        endcaps: Literal["both", "positive", "negative"] = Field("both", description="sides in z that have cells")
        dead_gaps: bool = Field(
            True, description="1 mm between the sensors of two wafers has no cell; else the cells beside share it"
        )
        active_thickness: float = Field(0.3, ge=0.05, le=0.3, description="of the silicon that is read out [mm]")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._tables = _tables()
        self._width = _hexagons.SENSOR if config.dead_gaps else _hexagons.WAFER

    @cached_property
    def layers(self) -> Layers:
        """The stack."""
        section = np.repeat([0, 1, 2], [EM, SILICON, MIXED])
        return build_layers(_stretches(), _planes(), _FRONT, section, "silicon", self.config.active_thickness)

    @property
    def front(self) -> float:
        """The abs(z) where material begins [mm]."""
        return _FRONT

    @property
    def sides(self) -> tuple[int, ...]:
        """Signs of z that have cells."""
        return {"both": (-1, 1), "positive": (1,), "negative": (-1,)}[self.config.endcaps]

    @property
    def plane(self) -> float:
        """The abs(z) where pointing coordinates are counted, next to the first layer [mm]."""
        return 3221.0

    @property
    def noise_cuts(self) -> tuple[float, ...]:
        """One minimum ionising particle in the section's layers with most material [GeV]."""
        return (0.012, 0.045, 0.075)

    def _exists(self, side: Array) -> Array:
        """Which sides (their sign counts) are built."""
        side_sign = {"both": 0, "positive": 1, "negative": -1}[self.config.endcaps]
        return np.sign(side) != -side_sign if side_sign else np.ones(np.shape(side), bool)

    def is_cell(self, cell: Array) -> Array:
        """Return which numbers are cells of this detector, (N,) int64 -> (N,) bool."""
        cell = np.ascontiguousarray(cell, np.int64)
        there: Array = _hexagons.are_cells(cell, self._tables, self._width)
        return there & self._exists(self.side(cell))

    def layer(self, cell: Array) -> Array:
        """Return the layer of each cell, (N,) int64, from 0."""
        return (np.asarray(cell, np.int64) >> 22) & 63

    def side(self, cell: Array) -> Array:
        """Return the sign of z of each cell, (N,) int64."""
        return 1 - 2 * ((np.asarray(cell, np.int64) >> 28) & 1)

    def kind(self, cell: Array) -> Array:
        """Return the kind of each cell, (N,) int64: 0 fine, 1 coarse silicon, 2 scintillator tile."""
        return (np.asarray(cell, np.int64) >> 20) & 3

    def indices(self, cell: Array) -> Array:
        """Return wafer u, v and cell u, v, (N,) -> (N, 4) int64; of a tile: ring, sector, 0, 0."""
        cell = np.asarray(cell, np.int64)
        silicon = [(cell >> 15 & 31) - 16, (cell >> 10 & 31) - 16, cell >> 5 & 31, cell & 31]
        tile = [cell >> 10 & 1023, cell & 1023, 0 * cell, 0 * cell]
        return np.where((self.kind(cell) == _hexagons.TILE)[..., None], np.stack(tile, -1), np.stack(silicon, -1))

    def position(self, cell: Array) -> Array:
        """Return the centre of each cell, (N,) -> (N, 3) float64 [mm]; NaN for numbers below 0."""
        cell = np.ascontiguousarray(cell, np.int64)
        z = self.layers.z[np.minimum(self.layer(cell), len(self.layers) - 1)]
        z = self.side(cell) * np.where(self.kind(cell) == _hexagons.TILE, z - TILES_AHEAD, z)
        place: Array = np.column_stack([_hexagons.centres(cell), z])  # (N, 3)
        place[cell < 0] = np.nan
        return place

    def cell_in(self, layer: Array, x: Array, y: Array, side: Array) -> Array:
        """Return the cell of a layer below a point, four (N,) arrays -> (N,) int64, -1 beside the layer and in gaps.

        Args:
            layer: From 0.
            x: [mm].
            y: [mm].
            side: +1 or -1, the sign of z.
        """
        if self.config.endcaps != "both":
            side = np.where(self._exists(side), side, 0)
        layer, x, y, side = np.broadcast_arrays(np.asarray(layer, np.int64), x, y, side)
        x, y, side = (np.ascontiguousarray(values, np.float64) for values in (x, y, side))
        cell: Array = _hexagons.cell_in(np.ascontiguousarray(layer), x, y, side, self._tables, self._width)
        return cell

    def cell_at(self, position: Array) -> Array:
        """Return the cell of the nearest plane, seen along z, (N, 3) [mm] -> (N,) int64, -1 outside the detector.

        The detector reaches from its front to 10 mm behind the last plane.
        """
        position = np.asarray(position, np.float64)
        depth, planes = abs(position[..., 2]), self.layers.z
        layer = np.searchsorted((planes[1:] + planes[:-1]) / 2, depth)
        layer = np.where((depth >= _FRONT) & (depth <= planes[-1] + BEHIND), layer, -1)
        return self.cell_in(layer, position[..., 0], position[..., 1], position[..., 2])

    def neighbours(self, cell: Array) -> Array:
        """Return the cells of the same layer that have an edge in common, (N,) -> (N, 9) int64, -1 where there is none.

        Six inside a wafer, four around a tile; up to nine where fine and coarse wafers meet.
        """
        _, probes = _hexagons.outlines(self._width)
        cell = np.ascontiguousarray(cell, np.int64)
        around: Array = _hexagons.neighbours(cell, self._tables, self._width, probes)
        return around

    def corners(self, cell: Array) -> Array:
        """Return the outline of each cell in x and y, counter-clockwise, (N,) -> (N, 6, 2) [mm].

        Cells with fewer corners repeat their last one. Cells along the edge of a wafer end there.
        """
        cell = np.ascontiguousarray(cell, np.int64)
        tile, a, (shapes, _) = self.kind(cell) == _hexagons.TILE, self.indices(cell), _hexagons.outlines(self._width)
        index = np.where(tile[:, None], 0, a)  # (N, 4)
        wafer = _hexagons.WAFER * np.stack([index[:, 1] / 2 - index[:, 0], _hexagons.HEIGHT * index[:, 1]], -1)
        hexagon = wafer[:, None] + shapes[np.where(tile, 0, self.kind(cell)), index[:, 2], index[:, 3]]  # (N, 6, 2)
        ring, sector = (a[:, [k]] + [[0, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1]][k] for k in (0, 1))  # (N, 6)
        radius, angle = _hexagons.RINGS_BEGIN * _hexagons.RATIO**ring, sector * (2 * np.pi / _hexagons.SECTORS)
        square = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
        outline = np.where(tile[:, None, None], square, hexagon)
        mirrored = outline[:, ::-1] * [-1.0, 1.0]  # turned round, so that it stays counter-clockwise
        return np.where((self.side(cell) < 0)[:, None, None], mirrored, outline)
