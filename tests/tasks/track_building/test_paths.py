from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.tasks.track_building._graph import ordered
from hitforge.tasks.track_building._paths import below_best, best_paths, logit, outward

LIMIT = 7.0


def brute_force(
    pairs: list[tuple[int, int]], weight: list[float], hits: int, least: int
) -> list[tuple[float, list[int]]]:
    """Take the best of all paths, remove it, repeat; scores must differ."""
    free, result = set(range(hits)), []
    value = dict(zip(pairs, weight, strict=True))
    while True:
        best: tuple[float, list[int]] = (0.0, [])
        for size in range(2, len(free) + 1):
            for path in itertools.combinations(sorted(free), size):
                steps = list(itertools.pairwise(path))
                if all(step in value for step in steps):
                    best = max(best, (sum(value[step] for step in steps), list(path)))
        if not best[1]:
            return result
        free -= set(best[1])
        if len(best[1]) >= least:
            result.append(best)


@given(
    st.integers(2, 8),
    st.dictionaries(
        st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1]),
        st.integers(-50, 100),
        max_size=25,
    ),
    st.integers(2, 4),
)
@settings(max_examples=60)
def test_paths_are_those_of_brute_force(hits: int, edges: dict[tuple[int, int], int], least: int) -> None:
    edges = {pair: value for pair, value in edges.items() if max(pair) < hits}
    pairs = list(edges)
    weight = [edges[pair] + 0.5 ** (place + 2) for place, pair in enumerate(pairs)]  # no two sums are alike
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    layer, sure = np.arange(hits, dtype=np.int32), np.ones(len(pairs), bool)
    member, hit, count = best_paths(source, destination, np.array(weight), sure, layer, hits, least, -1.0)
    expected = brute_force(pairs, weight, hits, least)
    assert [hit[member == number].tolist() for number in range(count)] == [path for _, path in expected]


def test_a_cycle_is_refused() -> None:
    edges = np.array([0, 1, 2], np.int32), np.array([1, 2, 1], np.int32)
    with pytest.raises(DataError, match="without a cycle; got: 2 hits"):
        best_paths(*edges, np.ones(3), np.ones(3, bool), np.zeros(3, np.int32), 3, 2, -1.0)


@given(st.integers(2, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=30), st.integers(0, 99))
def test_no_cycle_is_left(hits: int, pairs: list[tuple[int, int]], seed: int) -> None:
    pairs = [(one % hits, two % hits) for one, two in pairs]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    xyz = np.random.default_rng(seed).integers(0, 4, (hits, 3)).astype(float)  # ties too
    kept = outward(source, destination, xyz)
    assert len(ordered(source[kept], destination[kept], hits)) == hits
    if len(ordered(source, destination, hits)) == hits:
        assert kept.all()
    dropped = np.hypot(*xyz[source[~kept], :2].T) - np.hypot(*xyz[destination[~kept], :2].T)
    assert (dropped >= 0).all()


def test_log_odds_are_cut_off_evenly() -> None:
    assert logit(np.array([0.0, 0.25, 0.5, 1.0]), LIMIT) == pytest.approx([-LIMIT, -np.log(3.0), 0.0, LIMIT])


def test_edges_compete_with_the_best_of_both_ends() -> None:
    source, destination = np.array([0, 0, 1, 2]), np.array([3, 4, 4, 5])
    assert below_best(source, destination, np.array([5.0, 2.0, 4.0, -1.0]), 6).tolist() == [0.0, 3.0 + 2.0, 0.0, 0.0]


@pytest.mark.parametrize(("sharing", "tracks"), [(-1.0, [[0, 1, 4, 2, 3]]), (14.0, [[0, 1, 4, 2, 3], [5, 6, 4, 7, 8]])])
def test_a_merged_hit_is_shared_at_a_cost(sharing: float, tracks: list[list[int]]) -> None:
    first, second = [0, 1, 4, 2, 3], [5, 6, 4, 7, 8]
    pairs = [*itertools.pairwise(first), *itertools.pairwise(second)]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    weight = np.array([7.0] * 4 + [6.0] * 4)
    layer = np.array([0, 1, 3, 4, 2, 0, 1, 3, 4], np.int32)
    member, hit, count = best_paths(source, destination, weight, np.zeros(8, bool), layer, 9, 4, sharing)
    assert [hit[member == number].tolist() for number in range(count)] == tracks


def test_a_hit_is_not_shared_by_three_and_not_next_to_another() -> None:
    chains = [[0, 1, 9, 2, 3], [4, 5, 9, 6, 7], [10, 11, 9, 12, 13]]
    pairs = [pair for chain in chains for pair in itertools.pairwise(chain)]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    weight = np.repeat([7.0, 6.0, 5.0], 4)
    layer = np.zeros(14, np.int32)
    _, hit, count = best_paths(source, destination, weight, np.zeros(12, bool), layer, 14, 4, 14.0)
    assert count == 2
    assert (hit == 9).sum() == 2
    chains = [[0, 1, 2, 3, 4], [5, 2, 3, 6]]
    pairs = [pair for chain in chains for pair in itertools.pairwise(chain)]
    source, destination = (np.array([pair[side] for pair in pairs], np.int32) for side in (0, 1))
    edges = dict.fromkeys(zip(source.tolist(), destination.tolist(), strict=True))
    source, destination = (np.array([pair[side] for pair in edges], np.int32) for side in (0, 1))
    arguments = np.full(len(edges), 7.0), np.zeros(len(edges), bool), np.zeros(7, np.int32), 7, 2, 0.0
    member, hit, count = best_paths(source, destination, *arguments)
    for number in range(1, count):
        assert {2, 3} - set(hit[member == number].tolist())
