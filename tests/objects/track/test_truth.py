"""Truth of hits by name, and the pairs of hits that follow each other along a particle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.objects.track.truth import HitTruth, consecutive, hit_truth


def test_columns_are_those_of_the_representation_but_for_the_event() -> None:
    columns = np.arange(5 * 9, dtype=np.float32).reshape(5, 9)
    truth = hit_truth(columns)
    assert len(HitTruth._fields) == 8
    for number, name in enumerate(HitTruth._fields):
        np.testing.assert_array_equal(getattr(truth, name), columns[:, number])


@pytest.mark.parametrize("shape", [(5, 8), (5, 10), (45,)])
def test_other_columns_are_refused_by_name(shape: tuple[int, ...]) -> None:
    with pytest.raises(DataError, match=rf"columns {HitTruth._fields[0]}.*event; got: \({shape[0]}"):
        hit_truth(np.zeros(shape, np.float32))


def test_each_hit_of_a_step_is_paired_with_each_of_the_next() -> None:
    particle = np.array([7, -1, 7, 7, 7, 3, 3, -1])
    rank = np.array([0, 0, 1, 1, 2, 0, 2, 1])  # 3 lacks its step 1
    inner, outer = consecutive(particle, rank)
    assert sorted(zip(inner.tolist(), outer.tolist(), strict=True)) == [(0, 2), (0, 3), (2, 4), (3, 4)]
    nothing = consecutive(np.array([-1, -1]), np.array([0, 1]))
    assert [len(part) for part in nothing] == [0, 0]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 4)), max_size=25))
def test_pairs_are_those_of_a_double_loop(hits: list[tuple[int, int]]) -> None:
    particle, rank = np.array(hits, np.int64).reshape(-1, 2).T
    inner, outer = consecutive(particle, rank)
    expected = {
        (i, j)
        for i in range(len(hits))
        for j in range(len(hits))
        if particle[i] >= 0 and particle[i] == particle[j] and rank[j] == rank[i] + 1
    }
    assert sorted(zip(inner.tolist(), outer.tolist(), strict=True)) == sorted(expected)
