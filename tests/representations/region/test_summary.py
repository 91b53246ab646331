"""Numbers about an event's region."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import Events
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.representations.region.summary import SUMMARY, summarise
from tests.layered import AT_FRONT, FRONT, HONEYCOMB, from_cells, showers

STANDARD = RegionSettings()


def table(events: Events, settings: RegionSettings = STANDARD) -> dict[str, np.ndarray]:
    values = summarise(events, find_regions(events, settings, AT_FRONT), settings, AT_FRONT)
    assert values.dtype == np.float32
    assert values.shape == (len(events), len(SUMMARY))
    assert np.isfinite(values).all()
    return dict(zip(SUMMARY, values.T.astype(np.float64), strict=True))


def stack(x: list[float], layer: list[int], energy: list[float], side: int = 1) -> Events:
    """One event whose hits lie on a line from the origin, ``x`` [mm] away from it at the plane."""
    index = np.array(layer)
    z = HONEYCOMB.layers.z[index]
    cell = HONEYCOMB.cell_in(index, (1000.0 + np.array(x)) * z / FRONT, np.zeros(len(x)), np.full(len(x), side))
    return from_cells([len(x)], cell, energy)


def test_values_are_what_their_formulas_say() -> None:
    energy = np.array([6.0, 10.0, 2.0, 1.0, 1.0])
    for side in (1, -1):
        found = table(stack([0.0, 0.0, 0.0, 60.0, 400.0], [1, 3, 9, 3, 3], list(energy), side))
        inside, layer = energy[:4], np.array([1, 3, 9, 3])
        mean = np.average(layer, weights=inside)
        expected = {
            "log_energy": np.log1p(19) / 5, "log_energy_0": np.log1p(17) / 5, "log_energy_1": np.log1p(2) / 5,
            "log_energy_2": 0, "log_energy_beyond": np.log1p(1) / 5, "log_hits": np.log1p(4) / 7,
            "core_share": 18 / 19, "hottest_share": 10 / 19,
            "log_hit_energy": np.average(np.log1p(inside / 0.01), weights=inside) / 5,
            "depth": mean / 30, "depth_spread": np.sqrt(np.average((layer - mean) ** 2, weights=inside)) / 30,
            "start": 1 / 30, "end": 9 / 30, "lit_layers": 3 / 30,
        }  # fmt: skip
        for name, value in expected.items():
            assert found[name][0] == pytest.approx(value, abs=1e-5), name
        assert found["eta"][0] == pytest.approx(np.arcsinh(FRONT / 1000) / 3, abs=2e-3)
        assert found["width"][0] == pytest.approx(60 * np.sqrt(1 / 19) / 30, abs=0.1)


def test_values_of_showers_are_of_order_one() -> None:
    for values in table(showers(40)).values():
        assert np.abs(values).max() < 3


def test_empty_events_are_zeros() -> None:
    cell = HONEYCOMB.cell_in(np.array([2]), np.array([900.0]), np.array([0.0]), np.array([1]))
    values = table(from_cells([0, 1, 1], [*cell, *cell], [0.0, 5.0]))
    for name, column in values.items():
        assert not column[:2].any(), name
    assert values["hottest_share"][2] == 1
    assert values["depth_spread"][2] == 0


def test_a_later_subsystem_counts_with_the_last() -> None:
    events = stack([0.0, 0.0], [0, 1], [1.0, 2.0])
    events.hits["subsystem"][:] = [7, 2]
    found = table(events)
    assert found["log_energy_2"][0] == pytest.approx(np.log1p(3) / 5)
    assert found["log_energy_0"][0] == 0


def test_hits_beyond_the_radius_are_counted_beside() -> None:
    assert (table(showers(10), RegionSettings(radius=20))["log_energy_beyond"] > 0).all()
