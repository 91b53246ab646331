from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.representations.points.graphs._search import count_within, nearest, nearest_in


def brute(place: np.ndarray, candidates: np.ndarray, label: np.ndarray, own: int, k: int, radius: float) -> np.ndarray:
    """Labels of the nearest of ``candidates`` to row ``own``, in the order (distance, label)."""
    step = place[candidates] - place[own]
    distance = np.zeros(len(candidates))
    for column in step.T:
        distance = distance + column * column
    kept = (candidates != own) & (distance <= radius**2)
    order = np.lexsort((label[candidates][kept], distance[kept]))
    found = label[candidates][kept][order][:k]
    return np.concatenate([found, np.full(k - len(found), label[own])])


def scattered(random: np.random.Generator, rows: int, width: int, kind: str) -> np.ndarray:
    if kind == "lattice":  # many points equally far away, some at the same place
        return random.integers(0, max(2, int(rows ** (1 / width))), (rows, width)).astype(float)
    if kind == "core":  # density falls over many orders of magnitude, as in a shower
        return random.normal(0, 1, (rows, width)) * random.exponential(1, (rows, 1)) ** 4
    if kind == "same":
        return np.ones((rows, width)) * random.normal(size=width)
    far = random.normal(0, 1, (rows, width))
    far[:1] += 1e9
    return far


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.one_of(st.integers(0, 30), st.integers(250, 700)), min_size=0, max_size=4),
    st.integers(1, 4),
    st.integers(1, 20),
    st.sampled_from(["lattice", "core", "same", "far"]),
    st.sampled_from([np.inf, 1.0, 0.3]),
)
@settings(max_examples=60)
def test_nearest_is_brute_force(seed: int, counts: list[int], width: int, k: int, kind: str, radius: float) -> None:
    random = np.random.default_rng(seed)
    points = Collection.from_counts(np.array(counts, np.int64), {})
    place = np.concatenate([np.empty((0, width))] + [scattered(random, count, width, kind) for count in counts])
    found = nearest(place, points, k, radius)
    assert found.shape == (points.rows, k)
    assert found.dtype == np.int32
    local = np.arange(points.rows) - np.repeat(points.offsets[:-1], points.counts)
    for row in random.permutation(points.rows)[:60]:
        event = points.event[row]
        candidates = np.arange(points.offsets[event], points.offsets[event + 1])
        np.testing.assert_array_equal(found[row], brute(place, candidates, local, row, k, radius))


@given(st.integers(0, 2**32 - 1), st.lists(st.sampled_from([0, 1, 5, 40, 400]), min_size=1, max_size=5))
@settings(max_examples=30)
def test_sets_look_into_other_sets(seed: int, counts: list[int]) -> None:
    random = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    rows, sets = offsets[-1], len(counts)
    place = scattered(random, rows, 2, "lattice" if seed % 2 else "core")
    label = random.permutation(rows).astype(np.int32)
    targets = random.integers(-1, sets, (3, sets))
    wanted = np.array([4, 1, 7])
    found = nearest_in(place, offsets, label, targets, wanted)
    blocks = np.split(found, np.cumsum(wanted)[:-1], axis=1)
    for row in random.permutation(rows)[:60]:
        own = np.searchsorted(offsets, row, side="right") - 1
        for block, target, k in zip(blocks, targets[:, own], wanted, strict=True):
            candidates = np.arange(offsets[target], offsets[target + 1]) if target >= 0 else np.arange(0)
            np.testing.assert_array_equal(block[row], brute(place, candidates, label, row, k, np.inf))


def test_the_answer_does_not_depend_on_other_events() -> None:
    random = np.random.default_rng(3)
    counts = np.array([300, 0, 12, 700, 1])
    place = random.normal(size=(counts.sum(), 3))
    points = Collection.from_counts(counts, {"place": place})
    together = Collection(points.offsets, {"found": nearest(place, points, 6)})
    for event in range(len(counts)):
        alone = points.slice(event, event + 1)
        np.testing.assert_array_equal(
            nearest(alone["place"], alone, 6), together.slice(event, event + 1)["found"], strict=True
        )


@pytest.mark.parametrize("value", [np.nan, np.inf, -1e200])
def test_coordinates_must_be_finite(value: float) -> None:
    place = np.zeros((5, 3))
    place[3, 1] = value
    with pytest.raises(DataError, match="row 3"):
        nearest(place, Collection.from_counts(np.array([5]), {}), 2)


def test_count_within_counts_pairs_of_the_same_event() -> None:
    random = np.random.default_rng(4)
    points = Collection.from_counts(np.array([50, 0, 80]), {})
    place = random.normal(size=(130, 3))
    distance = np.linalg.norm(place[:, None] - place[None], axis=2)
    pairs = (distance <= 0.7) & (points.event[:, None] == points.event) & ~np.eye(130, dtype=bool)
    np.testing.assert_array_equal(count_within(place, points, 0.7), pairs.sum(1))
