"""Batches of flat hits and edges."""

from __future__ import annotations

import numpy as np

from hitforge.core.random import stream
from hitforge.training.batches import ShardBatches, join


def graph(hits: int, events: int, particles: list[int]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(hits)
    inputs = {
        "nodes": random.normal(size=(hits, 3)).astype(np.float32),
        "event": np.sort(np.arange(hits, dtype=np.int32) % events),
        "source": random.integers(0, hits, 4).astype(np.int32),
        "destination": random.integers(0, hits, 4).astype(np.int32),
        "edges": random.normal(size=(4, 2)).astype(np.float32),
    }
    truth = np.zeros((hits, 8), np.float32)
    truth[:, 0] = np.resize(particles, hits)
    return inputs, truth


def test_ends_events_and_particles_go_on() -> None:
    (first, one), (second, two) = graph(5, 2, [-1, 0, 3]), graph(4, 1, [0, -1])
    inputs, truth = join([(first, one), (second, two)], "hit")
    np.testing.assert_array_equal(inputs["nodes"], np.concatenate([first["nodes"], second["nodes"]]))
    np.testing.assert_array_equal(inputs["event"], [*first["event"], *(second["event"] + 2)])
    for end in ("source", "destination"):
        np.testing.assert_array_equal(inputs[end], [*first[end], *(second[end] + 5)])
        assert inputs[end].dtype == np.int32
    np.testing.assert_array_equal(truth[:, 0], [-1, 0, 3, -1, 0, 4, -1, 4, -1])
    np.testing.assert_array_equal(two[:, 0], [0, -1, 0, -1])  # the parts are left as they were


def test_labels_of_edges_are_not_numbers_of_particles() -> None:
    (first, _), (second, _) = graph(3, 1, [0]), graph(3, 1, [0])
    labels = np.array([[1, 1, 7], [0, 1, 7], [1, 0.5, 7], [0, 1, 7]], np.float32)  # however much is said of an edge
    joined = join([(first, labels), (second, labels)], "edge")[1]
    np.testing.assert_array_equal(joined, np.concatenate([labels, labels]))


def test_one_part_is_handed_on() -> None:
    batch = graph(3, 1, [0])
    assert join([batch], "hit") is batch


class Drawing:
    """A representation that tells what was drawn for it."""

    def batch(self, prepared: object, index: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
        drawn = random.random(len(index)).astype(np.float32)
        return {"nodes": drawn[:, None], "event": np.arange(len(index), dtype=np.int32)}

    def truth(self, prepared: object, index: np.ndarray, per: str, random: np.random.Generator) -> np.ndarray:
        return np.repeat(random.random(len(index)).astype(np.float32)[:, None], 8, axis=1)


class Hits:
    per = "hit"


def drawn(made: int, sizes: list[int]) -> np.ndarray:
    """What is drawn for the events of batch ``made``, which has parts of several windows."""
    batches = ShardBatches.__new__(ShardBatches)
    batches._representation, batches._task, batches._seed, batches._augment = Drawing(), Hits(), 5, True
    inputs, truth = batches._dense([((None, None), np.arange(n)) for n in sizes], 3, made)
    np.testing.assert_array_equal(inputs["nodes"][:, 0], truth[:, 1])  # inputs and truth are drawn alike
    return inputs["nodes"][:, 0]


def test_no_part_of_a_batch_draws_what_another_draws() -> None:
    values = np.concatenate([drawn(0, [2, 3, 1]), drawn(1, [3, 3]), drawn(2, [6])])
    assert len(np.unique(values)) == len(values)
    whole = stream(5, "augment", 3, 1).random(6).astype(np.float32)
    np.testing.assert_array_equal(drawn(1, [6]), whole)  # a batch of one window keeps its numbers
