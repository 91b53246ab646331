"""Layers as arrays, lines, and spots around them."""

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.sampling_spots import TrackLine, build_stack, carry_depth, empty_spots, scatter

STRAIGHT = TrackLine(0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def stack():
    return build_stack(DETECTORS.build("ild_ecal", where="test"), 0.2, 1.0)


def test_depths_and_noise_follow_the_layers(stack):
    layers = DETECTORS.build("ild_ecal", where="test").layers
    assert stack.depth[-1] == pytest.approx(layers.radiation_lengths.sum())
    assert np.all(np.diff(stack.height) > 0)
    assert np.median(stack.noise) == pytest.approx(0.04)
    assert stack.noise[25] / stack.noise[15] == pytest.approx(layers.weight[25] / layers.weight[15])


def test_odd_layers_can_be_made_brighter():
    detector = DETECTORS.build("ild_ecal", where="test")
    gain = build_stack(detector, 0.2, 1.2).gain
    assert gain[1] / gain[0] == pytest.approx(1.2)
    assert gain.mean() == pytest.approx(1.0)


def test_locate_carries_depths_along_the_planes(stack):
    assert carry_depth(stack.depth, 0.0, stack.height) == 0.0
    for layer in (0, 7, 29):
        assert carry_depth(stack.depth, stack.depth[layer], stack.height) == pytest.approx(stack.height[layer])
    assert carry_depth(stack.depth, stack.depth[-1] + 1.0, stack.height) > stack.height[-1]


def test_spots_follow_the_radial_profile_around_an_inclined_line():
    spots, rng = empty_spots(20000), np.random.default_rng(1)
    line = TrackLine(5.0, -3.0, 0.75, 0.0, 0.8, 6.0)
    scatter(spots, rng, 4, 2, 20000, 0.5, 0.0, 10.0, 1000.0, 100.0, line, 0.0, 0.0, 0.0)
    across = np.hypot((spots.x - 80.0) * 0.8, spots.y + 3.0)  # in the plane across the line
    assert np.median(across) == pytest.approx(10.0, rel=0.05)
    assert np.all(spots.energy == 0.5)
    assert set(spots.particle) == {4}
    assert spots.time.min() == pytest.approx(6.0 + 125.0 / 299.792458, abs=0.01)


def test_spots_of_a_clump_lie_together_and_clumps_follow_the_profile():
    spots, rng = empty_spots(20000), np.random.default_rng(1)
    scatter(spots, rng, 0, 0, 20000, 1.0, 0.0, 10.0, 1000.0, 0.0, STRAIGHT, 0.0, 0.75, 0.01)
    step = np.hypot(np.diff(spots.x), np.diff(spots.y))
    assert np.mean(step < 0.2) == pytest.approx(0.75, abs=0.02)
    first = np.append(True, step > 0.2)
    assert np.median(np.hypot(spots.x, spots.y)[first]) == pytest.approx(10.0, rel=0.05)


def test_a_full_buffer_keeps_the_energy():
    spots, rng = empty_spots(10), np.random.default_rng(1)
    scatter(spots, rng, 0, 0, 25, 1.0, 0.0, 1.0, 10.0, 0.0, STRAIGHT, 0.0, 0.0, 0.0)
    assert spots.used[0] == 10
    assert spots.energy.sum() == 25.0
