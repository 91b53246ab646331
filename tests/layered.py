"""A small calorimeter of hexagons, and showers in it, for tests that need a sampling calorimeter."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.config import Config
from hitforge.detectors import LayeredDetector, Layers
from hitforge.events import Collection, Events, FieldInfo

LAYERS, GAP, FRONT, PITCH, REACH = 12, 20.0, 3210.0, 10.0, 250
_ROOT = np.sqrt(3.0)


class Honeycomb(LayeredDetector):
    """Twelve layers a side of hexagons, 10 mm from side to side, a corner at the top; layers 8 and on are hadronic.

    Cell = ((side * 64 + layer) * 512 + q + 256) * 512 + r + 256, with the hexagon's centre at x = PITCH (q + r / 2),
    y = PITCH sqrt(3) / 2 r.
    """

    class Config(Config):
        """Nothing to set."""

    def __init__(self, plane: float = FRONT + 11) -> None:
        super().__init__(self.Config())
        self._plane = plane

    @property
    def plane(self) -> float:
        """Where pointing coordinates are counted [mm]."""
        return self._plane

    @property
    def layers(self) -> Layers:
        """Equal layers."""
        one = np.ones(LAYERS)
        z = FRONT + 11 + GAP * np.arange(LAYERS)
        return Layers(z, 2 * one, 0.2 * one, 30 * one, 0.01 * one, 60 * one, 74 * one, 0.2 * one, 8e-5 * one, 100 * one,
                      np.where(np.arange(LAYERS) < 8, 0, 1))  # fmt: skip

    @property
    def front(self) -> float:
        """Where material begins [mm]."""
        return FRONT

    @property
    def noise_cuts(self) -> tuple[float, ...]:
        """Like those of hgcal; its mips are 8 MeV."""
        return (0.012, 0.045, 0.075)

    def _split(self, cell: Any) -> tuple[Any, Any, Any, Any]:
        cell = np.asarray(cell, np.int64)
        return cell >> 24, (cell >> 18) & 63, ((cell >> 9) & 511) - 256, (cell & 511) - 256

    def is_cell(self, cell: Any) -> Any:
        """Return which numbers are cells."""
        side, layer, q, r = self._split(np.maximum(cell, 0))
        return (np.asarray(cell) >= 0) & (side < 2) & (layer < LAYERS) & (np.maximum(abs(q), abs(r)) <= REACH)

    def layer(self, cell: Any) -> Any:
        """Return the layer of each cell."""
        return self._split(cell)[1]

    def position(self, cell: Any) -> Any:
        """Return centres, (N, 3)."""
        side, layer, q, r = self._split(cell)
        return np.stack([PITCH * (q + r / 2), PITCH * _ROOT / 2 * r, (2 * side - 1) * self.layers.z[layer]], 1)

    def cell_in(self, layer: Any, x: Any, y: Any, side: Any) -> Any:
        """Return the nearest centre's cell."""
        r, q = y / (PITCH * _ROOT / 2), x / PITCH - y / (PITCH * _ROOT)
        s = -q - r
        rounded = np.stack([np.round(q), np.round(r), np.round(s)])
        worst = np.abs(rounded - np.stack([q, r, s])).argmax(0)
        q = np.where(worst == 0, -rounded[1] - rounded[2], rounded[0]).astype(np.int64)
        r = np.where(worst == 1, -rounded[0] - rounded[2], rounded[1]).astype(np.int64)
        inside = np.maximum(abs(q), abs(r)) <= REACH
        cell = ((((np.asarray(side) > 0) * 64 + layer) * 512) + q + 256) * 512 + r + 256
        return np.where(inside, cell, -1)

    def cell_at(self, position: Any) -> Any:
        """Return the cell of the nearest layer."""
        x, y, z = np.moveaxis(np.asarray(position, np.float64), -1, 0)
        layer = np.abs(abs(z)[:, None] - self.layers.z).argmin(1)
        return np.where(abs(z) < FRONT, -1, self.cell_in(layer, x, y, np.sign(z)))

    def corners(self, cell: Any) -> Any:
        """Return hexagons, counter-clockwise, (N, 6, 2)."""
        angle = np.pi / 6 + np.pi / 3 * np.arange(6)
        return self.position(cell)[:, None, :2] + PITCH / _ROOT * np.stack([np.cos(angle), np.sin(angle)], 1)

    def neighbours(self, cell: Any) -> Any:
        """Return the six touching cells, (N, 6)."""
        side, layer, q, r = self._split(cell)
        steps = ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1))
        around = [(((side * 64 + layer) * 512) + q + i + 256) * 512 + r + j + 256 for i, j in steps]
        inside = [np.maximum(abs(q + i), abs(r + j)) <= REACH for i, j in steps]
        return np.where(np.stack(inside, 1), np.stack(around, 1), -1)


