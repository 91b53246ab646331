from __future__ import annotations

import numpy as np

from hitforge.detectors import Modules
from hitforge.detectors._modules import adjacent, corners


def ring(count: int, gap: float) -> Modules:
    """A barrel layer of so many flat sensors 20 mm wide around the beam, and a second ring of them ``gap`` beside."""
    angle = np.tile(np.arange(count) * 2 * np.pi / count, 2)
    radius, zero = 20 * count / (2 * np.pi), np.zeros(2 * count)
    z = np.repeat([0.0, 60.0 + gap], count)
    centre = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)
    w = np.stack([np.cos(angle), np.sin(angle), zero], 1)
    v = np.stack([zero, zero, zero + 1], 1)
    return Modules(
        number=np.arange(2 * count), centre=centre, axes=np.stack([np.cross(v, w), v, w], 1), half_u_low=zero + 10,
        half_u_high=zero + 10, half_v=zero + 30, pitch_u=zero + 1, pitch_v=zero + 1, layer=zero.astype(np.int32),
        volume=zero.astype(np.int32), thickness=zero + 0.3,
    )  # fmt: skip


def test_neighbours_of_a_ring_go_around() -> None:
    close = adjacent(ring(12, 0.5))
    assert sorted(close[0][close[0] >= 0].tolist()) == [1, 11, 12, 13, 23]
    far = adjacent(ring(12, 10.0))
    assert sorted(far[5][far[5] >= 0].tolist()) == [4, 6]


def test_width_and_corners_of_a_trapezoid() -> None:
    modules = ring(12, 1.0)
    modules.half_u_high[:] = 20
    assert modules.half_u(np.zeros(5, int), np.array([-99, -30, 0, 30, 99])).tolist() == [10, 10, 15, 20, 20]
    outline = corners(modules)[0]
    np.testing.assert_allclose(outline[:, 2], [-30, -30, 30, 30])
    np.testing.assert_allclose(outline[:, 1], [-10, 10, 20, -20], atol=1e-9)
