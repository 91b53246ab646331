"""Hadronic showers: fractions, tracks, depths."""

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.hadron_shower import HadronSettings, draw_em_fraction, em_fraction, hadron
from hitforge.simulation.layered.sampling_em import EmSettings
from hitforge.simulation.layered.sampling_spots import TrackLine, build_stack, empty_spots

EM = EmSettings(0.21, 0.1, 1.2, 1.1, 1.12, 12.0, 0.7, 2.5)
HADRON = HadronSettings(0.35, 1.0, 0.45, 1.5, 0.12, 10.0)
LINE = TrackLine(900.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_the_electromagnetic_fraction_grows_with_energy():
    fractions = [em_fraction(energy, 1.0) for energy in (0.5, 5.0, 50.0, 500.0)]
    assert fractions[0] == 0.0
    assert fractions == sorted(fractions)
    assert 0.4 < fractions[2] < 0.55
    assert em_fraction(50.0, 2.6) < fractions[2]


@pytest.mark.parametrize("energy", [5.0, 50.0, 300.0])
def test_drawn_fractions_have_the_mean_and_narrow_with_energy(energy):
    rng = np.random.default_rng(1)
    drawn = np.array([draw_em_fraction(rng, energy, 1.0, 1.0) for _ in range(4000)])
    assert drawn.mean() == pytest.approx(em_fraction(energy, 1.0), abs=0.03)
    assert drawn.min() >= 0.0
    assert drawn.max() <= 1.0
    mean, number = drawn.mean(), max(4.6 * np.log(energy / 11.6), 1.1)
    assert drawn.var() == pytest.approx(mean * (1 - mean) / (1 + number), rel=0.15)


def _hadrons(energy, charged, count=400, settings=HADRON):
    stack = build_stack(DETECTORS.build("hgcal", where="test"), 0.21, 1.0)
    spots, rng = empty_spots(2_000_000), np.random.default_rng(5)
    for k in range(count):
        hadron(stack, EM, settings, rng, spots, k, energy, charged, False, LINE)
    used = spots.used[0]
    layer = spots.layer[:used]
    image = np.zeros((count, len(stack.height)))
    np.add.at(image, (spots.particle[:used], layer), spots.energy[:used] * stack.weight[layer])
    return stack, image


def test_only_charged_hadrons_leave_a_track_before_they_interact():
    _, charged = _hadrons(30.0, True)
    _, neutral = _hadrons(30.0, False)
    assert np.mean(charged[:, 0] > 0) > 0.95  # a few interact before the first plane
    stack, _ = _hadrons(30.0, False, 1)
    start = np.exp(-stack.hadronic_depth[9])
    assert np.mean(neutral[:, :10].sum(1) == 0) == pytest.approx(start, abs=0.08)


def test_the_response_falls_with_h_over_e():
    _, usual = _hadrons(50.0, True)
    _, equal = _hadrons(50.0, True, settings=HADRON._replace(response=1.0))
    assert 0.55 < usual.sum(1).mean() / 50.0 < 0.7
    assert 0.88 < equal.sum(1).mean() / 50.0 < 1.02


def test_a_soft_hadron_leaves_what_it_has_at_most():
    _, image = _hadrons(0.05, True)
    assert image.sum(1).mean() < 0.08
    assert np.mean(image[:, 20:].sum(1) > 0) < 0.05
