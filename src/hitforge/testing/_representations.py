"""Checks of representations: shapes that they promise, and nothing of the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.core.progress import Progress
from hitforge.core.registry import Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import Representation
from hitforge.testing._samples import fitting, without_truth


def check_representation(
    registry: Registry[Any],
    block: dict[str, Any],
    detector: Detector | None = None,
    events: Events | None = None,
    target: Any = None,
) -> None:
    """Arrays are those that ``shapes`` and ``labels`` say, and depend on what was measured alone."""

    def build(geometry: Detector, some: Events) -> Representation:
        built: Representation = registry.build(block, geometry, *([] if target is None else [target]), where="settings")
        built.fit(lambda: [some], Progress())
        built.prepare(some)
        return built

    representation, some = fitting(build, detector, events, ("images", "showers", "many showers", "tracks", "jets"))
    prepared = representation.prepare(some)
    index = np.array([len(some) - 1, 0])
    batch, shapes, labels = representation.batch(prepared, index), representation.shapes(), representation.labels()
    assert batch.keys() == shapes.keys(), f"batch() gives {sorted(batch)}, shapes() say {sorted(shapes)}"
    blind = representation.batch(representation.prepare(without_truth(some)), index)
    for key, value in batch.items():
        assert value.dtype in (np.float32, np.int32), f"'{key}' must be float32 or int32, not {value.dtype}"
        assert np.isfinite(value).all(), f"'{key}' must be finite"
        np.testing.assert_array_equal(value, blind[key], f"'{key}' must not depend on the truth")
        if shapes[key] and value.dtype == np.float32:
            assert value.shape[-1] == len(labels[key]), f"labels() must name the last axis of '{key}'"
    if "nodes" in shapes:
        _flat(representation, prepared, batch, shapes, index)
    else:
        _dense(representation, prepared, batch, shapes, index)


def _flat(representation: Representation, prepared: Any, batch: Any, shapes: Any, index: Any) -> None:
    """Rows of hits and of edges of all events of the batch, one behind the other."""
    hits = len(batch["nodes"])
    assert hits == len(representation.hit_index(prepared, index)), "hit_index() must name the hit of each node"
    for key, value in batch.items():
        rows = hits
        if key.startswith(("edges", "source", "destination")):
            rows = len(batch[f"source{key.removeprefix('edges').removeprefix('source').removeprefix('destination')}"])
        elif key in ("image", "volume", "summary"):
            rows = len(index)
        promised = (rows, *shapes[key])
        assert value.shape == promised, f"'{key}' must be {promised}, not {value.shape}"


def _dense(representation: Representation, prepared: Any, batch: Any, shapes: Any, index: Any) -> None:
    """An array an event, in the order of the batch."""
    for key, value in batch.items():
        promised, got = shapes[key], value.shape[1:]
        assert len(value) == len(index), f"'{key}' must have an entry an event"
        if "mask" in batch and key != "summary":  # points: padded to the fullest event of the batch
            assert 0 < got[0] <= promised[0], f"'{key}' must have at most {promised[0]} points"
            assert got[0] == batch["mask"].shape[1], f"'{key}' must have as many points as the mask"
            promised, got = promised[1:], got[1:]
        assert got == promised, f"'{key}' must be {promised}, not {got}"
    again = representation.batch(prepared, index[::-1])
    for key, value in batch.items():
        np.testing.assert_array_equal(value, again[key][::-1], f"'{key}' must follow the order of the batch")
