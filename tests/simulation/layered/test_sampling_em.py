"""One electromagnetic shower, layer by layer."""

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.sampling_em import EmSettings, em_shower
from hitforge.simulation.layered.sampling_spots import TrackLine, build_stack, empty_spots

SETTINGS = EmSettings(0.21, 0.75, 1.2, 1.1, 1.12, 12.0, 0.7, 2.5)
STRAIGHT = TrackLine(0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@pytest.fixture(scope="module")
def stack():
    return build_stack(DETECTORS.build("ild_ecal", where="test"), 0.21, 1.0)


def _layers(stack, energy, start, track, count=300):
    spots, rng = empty_spots(4_000_000), np.random.default_rng(2)
    for k in range(count):
        em_shower(stack, SETTINGS, rng, spots, k, energy, start, track)
    used = spots.used[0]
    layer = spots.layer[:used]
    return np.bincount(layer, spots.energy[:used] * stack.weight[layer], len(stack.weight)) / count


def test_layers_follow_the_profile_and_hold_the_energy(stack):
    layers = _layers(stack, 20.0, 0.0, STRAIGHT)
    assert layers.sum() == pytest.approx(20.0, rel=0.03)
    assert 6 <= np.argmax(layers) <= 11


def test_a_later_start_moves_the_shower_by_as_much(stack):
    early, late = (_layers(stack, 20.0, start, STRAIGHT) for start in (0.0, 4.0))
    depth = [(layers * stack.depth).sum() / layers.sum() for layers in (early, late)]
    assert depth[1] - depth[0] == pytest.approx(4.0, abs=0.3)
    assert np.all(late[stack.depth < 4.0] == 0)


def test_an_inclined_shower_is_shorter_in_depth(stack):
    straight = _layers(stack, 20.0, 0.0, STRAIGHT)
    inclined = _layers(stack, 20.0, 0.0, TrackLine(0.0, 0.0, 0.75, 0.0, 0.8, 0.0))
    depth = [(layers * stack.depth).sum() / layers.sum() for layers in (straight, inclined)]
    assert depth[1] == pytest.approx(0.8 * depth[0], rel=0.03)
    assert inclined.sum() == pytest.approx(straight.sum(), rel=0.03)


def test_behind_the_last_plane_nothing_is_left(stack):
    assert _layers(stack, 20.0, 30.0, STRAIGHT, 5).sum() == 0.0


def test_few_spots_do_not_change_the_mean(stack):
    coarse = SETTINGS._replace(spot_density=0.02, halo_spot=20.0)
    spots, rng = empty_spots(1_000_000), np.random.default_rng(2)
    for k in range(400):
        em_shower(stack, coarse, rng, spots, k, 20.0, 0.0, STRAIGHT)
    used = spots.used[0]
    total = (spots.energy[:used] * stack.weight[spots.layer[:used]]).sum() / 400
    assert total == pytest.approx(_layers(stack, 20.0, 0.0, STRAIGHT).sum(), rel=0.02)
