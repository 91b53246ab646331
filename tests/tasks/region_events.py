"""Small events with two showers as blobs of hits."""

from __future__ import annotations

import numpy as np
import torch

SHAPE = (10, 16, 16)
CENTRES = np.array([[4.0, 4.5, 5.0], [5.5, 10.5, 11.0]])
WIDTHS = np.array([[1.2, 0.6, 0.6], [1.6, 1.0, 1.0]])
ENERGY = np.array([20.0, 40.0])


def event(seed: int = 0, hits: int = 150) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Inputs (volume, image, place, energy, event) and target of one event; the second particle is a hadron."""
    random = np.random.default_rng(seed)
    top = np.array(SHAPE) - 1e-3
    place = np.concatenate(
        [np.clip(random.normal(CENTRES[k], WIDTHS[k], (hits, 3)), 0, top) for k in (0, 1)]
        + [random.uniform(0, top, (40, 3))]
    ).astype(np.float32)
    energy = np.concatenate([np.full(hits, e / hits * 0.8) for e in ENERGY] + [np.full(40, 0.01)]).astype(np.float32)
    fraction = np.zeros((len(place), 2), np.float32)
    fraction[:hits, 0] = fraction[hits : 2 * hits, 1] = 1.0
    fraction[:20, 0], fraction[:20, 1] = 0.7, 0.3  # shared hits
    objects = np.zeros((1, 2, 14), np.float32)
    for k in (0, 1):
        own = place[k * hits : (k + 1) * hits]
        low, high = np.quantile(own, 0.02, axis=0), np.quantile(own, 0.98, axis=0)
        objects[0, k] = [1, k, ENERGY[k], energy @ fraction[:, k], *own.mean(0), *low, *high, 1]
    volume = np.zeros((*SHAPE, 2), np.float32)
    cell = tuple(place.astype(int).T)
    np.add.at(volume[..., 0], cell, energy)
    np.add.at(volume[..., 1], cell, 0.25)
    image = np.stack([volume[..., 0].sum(2), volume[..., 0].sum(1)], axis=-1)
    volume[..., 0] = np.log1p(volume[..., 0] / 0.01) / 5
    flat = {"place": place, "energy": energy, "event": np.zeros(len(place), np.int32)}
    inputs = {**flat, "volume": volume[None], "image": np.log1p(image / 0.01)[None] / 5}
    return inputs, {**flat, "fraction": fraction, "objects": objects}


def together(*events: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One batch of several."""
    joined = {name: np.concatenate([one[name] for one in events]) for name in events[0]}
    joined["event"] = np.repeat(np.arange(len(events)), [len(one["event"]) for one in events]).astype(np.int32)
    return joined


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    """Tensors, channels of maps in front as the engine gives them."""
    found = {name: torch.from_numpy(value) for name, value in arrays.items()}
    return {name: value.movedim(-1, 1) if name in ("volume", "image") else value for name, value in found.items()}


def perfect(target: dict[str, np.ndarray], axes: tuple[tuple[int, ...], ...], bins: int = 8) -> dict[str, np.ndarray]:
    """Outputs of a network that knows the showers of one event, with three proposals, the last of which is none."""
    d, n = len(axes[0]), len(axes)
    boxes = np.zeros((n, 3, 2 * d), np.float32)
    for v, axis in enumerate(axes):
        columns = [7 + a for a in axis] + [10 + a for a in axis]
        boxes[v, :2] = target["objects"][0][:, columns]
        boxes[v, 2, d:] = 5.0
    extra = 0.3 * (boxes[..., d:] - boxes[..., :d])
    frames = np.concatenate([boxes[..., :d] - extra, boxes[..., d:] + extra], axis=-1)
    regions = np.zeros((n, 3, 3 + 2 * d + 1), np.float32)
    regions[:, 0, :3], regions[:, 1, :3], regions[:, 2, :3] = [6, 0, 0], [0, 5, 0], [-3, -3, 5]
    regions[..., -1] = np.log(1.25)
    return {
        "anchors": np.zeros((n, 3, 1 + 2 * d), np.float32),
        "grid": boxes[0],
        "proposals": boxes,
        "valid": np.ones((n, 3), np.float32),
        "regions": regions,
        "boxes": boxes,
        "frames": frames,
        "masks": np.full((n, 3, *[bins] * d), 6.0, np.float32),
    }
