"""What readers of images share: checks that name file and event, and cells that keep every pixel's place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.readers._images import ImageConfig, check_images, check_labels, check_layout, to_events

GRID = PixelGrid(PixelGrid.Config(rows=4, columns=6))
FILE = Path("images.h5")


def test_each_lit_pixel_is_a_hit_in_its_cell() -> None:
    random = np.random.default_rng(1)
    energy = random.random((3, 4, 6)) * (random.random((3, 4, 6)) < 0.5)
    time = random.normal(size=(3, 4, 6))
    units = ImageConfig(energy_unit=10.0, time_unit=2.0, threshold=3.0)
    events = to_events(energy, time, np.array([0, 1, 1]), GRID, units)
    dense = np.zeros((2, 3, 4, 6))
    at = (events.hits.event, *GRID.grid(events.hits["cell"]))
    dense[0][at], dense[1][at] = events.hits["energy"], events.hits["time"]
    lit = energy * 10 > 3
    np.testing.assert_allclose(dense[0], np.where(lit, energy * 10, 0), rtol=1e-6)
    np.testing.assert_allclose(dense[1], np.where(lit, time * 2, 0), rtol=1e-6)
    np.testing.assert_allclose(events.field("dropped_energy"), np.where(lit, 0, energy * 10).sum((1, 2)), rtol=1e-5)
    np.testing.assert_array_equal(events.field("primary_pdg"), [22, 11, 11])
    np.testing.assert_array_equal(events.field("seed_cell"), [2 * 6 + 3] * 3)


@pytest.mark.parametrize(("value", "lowest", "message"), [(np.nan, None, "finite"), (-0.5, -0.1, ">= 0")])
def test_values_that_are_not_physical_name_file_and_event(value: float, lowest: float | None, message: str) -> None:
    images = np.zeros((3, 4, 6))
    images[1, 2, 3] = value
    with pytest.raises(DataError, match=rf"{message}.*{FILE}, event 41"):
        check_images(images, "'X'", np.array([40, 41, 42]), FILE, lowest)
    check_images(images[:1], "'X'", np.array([40]), FILE, lowest)


def test_any_value_is_allowed_where_no_lowest_is_given() -> None:
    check_images(np.full((2, 4, 6), -1e6), "time", np.arange(2), FILE, None)


def test_labels_become_integers() -> None:
    np.testing.assert_array_equal(check_labels(np.array([[0.0], [1.0]]), "'y'", FILE), [0, 1])


@pytest.mark.parametrize(
    ("labels", "message"),
    [([0, 1, 2], "event 12"), ([0.5], "event 10"), ([[0, 1]], "list of numbers"), (["a"], "list of numbers")],
)
def test_wrong_labels_are_refused(labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_labels(np.array(labels), "'y'", FILE, first=10)


@pytest.mark.parametrize(
    ("shape", "dtype", "message"),
    [((3, 4, 5), "float32", "shape"), ((), "float32", "shape"), ((3, 4, 6), "O", "floating"), ((3, 4, 6), "i4", "flo")],
)
def test_wrong_layouts_are_refused(shape: tuple[int, ...], dtype: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_layout(shape, np.dtype(dtype), "'X'", (4, 6), FILE)
    check_layout((3, 4, 6), np.dtype("float16"), "'X'", (4, 6), FILE)
