"""Made-up showers for the tests of the tasks that find them."""

from __future__ import annotations

import numpy as np

Arrays = dict[str, np.ndarray]


def blobs(events: int, particles: int, seed: int, hits: int = 30) -> tuple[Arrays, Arrays]:
    """Inputs and truth of events with round blobs of hits, a tenth of which is noise; blobs that touch share hits."""
    random = np.random.default_rng(seed)
    middle = _apart(random, events, particles)  # (B, M, 2)
    count = particles * hits
    place = np.zeros((events, count, 3))
    place[..., 0] = random.uniform(0, 2, (events, count))
    place[..., 1:] = np.repeat(middle, hits, axis=1) + random.normal(0, 0.12, (events, count, 2))
    near = np.exp(-((place[:, :, None, 1:] - middle[:, None]) ** 2).sum(3) / (2 * 0.12**2))  # (B, N, M)
    fraction = near / np.maximum(near.sum(2, keepdims=True), 1e-9)
    noise = random.random((events, count)) < 0.1
    place[noise, 1:] = random.uniform(-1.2, 1.2, (int(noise.sum()), 2))
    fraction[noise] = 0.0
    energy = random.exponential(0.5, (events, count)) + 0.05
    objects = np.zeros((events, particles, 14))
    objects[..., 0] = objects[..., 13] = 1
    objects[..., 1] = np.arange(particles) % 2
    objects[..., 3] = (fraction * energy[..., None]).sum(1)
    objects[..., 2] = objects[..., 3] * 1.25
    event = np.repeat(np.arange(events), count).astype(np.int32)
    flat = place.reshape(-1, 3).astype(np.float32)
    layer = (flat[:, 0] * 25).astype(np.int32)
    weight = energy.reshape(-1).astype(np.float32)
    inputs = {"nodes": np.column_stack([flat, np.log(weight)]), "place": flat, "layer": layer, "energy": weight}
    share = fraction.reshape(events * count, particles).astype(np.float32)
    truth = {"fraction": share, "energy": weight, "event": event, "place": flat, "objects": objects.astype(np.float32)}
    return {**inputs, "event": event}, truth


def _apart(random: np.random.Generator, events: int, particles: int) -> np.ndarray:
    """Middles of blobs, (B, M, 2), no two of an event nearer than 0.5."""
    found = []
    while len(found) < events:
        tried = random.uniform(-1, 1, (particles, 2))
        gaps = np.hypot(*(tried[:, None] - tried[None]).T) + np.eye(particles) * 9
        if gaps.min() > 0.5:
            found.append(tried)
    return np.array(found)


def one_event(arrays: Arrays, number: int = 0) -> Arrays:
    """One event of inputs or truth, as a batch of its own."""
    rows = arrays["event"] == number
    found = {name: value[rows] for name, value in arrays.items() if name != "objects"}
    found["event"] = np.zeros(int(rows.sum()), np.int32)
    if "objects" in arrays:
        found["objects"] = arrays["objects"][number : number + 1]
    return found
