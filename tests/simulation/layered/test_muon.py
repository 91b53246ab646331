"""Tracks of minimum ionising particles."""

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.muon import muon, straggled
from hitforge.simulation.layered.sampling_em import EmSettings
from hitforge.simulation.layered.sampling_spots import TrackLine, build_stack, empty_spots

SETTINGS = EmSettings(0.21, 0.75, 1.2, 1.1, 1.12, 12.0, 3.3, 2.0)


def _muons(energy, count=300, slope=0.0):
    stack = build_stack(DETECTORS.build("hgcal", where="test"), 0.21, 1.0)
    spots, rng = empty_spots(400_000), np.random.default_rng(5)
    track = TrackLine(900.0, 0.0, slope, 0.0, 1 / np.hypot(1.0, slope), 0.0)
    for k in range(count):
        muon(stack, SETTINGS, rng, spots, k, energy, track)
    return stack, spots


def test_straggling_peaks_at_the_most_probable_energy_and_has_a_tail():
    rng = np.random.default_rng(1)
    values = np.array([straggled(rng, 2.0) for _ in range(40000)])
    counts, edges = np.histogram(values, 60, (1.0, 4.0))
    assert edges[np.argmax(counts)] == pytest.approx(2.0, abs=0.15)
    assert values.min() > 0
    assert 1.2 < values.mean() / 2.0 < 1.5  # 116 keV against 84 keV in 0.3 mm of silicon


def test_a_fast_muon_crosses_every_layer():
    stack, spots = _muons(50.0)
    used = spots.used[0]
    crossed = np.zeros((300, len(stack.height)), bool)
    crossed[spots.particle[:used], spots.layer[:used]] = True
    assert crossed.all()


def test_a_slow_muon_stops():
    stack, spots = _muons(1.0)
    used = spots.used[0]
    last = np.zeros(300, int)
    np.maximum.at(last, spots.particle[:used], spots.layer[:used])
    assert np.all(last < len(stack.height) - 5)
    assert np.all(last > 10)


def test_hard_photons_are_rare_and_come_with_energy():
    stack, spots = _muons(300.0, 400)
    used = spots.used[0]
    layer = spots.layer[:used]
    total = np.bincount(spots.particle[:used], spots.energy[:used] * stack.weight[layer], 400)
    radiated = (total > np.median(total) + 4.0).mean()
    assert 0 < radiated < 0.1


def test_an_inclined_track_spreads_over_the_thickness():
    _, spots = _muons(50.0, 20, slope=1.0)
    first = spots.x[: spots.used[0] : 2] - spots.x[1 : spots.used[0] : 2]
    assert np.all(np.abs(first) > 0)
    assert np.all(np.abs(first) < 0.5)