HONEYCOMB, AT_FRONT = Honeycomb(), Honeycomb(FRONT)


def from_cells(counts: Any, cell: Any, energy: Any, time: Any = 0.0, /, **fields: Any) -> Events:
    """Events with these hits, merged already, and float32 or int32 fields."""
    cell = np.asarray(cell, np.int64)
    x, y, z = HONEYCOMB.position(cell).T
    layer = HONEYCOMB.layer(cell)
    columns = {"x": x, "y": y, "z": z, "time": time + np.zeros(len(cell)), "energy": np.asarray(energy), "cell": cell,
               "layer": layer, "subsystem": HONEYCOMB.layers.section[layer]}  # fmt: skip
    info = {name: FieldInfo("int32" if np.asarray(value).dtype.kind == "i" else "float32", "", name)
            for name, value in fields.items()}  # fmt: skip
    return Events({"hits": Collection.from_counts(np.asarray(counts), columns)}, fields, info)


def showers(number: int = 20, seed: int = 1, spots: int = 400, pdg: tuple[int, ...] = (11, -11)) -> Events:
    """Showers of 10 to 100 GeV from the origin on either side, eta 1.7 to 2.7, in spots of equal energy.

    Their depth follows a gamma distribution, their radius an exponential one. Fields as those of simulated showers.
    """
    random = np.random.default_rng(seed)
    true, side = random.uniform(10, 100, number), random.choice([-1, 1], number)
    theta, phi = 2 * np.arctan(np.exp(-random.uniform(1.7, 2.7, number))), random.uniform(-np.pi, np.pi, number)
    slope = np.stack([np.tan(theta) * np.cos(phi), np.tan(theta) * np.sin(phi)], 1)  # (N, 2)
    event = np.repeat(np.arange(number), spots)
    layer = np.minimum((random.gamma(4.0, 1.1, len(event))).astype(np.int64), LAYERS - 1)
    radius, angle = random.exponential(9.0, len(event)), random.uniform(0, 2 * np.pi, len(event))
    z = HONEYCOMB.layers.z[layer]
    place = slope[event] * z[:, None] + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)  # (spots, 2)
    cell = HONEYCOMB.cell_in(layer, place[:, 0], place[:, 1], side[event])
    merged, where = np.unique(np.stack([event, cell], 1), axis=0, return_inverse=True)  # (K, 2)
    energy = np.bincount(where.ravel(), (true / spots)[event])
    counts = np.bincount(merged[:, 0], minlength=number)
    mean = np.stack([np.bincount(event, v, number) / spots for v in (*place.T, z * side[event])], 1)  # (N, 3)
    direction = np.stack([*slope.T, side], 1) / np.sqrt(1 + (slope**2).sum(1))[:, None]
    fields = {
        "primary_pdg": random.choice(np.array(pdg), number), "energy": true, "eta": np.arcsinh(side / np.tan(theta)),
        "phi": phi, "impact_x": slope[:, 0] * FRONT, "impact_y": slope[:, 1] * FRONT, "deposited": true,
        "mu": np.zeros(number), "pileup_energy": np.zeros(number), "kept_cells": counts.astype(np.float64),
        **{f"barycentre_{c}": mean[:, i] for i, c in enumerate("xyz")},
        **{f"direction_{c}": direction[:, i] for i, c in enumerate("xyz")},
    }  # fmt: skip
    return from_cells(counts, merged[:, 1], energy, 11.0, **fields)
