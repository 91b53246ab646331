import numpy as np
import pytest
from scipy.stats import norm

from hitforge.core.errors import ConfigError
from hitforge.simulation.layered.readout import CalorimeterHits, CalorimeterReadout, Cells, Digitiser
from hitforge.simulation.layered.window import Windows
from tests.layered import FRONT, HONEYCOMB, LAYERS, PITCH

MIP, WEIGHT = HONEYCOMB.layers.mip[0], HONEYCOMB.layers.weight[0]
QUIET = {"noise": 0.0, "calibration": 0.0}
NONE = Cells(np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0))


def _windows(events=1, radius=200.0):
    one = np.ones(events, int)
    return Windows(one, 600.0 * one, 0.0 * one, radius, FRONT, True)


def _cells(count, event=None, energy=10.0, layer=None):
    """Different cells along a line near (600, 0)."""
    layer = np.arange(count) % LAYERS if layer is None else np.full(count, layer)
    x = 500 + PITCH * (np.arange(count) // LAYERS if layer.max() != layer.min() else np.arange(count))
    cell = HONEYCOMB.cell_in(layer, x.astype(float), np.zeros(count), np.ones(count))
    event = np.zeros(count, int) if event is None else np.asarray(event)
    return Cells(event, cell, np.full(count, energy * MIP), np.full(count, 11.0))


def _read(settings, windows, signal, background=None, seed=1):
    digitiser = Digitiser(HONEYCOMB, CalorimeterReadout(**settings))
    return digitiser.read(np.random.default_rng(seed), windows, signal, background)


def test_without_noise_energies_come_back_times_the_weight():
    signal = _cells(100)
    hits = _read(QUIET, _windows(), signal)
    assert hits.counts.tolist() == [100]
    assert hits.cell.tolist() == sorted(signal.cell.tolist())
    assert hits.energy == pytest.approx(np.full(100, 10 * MIP * WEIGHT), rel=1e-5)
    assert (hits.share == 1).all()
    assert np.array_equal(hits.layer, HONEYCOMB.layer(hits.cell))
    assert hits.time == pytest.approx(np.full(100, 11.0), abs=0.4)
    assert hits.dropped_cells.tolist() == [0]


def test_signal_and_background_add_up_and_share_the_hit():
    signal, pile = _cells(3, energy=3.0), _cells(2, energy=9.0)
    hits = _read(QUIET, _windows(), signal, pile)
    energy, share = hits.energy / (MIP * WEIGHT), hits.share
    assert sorted(energy.tolist()) == pytest.approx([3.0, 12.0, 12.0], rel=1e-5)
    assert share[energy > 4] == pytest.approx([0.25, 0.25], rel=1e-5)
    assert share[energy < 4] == pytest.approx([1.0])
    assert hits.background_energy == pytest.approx([18 * MIP * WEIGHT])


def test_noise_takes_its_part_of_a_hit():
    """The share is that of the measured energy; where noise took some away, the signal gave all of the hit."""
    signal = _cells(400, energy=3.0)
    hits = _read(QUIET | {"noise": 0.5, "threshold": 0.6}, _windows(radius=1000.0), signal)
    own = np.isin(hits.cell, signal.cell)
    measured = hits.energy[own] / (MIP * WEIGHT)
    assert (measured > 3.2).sum() > 50
    assert (measured < 2.8).sum() > 50
    assert hits.share[own] == pytest.approx(np.minimum(3.0 / measured, 1.0), rel=1e-5)
    assert (hits.share[~own] == 0).all()


def test_noise_takes_its_part_beside_a_background_and_a_gain():
    signal, pile = _cells(400, energy=2.0), _cells(400, energy=1.0)
    plain = _read(QUIET | {"calibration": 0.2}, _windows(radius=1000.0), signal, pile)
    gain = plain.energy / (3.0 * MIP * WEIGHT)  # of each cell
    assert plain.share == pytest.approx(np.full(len(gain), 2 / 3), rel=1e-5)
    noisy = _read({"calibration": 0.2, "noise": 0.5, "threshold": 0.6}, _windows(radius=1000.0), signal, pile)
    at = np.searchsorted(noisy.cell, plain.cell)  # a hit of each cell stands at one of these, or it was not above
    both = noisy.cell[np.minimum(at, len(noisy.cell) - 1)] == plain.cell
    measured, share = noisy.energy[at[both]] / (MIP * WEIGHT), noisy.share[at[both]]
    assert both.sum() > 350
    assert share == pytest.approx(2.0 * gain[both] / np.maximum(measured, 3.0 * gain[both]), rel=1e-4)


def test_a_cell_that_is_given_twice_is_one_hit_with_the_mean_time():
    one = _cells(1)
    twice = Cells(np.zeros(2, int), np.repeat(one.cell, 2), np.array([1.0, 3.0]) * MIP, np.array([10.0, 14.0]))
    hits = _read(QUIET | {"time_noise": 0.0, "time_constant": 0.0}, _windows(), twice)
    assert hits.counts.tolist() == [1]
    assert hits.energy == pytest.approx([4 * MIP * WEIGHT])
    assert hits.time == pytest.approx([13.0])


def test_the_threshold_cuts_and_what_it_cuts_is_counted():
    low, high = _cells(20, energy=0.49), _cells(20, energy=0.51)
    assert _read(QUIET, _windows(), high).counts.tolist() == [20]
    hits = _read(QUIET, _windows(), low)
    assert hits.counts.tolist() == [0]
    assert hits.dropped_cells.tolist() == [20]
    assert hits.dropped_energy == pytest.approx([20 * 0.49 * MIP * WEIGHT])


def test_energy_outside_the_window_is_dropped_and_counted():
    signal = _cells(10)
    hits = _read(QUIET, Windows(np.ones(1, int), np.array([-600.0]), np.zeros(1), 100.0, FRONT, True), signal)
    assert hits.counts.tolist() == [0]
    assert hits.dropped_cells.tolist() == [10]
    assert hits.dropped_energy == pytest.approx([100 * MIP * WEIGHT])


def test_dead_layers_and_dead_cells_give_no_hits_and_always_the_same():
    signal = _cells(LAYERS)
    hits = _read(QUIET | {"dead_layers": [0, 5]}, _windows(), signal)
    assert set(hits.layer.tolist()) == set(range(LAYERS)) - {0, 5}
    assert hits.dropped_cells.tolist() == [2]
    noisy = _read({"noise": 0.4, "dead_layers": [3]}, _windows(), NONE)
    assert noisy.counts[0] > 100
    assert 3 not in noisy.layer
    # One plane of 2,000 cells: the same share and the same cells at every reading, others with another seed.
    x, y = (part.ravel() * PITCH for part in np.meshgrid(np.arange(40, 80), np.arange(-25.0, 25.0)))
    cell = np.unique(HONEYCOMB.cell_in(np.zeros(len(x), int), x, y, np.ones(len(x))))
    plane = Cells(np.zeros(len(cell), int), cell, np.full(len(cell), MIP), np.zeros(len(cell)))
    whole = _windows(radius=0.0)
    first, again, other = (
        _read(QUIET | {"dead_cells": 0.2, "cell_seed": number}, whole, plane, seed=seed).cell
        for seed, number in ((1, 7), (2, 7), (1, 8))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert 1 - len(first) / len(cell) == pytest.approx(0.2, abs=0.03)


def test_calibration_is_fixed_for_each_cell_with_the_spread_asked_for():
    signal = _cells(1200)
    whole = _windows(radius=0.0)
    settings = {"noise": 0.0, "calibration": 0.05}
    first, again = (_read(settings, whole, signal, seed=seed).energy for seed in (1, 2))
    assert np.array_equal(first, again)
    gain = first / (10 * MIP * WEIGHT)
    assert gain.mean() == pytest.approx(1.0, abs=0.006)
    assert gain.std() == pytest.approx(0.05, rel=0.08)
    assert np.abs(np.corrcoef(gain[1:], gain[:-1])[0, 1]) < 0.1


def test_saturation_and_noise_of_a_cell_with_energy():
    assert _read(QUIET | {"saturation": 4.0}, _windows(), _cells(5)).energy == pytest.approx([4 * MIP * WEIGHT] * 5)
    noisy = _read({"noise": 0.3, "calibration": 0.0}, _windows(radius=0.0), _cells(2000))
    with_energy = noisy.energy[noisy.share > 0] / (MIP * WEIGHT)
    assert with_energy.mean() == pytest.approx(10.0, abs=0.03)
    assert with_energy.std() == pytest.approx(0.3, rel=0.06)
    assert (noisy.share <= 1).all()


@pytest.mark.parametrize(("noise", "threshold"), [(0.2, 0.5), (0.5, 0.6)])
def test_rate_and_spectrum_of_noise_follow_the_gaussian_tail(noise, threshold):
    hits = _read({"noise": noise, "threshold": threshold}, _windows(40), NONE)
    side = 600 + np.arange(-320.0, 321.0, 4.0)
    x, y = (part.ravel() for part in np.meshgrid(side, side - 600))
    cells = 0
    for layer in range(LAYERS):
        cell = np.unique(HONEYCOMB.cell_in(np.full(len(x), layer), x, y, np.ones(len(x))))
        cells += np.count_nonzero(_windows().contains(np.zeros(len(cell), int), HONEYCOMB.position(cell)))
    expected = cells * norm.sf(threshold / noise)
    assert hits.counts.mean() == pytest.approx(expected, abs=5 * np.sqrt(expected / 40))
    energy = hits.energy / (MIP * WEIGHT)
    assert energy.min() >= threshold
    tail = noise * norm.pdf(threshold / noise) / norm.sf(threshold / noise)
    assert energy.mean() == pytest.approx(tail, rel=0.01)
    assert (hits.share == 0).all()
    place = HONEYCOMB.position(hits.cell)
    assert place[:, 0].mean() / place[:, 2].mean() == pytest.approx(600 / FRONT, rel=0.005)
    assert np.unique(np.stack([np.repeat(np.arange(40), hits.counts), hits.cell]), axis=1).shape[1] == len(hits.cell)


def test_noise_of_the_whole_detector_is_everywhere():
    digitiser = Digitiser(HONEYCOMB, CalorimeterReadout(threshold=0.7))
    whole = _windows(2, radius=0.0)
    hits = digitiser.read(np.random.default_rng(1), whole, NONE)
    expected = digitiser.noise_hits(whole)
    assert expected == pytest.approx(2 * LAYERS * 501**2 * norm.sf(3.5), rel=0.02)
    assert hits.counts == pytest.approx(expected, rel=0.1)
    place = HONEYCOMB.position(hits.cell)
    assert (place[:, 2] > 0).mean() == pytest.approx(0.5, abs=0.05)
    assert np.abs(place[:, 0]).max() > 3000


def test_time_spreads_as_asked_and_events_stay_apart():
    signal = _cells(1800, event=np.repeat(np.arange(3), 600))
    hits = _read(QUIET | {"time_noise": 1.0, "time_constant": 0.1}, _windows(3, radius=0.0), signal)
    assert hits.counts.tolist() == [600, 600, 600]
    assert hits.time.std() == pytest.approx(np.hypot(0.1, 0.1), rel=0.06)
    both = CalorimeterHits.concatenate([hits, hits])
    assert both.counts.tolist() == [600] * 6
    assert len(both.cell) == 3600


def test_a_dead_layer_that_does_not_exist_is_an_error():
    with pytest.raises(ConfigError, match="dead layers must lie between 0 and 11"):
        Digitiser(HONEYCOMB, CalorimeterReadout(dead_layers=(12,)))
    with pytest.raises(ConfigError, match="layers count from 0"):
        CalorimeterReadout.read({"dead_layers": [-1]}, where="recipe")
    with pytest.raises(ConfigError, match="threshold"):
        CalorimeterReadout.read({"threshold": 0.0}, where="recipe")
