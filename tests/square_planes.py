"""A calorimeter of four planes of square cells, and events in it, for the displays."""

from __future__ import annotations

import numpy as np

from hitforge.detectors import LayeredDetector, Layers
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo

HALF, PITCH, COUNT = 200.0, 10.0, 40  # the plane reaches from -200 to 200 mm


class Stack(LayeredDetector):
    """Planes at 1000, 1010, 1020 and 1030 mm on either side; cell = ((side * 4) + layer) * 1600 + row * 40 + column."""

    @property
    def layers(self) -> Layers:
        one = np.ones(4)
        return Layers(1000.0 + 10.0 * np.arange(4), *([one] * 9), np.zeros(4, np.int64))

    @property
    def front(self) -> float:
        return 995.0

    def layer(self, cell: np.ndarray) -> np.ndarray:
        return cell // 1600 % 4

    def is_cell(self, cell: np.ndarray) -> np.ndarray:
        return (cell >= 0) & (cell < 12800)

    def cell_in(self, layer: np.ndarray, x: np.ndarray, y: np.ndarray, side: np.ndarray) -> np.ndarray:
        column, row = (np.floor((v + HALF) / PITCH).astype(int) for v in (x, y))
        inside = (column >= 0) & (column < COUNT) & (row >= 0) & (row < COUNT)
        return np.where(inside, ((side < 0) * 4 + layer) * 1600 + row * COUNT + column, -1)

    def position(self, cell: np.ndarray) -> np.ndarray:
        place = cell % 1600
        x, y = ((v + 0.5) * PITCH - HALF for v in (place % COUNT, place // COUNT))
        return np.stack([x, y, np.where(cell >= 6400, -1, 1) * self.layers.z[self.layer(cell)]], axis=1)

    def cell_at(self, position: np.ndarray) -> np.ndarray:
        x, y, z = position.T
        return self.cell_in(np.abs(self.layers.z - np.abs(z)[:, None]).argmin(axis=1), x, y, np.sign(z))

    def neighbours(self, cell: np.ndarray) -> np.ndarray:
        return np.stack([cell - 1, cell + 1, cell - COUNT, cell + COUNT], axis=1)

    def corners(self, cell: np.ndarray) -> np.ndarray:
        turn = 0.5 * PITCH * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, 1], [-1, 1]])
        return self.position(cell)[:, None, :2] + turn


def shower(noise: int = 0, side: int = 1) -> tuple[Events, Stack]:
    """A shower of 20 GeV along the line x = 0.1 z, y = 0, with noise on both sides; its true axis is told."""
    detector = Stack(Stack.Config())
    random = np.random.default_rng(1)
    layer = np.repeat(np.arange(4), 9)
    z = detector.layers.z[layer]
    step = np.tile(np.arange(9), 4)
    x, y = 0.1 * z + (step % 3 - 1) * PITCH, (step // 3 - 1) * PITCH
    energy = np.where(step == 4, 4.0, 0.125)
    far = random.integers(0, 4, noise)
    cell = np.concatenate(
        [
            detector.cell_in(layer, x, y, np.full(36, side)),
            detector.cell_in(far, *random.uniform(-199, 199, (2, noise)), random.choice([-1, 1], noise)),
        ]
    )
    place = detector.position(cell).T
    columns = {
        **dict(zip("xyz", place, strict=True)),
        "time": np.linspace(3, 4, len(cell)),
        "energy": np.concatenate([energy, np.full(noise, 0.01)]),
        "cell": cell,
        "layer": detector.layer(cell),
        "subsystem": np.zeros(len(cell)),
    }
    particles = {name: np.zeros(1) for name in COLLECTIONS["particles"]} | {"pdg": [11], "energy": [20.0]}
    links = {"hit": np.arange(36), "particle": np.zeros(36), "weight": np.ones(36)}
    told = {
        "primary_pdg": 11.0, "energy": 20.0, "impact_x": 99.5, "impact_y": 0.0, "direction_x": 0.1,
        "direction_y": 0.0, "direction_z": float(side), "barycentre_x": 101.5, "barycentre_y": 0.0,
        "barycentre_z": side * 1015.0,
    }  # fmt: skip
    events = Events(
        {
            "hits": Collection.from_counts(np.array([len(cell)]), columns),
            "particles": Collection.from_counts(np.array([1]), particles),
            "links": Collection.from_counts(np.array([36]), links),
        },
        {name: np.array([value]) for name, value in told.items()},
        {name: FieldInfo("float32", "", name) for name in told},
    )
    return events, detector
