"""Batches of flat hits and edges."""

from __future__ import annotations

import numpy as np

from hitforge.training.batches import join


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
    inputs, truth = join([(first, one), (second, two)])
    np.testing.assert_array_equal(inputs["nodes"], np.concatenate([first["nodes"], second["nodes"]]))
    np.testing.assert_array_equal(inputs["event"], [*first["event"], *(second["event"] + 2)])
    for end in ("source", "destination"):
        np.testing.assert_array_equal(inputs[end], [*first[end], *(second[end] + 5)])
        assert inputs[end].dtype == np.int32
    np.testing.assert_array_equal(truth[:, 0], [-1, 0, 3, -1, 0, 4, -1, 4, -1])
    np.testing.assert_array_equal(two[:, 0], [0, -1, 0, -1])  # the parts are left as they were


def test_labels_of_edges_are_not_numbers_of_particles() -> None:
    (first, _), (second, _) = graph(3, 1, [0]), graph(3, 1, [0])
    labels = np.array([[1, 1], [0, 1], [1, 0.5], [0, 1]], np.float32)
    np.testing.assert_array_equal(join([(first, labels), (second, labels)])[1], np.concatenate([labels, labels]))


def test_one_part_is_handed_on() -> None:
    batch = graph(3, 1, [0])
    assert join([batch]) is batch
