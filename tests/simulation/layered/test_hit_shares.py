"""Shares of hits, against a loop over hits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.simulation.layered.hit_shares import count_cells, share_hits
from hitforge.simulation.layered.readout import CalorimeterHits


def _hits(cells: list[list[int]], share: list[list[float]]) -> CalorimeterHits:
    """Hits in these cells, rising in each event."""
    counts = np.array([len(part) for part in cells])
    cell, part = (np.array([item for row in rows for item in row]) for rows in (cells, share))
    empty, none = np.zeros(len(cell)), np.zeros(len(cells))
    return CalorimeterHits(
        counts, cell.astype(np.int64), empty, empty, empty, part.astype(np.float32), none, none, none
    )


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 2**40, 2**60]))
@settings(max_examples=60, deadline=None)
def test_shares_equal_those_of_a_loop(seed: int, step: int) -> None:
    random = np.random.default_rng(seed)
    events = int(random.integers(1, 5))
    cells = [sorted(random.choice(7, random.integers(0, 7), replace=False)) for _ in range(events)]
    share = [random.choice([0.0, 0.4, 1.0], len(part)).tolist() for part in cells]
    rows = sorted({(int(e), int(p), int(c)) for e, p, c in random.integers(0, (events, 3, 7), (30, 3))})
    event, _, cell = np.array(rows).T  # in order of event and particle
    energy = random.choice([0.0, 0.5, 1.0, 3.0], len(rows))
    hits = _hits([[int(c) * step for c in part] for part in cells], share)
    hit, row, weight = share_hits(hits, event, cell * step, energy)

    expected, first = [], 0
    for e, part in enumerate(cells):
        for i, c in enumerate(part):
            here = [k for k in range(len(rows)) if event[k] == e and cell[k] == c and energy[k] > 0]
            total = sum(energy[k] for k in here)
            expected += [(first + i, k, share[e][i] * energy[k] / total) for k in here if share[e][i] > 0]
        first += len(part)
    assert list(zip(hit.tolist(), row.tolist(), strict=True)) == [(i, k) for i, k, _ in expected]
    assert weight == pytest.approx([w for _, _, w in expected], rel=1e-6)
    assert (np.diff(hit) >= 0).all()
    distinct = [len({c for e, _, c in rows if e == number}) for number in range(events)]
    assert count_cells(event, cell * step, events).tolist() == distinct


def test_nothing_gives_nothing() -> None:
    none = np.zeros(0, np.int64)
    for hits, event, cell, energy in (
        (_hits([[1], [2]], [[1.0], [1.0]]), none, none, np.zeros(0)),
        (_hits([[], []], [[], []]), np.array([0]), np.array([3]), np.ones(1)),
    ):
        hit, row, weight = share_hits(hits, event, cell, energy)
        assert len(hit) == len(row) == len(weight) == 0
    assert count_cells(none, none, 2).tolist() == [0, 0]
