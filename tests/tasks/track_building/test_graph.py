from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.tasks.track_building._graph import checked_edges, components, from_origin, grouped, ordered


@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60))
def test_components_are_those_of_a_flood(hits: int, pairs: list[tuple[int, int]]) -> None:
    pairs = [(one % hits, two % hits) for one, two in pairs]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    label, count = components(source, destination, hits)
    near = np.eye(hits, dtype=bool)
    for one, two in pairs:
        near[one, two] = near[two, one] = True
    for _ in range(hits):
        near = (near.astype(int) @ near) > 0
    assert np.array_equal(label[:, None] == label[None], near)
    assert label.dtype == np.int32
    first = [int(np.flatnonzero(label == number)[0]) for number in range(count)]
    assert first == sorted(first)


@given(st.lists(st.integers(0, 9), max_size=40))
def test_groups_keep_the_order_of_their_items(key: list[int]) -> None:
    start, items = grouped(np.array(key, np.int32), 10)
    assert [items[start[group] : start[group + 1]].tolist() for group in range(10)] == [
        [item for item, value in enumerate(key) if value == group] for group in range(10)
    ]


@given(st.integers(2, 20), st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=60), st.randoms())
@settings(max_examples=50)
def test_each_edge_leads_onward(hits: int, pairs: list[tuple[int, int]], random: object) -> None:
    names = list(range(hits))
    random.shuffle(names)  # type: ignore[attr-defined]
    pairs = [(min(one % hits, two % hits), max(one % hits, two % hits)) for one, two in pairs]
    pairs = [(names[one], names[two]) for one, two in pairs if one != two]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    order = ordered(source, destination, hits)
    assert sorted(order.tolist()) == list(range(hits))
    place = np.argsort(order)
    assert (place[source] < place[destination]).all()


def test_a_cycle_is_not_ordered() -> None:
    assert ordered(np.array([0, 1, 2], np.int32), np.array([1, 2, 1], np.int32), 4).tolist() == [0, 3]


def test_distance_from_the_origin() -> None:
    assert from_origin(np.array([[3.0, 4.0, 12.0], [0.0, 0.0, -2.0]])).tolist() == [13.0, 2.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": [0.5]}, "source, a destination and a score"),
        ({"layer": [0, 1]}, "each of 3 hits"),
        ({"xyz": np.zeros((3, 2))}, "each of 3 hits"),
        ({"destination": [1, 3]}, "join hits 0 to 2; got: 3"),
        ({"source": [-1, 1]}, "join hits 0 to 2; got: -1"),
        ({"score": [0.5, np.nan]}, "probability.*nan; where: edge 1"),
        ({"score": [1.5, 0.5]}, "probability.*1.5; where: edge 0"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    values = {"source": [0, 1], "destination": [1, 2], "score": [0.5, 0.5], "layer": [0, 1, 2], "xyz": np.zeros((3, 3))}
    arrays = {name: np.array(value) for name, value in (values | change).items()}
    with pytest.raises(DataError, match=message):
        checked_edges(hits=3, **arrays)
