"""Formulas of showers in sampling calorimeters."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.simulation.crystal.em_profile import mean_longitudinal, radial
from hitforge.simulation.layered.sampling_profile import (
    sampled_longitudinal,
    sampled_radial,
    sampled_spots,
    signal_ratio,
    typical_longitudinal,
)


def test_electrons_leave_less_than_tracks_behind_heavy_absorbers():
    assert signal_ratio(14.0, 14.0) == 1.0
    assert signal_ratio(82.0, 14.0) == pytest.approx(1 / 1.476)


def test_a_medium_sampled_everywhere_is_homogeneous():
    """With very thin layers of one material the corrections vanish."""
    assert typical_longitudinal(2000.0, 50.0, 1e9, 1.0) == pytest.approx(mean_longitudinal(2000.0, 50.0))
    assert sampled_radial(1.2, 50.0, 50.0, 1e9, 1.0) == pytest.approx(radial(1.2, 50.0, 50.0))


def test_corrections_are_the_published_ones():
    t, alpha = mean_longitudinal(1000.0, 60.0)
    assert typical_longitudinal(1000.0, 60.0, 1.5, 0.7) == pytest.approx(
        (t - 0.55 / 1.5 - 0.69 * 0.3, alpha - 0.476 / 1.5)
    )
    core, tail, weight = radial(1.0, 50.0, 60.0)
    expected = (
        core - 0.0203 * 0.3 + 0.0397 / 1.5 * math.exp(-1.0),
        tail - 0.14 * 0.3 - 0.495 / 1.5 * math.exp(-1.0),
        weight + 0.3 * (0.348 - 0.642 / 1.5),
    )
    assert sampled_radial(1.0, 50.0, 60.0, 1.5, 0.7) == pytest.approx(expected)
    assert sampled_spots(10.0, 0.2) == pytest.approx(51.5 * 10**0.959)


def test_a_shower_without_fluctuation_is_the_typical_one():
    typical = typical_longitudinal(3000.0, 60.0, 1.5, 0.7)
    assert sampled_longitudinal(3000.0, 60.0, 1.5, 0.7, 0.0, 0.0) == pytest.approx(typical)
    late, _ = sampled_longitudinal(3000.0, 60.0, 1.5, 0.7, 2.0, 0.0)
    assert late > 1.1 * typical[0]


@given(
    energy=st.floats(1e-3, 5e3), z=st.floats(10, 80), frequency=st.floats(0.1, 5), ratio=st.floats(0.5, 1.1),
    first=st.floats(-5, 5), second=st.floats(-5, 5), tau=st.floats(0.01, 8),
)  # fmt: skip
def test_parameters_stay_physical_at_all_energies(energy, z, frequency, ratio, first, second, tau):
    t, alpha = sampled_longitudinal(energy / 0.01, z, frequency, ratio, first, second)
    assert math.isfinite(t)
    assert t > 0
    assert alpha >= 1.1
    core, tail, weight = sampled_radial(tau, energy, z, frequency, ratio)
    assert 0 < core <= tail < 1e3
    assert 0 <= weight <= 1
