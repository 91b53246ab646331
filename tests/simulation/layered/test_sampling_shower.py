"""What particles leave in cells of layers: sums, order, places, errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.sampling_shower import SamplingSettings, deposit_in_layers

KINDS = [11, -11, 22, 111, 211, -211, 130, 2112, 2212, -321, 3122, 13, -13]


@pytest.fixture(scope="module")
def hgcal():
    return DETECTORS.build("hgcal", where="test")


def _aim(detector, count, side, slope=0.25):
    phi = np.linspace(0, 6, count)
    direction = np.column_stack([slope * np.cos(phi), slope * np.sin(phi), np.broadcast_to(side, count)])
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    return direction * (detector.front / abs(direction[:, 2:])), direction


def _shoot(detector, pdg, energy, side=1, seed=3, **changes):
    count = max(np.size(pdg), np.size(energy))
    position, direction = _aim(detector, count, side)
    pdg, energy = np.broadcast_to(pdg, count), np.broadcast_to(np.asarray(energy, float), count)
    return deposit_in_layers(
        detector, SamplingSettings(**changes), np.random.default_rng(seed), pdg, energy, position, direction
    )


def test_deposits_are_merged_sorted_and_sum_to_the_totals(hgcal):
    sides = np.where(np.arange(len(KINDS)) % 2, 1, -1)
    shower = _shoot(hgcal, KINDS, 20.0, sides)
    assert np.all(np.diff(shower.particle) >= 0)
    assert len(np.unique(np.column_stack([shower.particle, shower.cell]), axis=0)) == len(shower.cell)
    assert hgcal.is_cell(shower.cell).all()
    place, weight = hgcal.position(shower.cell), hgcal.layers.weight[hgcal.layer(shower.cell)]
    assert np.array_equal(np.sign(place[:, 2]), sides[shower.particle])
    total = np.bincount(shower.particle, shower.energy * weight, len(KINDS))
    assert total == pytest.approx(shower.total, rel=1e-4)
    centre = np.stack([np.bincount(shower.particle, shower.energy * weight * p, len(KINDS)) for p in place.T], 1)
    assert np.abs(centre / total[:, None] - shower.barycentre)[:, :2].max() < 4.0  # cells are 8 mm wide
    assert (centre / total[:, None])[:, 2] == pytest.approx(shower.barycentre[:, 2], abs=5.0)
    assert shower.energy.dtype == shower.time.dtype == np.float32


def test_the_same_seed_gives_the_same_showers_whatever_comes_after(hgcal):
    first, second = (_shoot(hgcal, 22, [30.0, 5.0]), _shoot(hgcal, 22, [30.0, 5.0]))
    assert np.array_equal(first.cell, second.cell)
    assert np.array_equal(first.energy, second.energy)
    assert not np.array_equal(first.energy, _shoot(hgcal, 22, [30.0, 5.0], seed=4).energy)


def test_particles_in_many_chunks_lose_nothing(hgcal):
    """More spots than the buffer holds at a time."""
    shower = _shoot(hgcal, 11, np.full(250, 100.0))
    assert np.array_equal(np.unique(shower.particle), np.arange(250))
    assert shower.total.mean() == pytest.approx(100.0, rel=0.02)


def test_light_takes_its_time(hgcal):
    shower = _shoot(hgcal, 11, 50.0)
    place = hgcal.position(shower.cell)
    straight = np.linalg.norm(place, axis=1) / 299.792458
    assert np.average(shower.time - straight, weights=shower.energy) == pytest.approx(0.0, abs=0.05)
    late = _shoot(hgcal, 211, np.full(40, 50.0), late_share=0.5).time.max()
    assert late > 25.0


def test_no_particle_gives_no_deposit(hgcal):
    shower = _shoot(hgcal, np.zeros(0, int), np.zeros(0))
    assert len(shower.cell) == len(shower.total) == 0
    assert shower.barycentre.shape == (0, 3)


def test_a_particle_beside_the_detector_leaves_nothing(hgcal):
    position, direction = np.array([[9000.0, 0.0, hgcal.front]]), np.array([[0.0, 0.0, 1.0]])
    shower = deposit_in_layers(
        hgcal, SamplingSettings(), np.random.default_rng(0), np.array([11]), np.array([5.0]), position, direction
    )
    assert len(shower.cell) == 0
    assert shower.total[0] == 0
    assert shower.barycentre[0] == pytest.approx(position[0])


@pytest.mark.parametrize(
    ("pdg", "energy", "flip", "message"),
    [(12, 5.0, 1, "must be an electron"), (1000020040, 5.0, 1, "hadron"), (11, 0.0, 1, "energy must be positive"),
     (11, float("nan"), 1, "energy must be positive"), (11, 5.0, -1, "away from the origin")],
)  # fmt: skip
def test_what_cannot_shower_is_said(hgcal, pdg, energy, flip, message):
    position, direction = _aim(hgcal, 1, 1)
    with pytest.raises(ConfigError, match=message):
        deposit_in_layers(
            hgcal, SamplingSettings(), np.random.default_rng(0), np.array([pdg]), np.array([energy]), position,
            direction * flip,
        )  # fmt: skip


@settings(max_examples=40)
@given(pdg=st.sampled_from(KINDS), energy=st.floats(1e-3, 300.0), slope=st.floats(0.0, 3.0), seed=st.integers(0, 99))
def test_no_energy_or_angle_upsets_a_shower(hgcal, pdg, energy, slope, seed):
    position, direction = _aim(hgcal, 3, -1, slope)
    position[:, :2] *= min(1.0, 800.0 / max(np.hypot(*position[0, :2]), 1e-9))
    shower = deposit_in_layers(
        hgcal, SamplingSettings(), np.random.default_rng(seed), np.full(3, pdg), np.full(3, energy), position, direction
    )
    assert np.isfinite(shower.energy).all()
    assert (shower.energy >= 0).all()
    assert np.isfinite(shower.time).all()
    assert np.isfinite(shower.barycentre).all()
    # Sampling fluctuations and knock-on electrons may make more of it than there is, within reason.
    assert shower.total.sum() < 3 * (3 * energy) + 8.0
