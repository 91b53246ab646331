"""Toy events for the tasks on hits: helices through ten cylinders, with the truth that a representation gives."""

from __future__ import annotations

import numpy as np

RADII = np.array([32.0, 72, 116, 172, 260, 360, 500, 660, 820, 1020])  # [mm]


def helices(particles: int, noise: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Hits of one event in random order: inputs as ``track_hits`` gives them, and truth (H, 9)."""
    random = np.random.default_rng(seed)
    phi, eta = random.uniform(-np.pi, np.pi, particles), random.uniform(-1, 1, particles)
    pt, sign = random.uniform(1, 5, particles), random.choice([-1, 1], particles)
    bend = sign * np.arcsin(0.3 * RADII[:, None] / 1000 / pt)  # (L, P), 2 T
    angle = (phi - bend + random.normal(0, 2e-5, bend.shape)).T.ravel()
    z = (RADII * np.sinh(eta)[:, None] + random.normal(0, 30, (particles, 1))).ravel()
    r, layer = np.tile(RADII, particles), np.tile(np.arange(10), particles)
    truth = np.zeros((len(r) + noise, 9), np.float32)
    truth[:, 0], truth[:, 1], truth[:, 6] = -1, -1, 1
    owner = np.repeat(np.arange(particles), 10)
    for column, values in ((0, owner), (1, layer), (2, pt[owner]), (3, eta[owner]), (4, phi[owner])):
        truth[: len(r), column] = values
    truth[: len(r), 5], truth[: len(r), 7] = 10, 1
    false = random.integers(0, 10, noise)
    r, layer = np.append(r, RADII[false]), np.append(layer, false)
    angle = np.append(angle, random.uniform(-np.pi, np.pi, noise))
    z = np.append(z, RADII[false] * np.sinh(random.uniform(-1, 1, noise)))
    nodes = np.stack([r / 500, z / 1500, np.arcsinh(z / r) / 2, np.cos(angle), np.sin(angle)], axis=1)
    order = random.permutation(len(r))
    inputs = {
        "nodes": nodes[order].astype(np.float32),
        "layer": layer[order].astype(np.int32),
        "event": np.zeros(len(r), np.int32),
        "kind": np.zeros(len(r), np.int32),
    }
    return inputs, truth[order]
