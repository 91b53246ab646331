"""Batches of flat hits and edges: parts of several windows give what one window gives."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.random import stream
from hitforge.events import Collection
from hitforge.representations import Prepared
from hitforge.training.batches import ShardBatches


class Drawing:
    """A representation of hits that tells what was drawn for each event, beside its number."""

    def batch(self, prepared: Prepared, index: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
        assert prepared.ragged is not None
        nodes, drawn = prepared.ragged.take(index), random.random(len(index)).astype(np.float32)
        return {"nodes": np.stack([nodes["number"], drawn[nodes.event]], 1), "event": nodes.event.astype(np.int32)}

    def truth(self, prepared: Prepared, index: np.ndarray, per: str, random: np.random.Generator) -> dict[str, object]:
        assert per == "object"
        dense = prepared.dense["number"][index]
        return {"number": dense, "drawn": random.random(len(index)).astype(np.float32)}


class Objects:
    per = "object"


def window(first: int, events: int) -> Prepared:
    """Events of one to three hits, which know their number."""
    number = np.arange(first, first + events, dtype=np.float32)
    counts = 1 + np.arange(first, first + events) % 3
    hits = Collection.from_counts(counts, {"number": np.repeat(number, counts)})
    return Prepared(hits, {"number": number})


def made(parts: list[tuple[Prepared, np.ndarray]], batch: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    batches = ShardBatches.__new__(ShardBatches)
    batches._representation, batches._task, batches._seed, batches._augment = Drawing(), Objects(), 5, True  # type: ignore[assignment]
    batches._rank, batches._size = 0, 1
    inputs, truth = batches._dense([((prepared, None), index) for prepared, index in parts], 3, batch)
    assert isinstance(truth, dict)
    return inputs, truth


@pytest.mark.parametrize("cut", [0, 1, 4, 6])
def test_a_batch_of_several_windows_is_that_of_one(cut: int) -> None:
    chosen = np.array([5, 0, 3, 8, 2, 7])
    whole = made([(window(0, 9), chosen)], 1)
    parts = [(window(0, 9), chosen[:cut]), (window(0, 9), chosen[cut:])]
    for one, other in zip(whole, made([part for part in parts if len(part[1])], 1), strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])
            assert values.dtype == other[name].dtype


def test_inputs_and_truth_are_drawn_alike_and_no_batch_as_another() -> None:
    seen = []
    for batch, sizes in enumerate(([2, 3, 1], [3, 3], [6])):
        inputs, truth = made([(window(10 * k, n), np.arange(n)) for k, n in enumerate(sizes)], batch)
        np.testing.assert_array_equal(inputs["nodes"][:, 1], truth["drawn"][inputs["event"]])
        np.testing.assert_array_equal(inputs["nodes"][:, 0], truth["number"][inputs["event"]])
        np.testing.assert_array_equal(truth["drawn"], stream(5, "augment", 3, batch).random(6).astype(np.float32))
        seen.append(truth["drawn"])
    assert len(np.unique(np.concatenate(seen))) == 18
