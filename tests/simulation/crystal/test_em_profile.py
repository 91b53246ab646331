import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import gammainc

from hitforge.simulation.crystal.em_profile import (
    draw_longitudinal,
    gamma_fraction,
    mean_longitudinal,
    mean_profile,
    radial,
    spots,
)

CRITICAL, Z = 8.74e-3, 68.36


@given(st.floats(1.05, 30.0), st.floats(0.0, 200.0))
def test_incomplete_gamma_agrees_with_scipy(shape, x):
    assert gamma_fraction(shape, x, math.lgamma(shape)) == pytest.approx(gammainc(shape, x), abs=2e-6)


def test_the_maximum_lies_where_published_formulas_put_it():
    """T = ln y - 0.812 and alpha = 0.81 + (0.458 + 2.26 / Z) ln y."""
    t, alpha = mean_longitudinal(50.0 / CRITICAL, Z)
    assert t == pytest.approx(math.log(50.0 / CRITICAL) - 0.812)
    edges = np.arange(0, 25, 0.01)
    assert edges[np.argmax(mean_profile(50.0, CRITICAL, Z, edges))] == pytest.approx(t, abs=0.05)
    assert alpha == pytest.approx(0.81 + (0.458 + 2.26 / Z) * math.log(50.0 / CRITICAL))


@given(st.floats(0.01, 1000.0))
def test_a_profile_is_a_distribution(energy):
    share = mean_profile(energy, CRITICAL, Z, np.linspace(0, 60, 100))
    assert (share >= -1e-6).all()
    assert share.sum() == pytest.approx(1.0, abs=1e-3)


@given(st.floats(0.01, 1000.0), st.floats(0.0, 10.0))
def test_radial_parameters_are_physical(energy, tau):
    core, tail, weight = radial(tau, energy, Z)
    assert 0 < core < 2
    assert tail > 0
    assert 0 <= weight <= 1


@given(st.floats(1.5 * CRITICAL, 1000.0), st.floats(-6, 6), st.floats(-6, 6))
def test_no_fluctuation_leaves_physics(energy, first, second):
    t, alpha = draw_longitudinal(max(energy / CRITICAL, 1.5), Z, first, second)
    assert t > 0
    assert alpha > 1


def test_fluctuations_are_those_of_the_paper():
    """The logarithms of T and alpha at 50 GeV: widths 1/(-1.4 + 1.26 ln y), 1/(-0.58 + 0.86 ln y), correlated."""
    y = 50.0 / CRITICAL
    rng = np.random.default_rng(1)
    drawn = np.log([draw_longitudinal(y, Z, *rng.standard_normal(2)) for _ in range(5000)])
    assert drawn[:, 0].std() == pytest.approx(1 / (-1.4 + 1.26 * math.log(y)), rel=0.05)
    assert drawn[:, 1].std() == pytest.approx(1 / (-0.58 + 0.86 * math.log(y)), rel=0.05)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(0.705 - 0.023 * math.log(y), abs=0.04)


def test_spots_grow_a_little_slower_than_the_energy():
    assert spots(100.0, Z) / spots(10.0, Z) == pytest.approx(10**0.876)
