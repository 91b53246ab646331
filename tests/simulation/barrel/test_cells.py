"""Read-out of cells: smearing, thresholds, and hits of noise alone."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.detectors.tower_barrel import TowerBarrel
from hitforge.simulation.barrel.cells import CellReadout, read_out

TOWERS = TowerBarrel(TowerBarrel.Config())
AXIS = np.array([[1.0, 0.0, 0.1], [-1.0, 0.01, 0.5]])


def read(
    event: list[int],
    cell: list[int],
    energy: list[float],
    axis: np.ndarray = AXIS,
    reach: float = 0.5,
    **settings: float,
) -> tuple[np.ndarray, ...]:
    chosen = CellReadout(**{"noise": 0.0, "threshold": 0.0, **settings})
    return read_out(
        TOWERS,
        chosen,
        np.random.default_rng(1),
        np.array(event, int),
        np.array(cell, int),
        np.array(energy),
        axis,
        reach,
    )


def test_deposits_in_a_cell_add_and_faint_cells_are_left_out() -> None:
    event, cell, energy = read([1, 0, 1, 1], [7, 9, 7, 3], [1.0, 2.0, 3.0, 0.2], threshold=0.5)
    assert event.tolist() == [0, 1]
    assert cell.tolist() == [9, 7]
    assert energy == pytest.approx([2.0, 4.0])


def test_cells_spread_as_the_settings_say() -> None:
    many = np.arange(2000)
    _, _, energy = read(
        np.zeros(2000, int),
        many,
        np.full(2000, 9.0),
        noise=0.3,
        stochastic=0.2,
        constant=0.05,
        reach=1e-9,
        threshold=0.0,
    )  # type: ignore[arg-type]
    assert energy.mean() == pytest.approx(9.0, abs=0.05)
    assert energy.std() == pytest.approx(np.sqrt(0.3**2 + 0.2**2 * 9 + (0.05 * 9) ** 2), rel=0.05)


def test_noise_makes_as_many_hits_as_a_gaussian_has_beyond_the_threshold_about_the_axis() -> None:
    axis = np.repeat(AXIS, 2000, axis=0)
    event, cell, energy = read([], [], [], axis=axis, noise=0.2, threshold=0.4)
    place = TOWERS.position(cell)
    deta = np.arcsinh(place[:, 2] / np.hypot(place[:, 0], place[:, 1])) - np.arcsinh(
        axis[event, 2] / np.hypot(axis[event, 0], axis[event, 1])
    )
    dphi = np.angle(np.exp(1j * (np.arctan2(place[:, 1], place[:, 0]) - np.arctan2(axis[event, 1], axis[event, 0]))))
    assert np.abs(deta).max() < 0.5
    assert np.abs(dphi).max() < 0.5 + 0.1
    rows = (np.abs((np.arange(34) + 0.5 - 17) * 0.087 - np.arcsinh(0.1)) < 0.5).sum()
    assert (event % 4000 < 2000).sum() / 2000 == pytest.approx(
        rows * 12 * 0.02275, rel=0.05
    )  # less those that coincide
    assert energy.min() > 0.4
    assert np.mean(energy > 0.6) == pytest.approx(0.00135 / 0.02275, rel=0.15)
    assert (np.diff(event) >= 0).all()
