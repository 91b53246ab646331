"""The window around the seed, compared with a plain loop over hits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.events import Collection, Events, FieldInfo
from hitforge.representations._window import crop, seed_cells

BARREL = CrystalBarrel(CrystalBarrel.Config(rows_per_side=5, columns=12))
GRID = PixelGrid(PixelGrid.Config(rows=10, columns=12))
HIT = st.tuples(st.integers(0, 119), st.integers(1, 9), st.integers(-5, 5))  # cell, energy, time


def make(events: list[list[tuple[int, int, int]]], seeds: list[int] | None = None) -> Events:
    rows = [hit for event in events for hit in event]
    zero = np.zeros(len(rows))
    columns = dict.fromkeys(("x", "y", "z", "layer", "subsystem"), zero)
    columns |= {name: np.array([row[i] for row in rows]) for i, name in enumerate(("cell", "energy", "time"))}
    columns = {name: np.asarray(value, float) for name, value in columns.items()}
    fields = {} if seeds is None else {"seed_cell": np.array(seeds)}
    info = {name: FieldInfo("int64", "", "seed") for name in fields}
    return Events({"hits": Collection.from_counts(np.array([len(event) for event in events]), columns)}, fields, info)


def plain(hits: list[tuple[int, int, int]], detector: Any, half: tuple[int, int]) -> dict[int, tuple[float, float]]:
    """Pixel -> energy and time, by a loop."""
    if not hits:
        return {}
    seed_row, seed_column = divmod(max(hits, key=lambda hit: hit[1])[0], 12)
    found: dict[int, tuple[float, float]] = {}
    best: dict[int, int] = {}
    for cell, energy, time in hits:
        i, j = cell // 12 - seed_row, cell % 12 - seed_column
        j = (j + 6) % 12 - 6 if detector.periodic_columns else j
        if abs(i) > half[0] or abs(j) > half[1]:
            continue
        pixel = (i + half[0]) * (2 * half[1] + 1) + j + half[1]
        when = found[pixel][1] if pixel in found and energy <= best[pixel] else float(time)
        best[pixel] = max(best.get(pixel, 0), energy)
        found[pixel] = (found.get(pixel, (0.0, 0.0))[0] + energy, when)
    return found


@pytest.mark.parametrize("detector", [BARREL, GRID])
@settings(max_examples=60, deadline=None)
@given(events=st.lists(st.lists(HIT, max_size=12), min_size=1, max_size=5), half=st.sampled_from([(1, 1), (2, 4)]))
def test_agrees_with_a_loop(detector: Any, events: list[list[tuple[int, int, int]]], half: tuple[int, int]) -> None:
    window = crop(make(events), detector, half)
    assert len(window) == len(events)
    for number, hits in enumerate(events):
        first, last = window.offsets[number : number + 2]
        rows = zip(*(window[name][first:last].tolist() for name in ("pixel", "energy", "time")), strict=True)
        assert {pixel: (energy, time) for pixel, energy, time in rows} == plain(hits, detector, half)


def test_the_seed_is_the_field_where_there_is_one() -> None:
    events = make([[(5, 1, 0), (17, 9, 0)], [(5, 1, 0)], []], seeds=[5, -1, -1])
    np.testing.assert_array_equal(seed_cells(events, GRID), [5, 5, -1])


def test_times_count_from_the_seed_cell_where_it_is_lit() -> None:
    hits = [(17, 9, 4), (18, 1, 7)]
    times = crop(make([hits, hits], seeds=[17, 16]), GRID, (2, 2), subtract_seed_time=True)["time"]
    np.testing.assert_array_equal(times, [0, 3, 4, 7])


@pytest.mark.parametrize(("hits", "seeds"), [([(120, 1, 0)], None), ([(-1, 1, 0)], None), ([(5, 1, 0)], [120])])
def test_cells_of_another_detector_are_refused_with_their_event(hits: Any, seeds: list[int] | None) -> None:
    with pytest.raises(DataError, match=r"120.*event 1"):
        seed_cells(make([[(3, 1, 0)], hits], seeds=None if seeds is None else [3, *seeds]), GRID)
