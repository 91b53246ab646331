import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.pileup import PileupSettings, overlay, pool_of
from hitforge.simulation.layered.sampling_shower import SamplingSettings
from hitforge.simulation.layered.window import Windows
from tests.layered import FRONT, HONEYCOMB

SHOWER = SamplingSettings()
SETTINGS = PileupSettings(mu=3.0, pool=12)


@pytest.fixture(scope="module")
def pool():
    return pool_of(HONEYCOMB, SETTINGS, SHOWER, 1)


def _windows(events, radius=200.0, x=500.0, y=0.0, side=1):
    one = np.ones(events)
    return Windows((side * one).astype(int), x * one, y * one, radius, FRONT, True)


def _overlay(pool, interactions, windows, seed=1):
    return overlay(pool, np.random.default_rng(seed), np.asarray(interactions), windows)


def test_a_pool_is_made_once_and_always_the_same(pool):
    assert pool_of(HONEYCOMB, PileupSettings(mu=200.0, pool=12), SHOWER, 1) is pool  # mu does not matter
    other = pool_of(HONEYCOMB, SETTINGS, SHOWER, 2)
    assert other is not pool
    assert not np.array_equal(other.energy[:50], pool.energy[:50])
    pool_of(HONEYCOMB, PileupSettings(pool=2), SHOWER, 1)  # drives the first one out of memory
    again = pool_of(HONEYCOMB, SETTINGS, SHOWER, 1)
    assert again is not pool
    for name in ("u", "v", "energy", "time", "cell", "begins"):
        assert np.array_equal(getattr(again, name), getattr(pool, name))


def test_the_seed_is_that_of_the_source():
    with pytest.raises(ConfigError, match=r"source\.seed"):
        PileupSettings.read({"seed": 3}, where="recipe")


def test_rows_are_sorted_by_half_and_square(pool):
    assert pool.interactions == 12
    assert pool.begins[-1, -1] == len(pool.u) == len(pool.energy)
    assert np.array_equal(pool.begins[1:, 0], pool.begins[:-1, -1])
    half, square = 7, 0
    widest = np.argmax(np.diff(pool.begins[half]))
    square = int(widest)
    rows = slice(pool.begins[half, square], pool.begins[half, square + 1])
    size = 2 * pool.edge / pool.squares
    assert (np.floor((pool.u[rows] + pool.edge) / size) == square % pool.squares).all()
    assert (np.floor((pool.v[rows] + pool.edge) / size) == square // pool.squares).all()


def test_the_turns_of_a_honeycomb_are_found_and_keep_every_energy(pool):
    # The tested honeycomb ends at a rhombus, so that only its inner part comes to lie on itself.
    degrees = np.degrees(pool.angles).round().astype(int)
    assert pool.kept == len(pool.angles) // 2
    assert degrees[: pool.kept].tolist() == degrees[pool.kept :].tolist()
    assert set(degrees.tolist()) >= {0, 180}
    z = HONEYCOMB.position(pool.cell[0])[:, 2]
    for number, angle in enumerate(pool.angles):
        cell = pool.cell[number]
        there = cell >= 0
        place = HONEYCOMB.position(cell[there])
        scale = np.abs(place[:, 2]) / FRONT
        x, y = pool.u[there] * scale, pool.v[there] * scale
        assert np.abs(place[:, 0] - np.cos(angle) * x + np.sin(angle) * y).max() < 0.01
        assert np.abs(place[:, 1] - np.sin(angle) * x - np.cos(angle) * y).max() < 0.01
        same = np.sign(place[:, 2]) == np.sign(z[there])
        assert same.all() if number < pool.kept else not same.any()


def test_an_overlaid_window_holds_what_falls_into_it_and_nothing_else(pool):
    whole, windows = _windows(200, radius=0.0), _windows(200)
    inside = _overlay(pool, np.full(200, 2), windows, seed=5)
    everything = _overlay(pool, np.full(200, 2), whole, seed=5)  # the same draws
    keep = windows.contains(everything.event, HONEYCOMB.position(everything.cell))
    assert 0 < keep.sum() < len(keep)

    def sums(cells, select=slice(None)):
        return np.bincount(cells.event[select], cells.energy[select], minlength=200)

    # The window is tested before the turn, whose rounding moves a cell across its rim at times.
    assert sums(inside) == pytest.approx(sums(everything, keep), rel=1e-3, abs=1e-4)
    assert windows.contains(inside.event, HONEYCOMB.position(inside.cell)).mean() > 0.999


def test_energy_grows_with_the_number_of_interactions(pool):
    whole = _windows(300, radius=0.0)
    total = [_overlay(pool, np.full(300, number), whole).energy.sum(dtype=float) for number in (0, 1, 4)]
    mean = pool.energy.sum(dtype=float) / 12
    assert total[0] == 0
    assert total[1] / 300 == pytest.approx(mean, rel=0.2)
    assert total[2] / 300 == pytest.approx(4 * mean, rel=0.1)


def test_events_are_independent_of_the_azimuth_and_both_sides_are_alike(pool):
    energy = []
    for x, y, side in ((500.0, 0.0, 1), (-500.0, 0.0, 1), (500.0, 0.0, -1), (-500.0, 0.0, -1)):
        cells = _overlay(pool, np.full(400, 20), _windows(400, x=x, y=y, side=side))
        energy.append(cells.energy.sum(dtype=float))
        assert (np.sign(HONEYCOMB.position(cells.cell)[:, 2]) == side).all()
    assert energy == pytest.approx(np.full(4, np.mean(energy)), rel=0.06)


def test_pileup_is_denser_closer_to_the_beam(pool):
    near, far = (_overlay(pool, np.full(200, 20), _windows(200, x=x)) for x in (500.0, 1200.0))
    assert near.energy.sum() > 3 * far.energy.sum()


def test_times_are_of_the_same_crossing(pool):
    cells = _overlay(pool, np.full(10, 5), _windows(10, radius=0.0))
    light = np.linalg.norm(HONEYCOMB.position(cells.cell), axis=1) / 299.792458
    late = np.average(cells.time - light, weights=cells.energy)
    assert 0 < late < 3


def test_a_calorimeter_of_one_side_gets_both_halves():
    detector = DETECTORS.build("ild_ecal", where="test")
    pool = pool_of(detector, PileupSettings(pool=4, field=0.0), SHOWER, 1)
    assert pool.sides == (False, True)
    assert pool.kept == len(pool.angles)
    windows = Windows(np.ones(3, int), np.zeros(3), np.zeros(3), 0.0, detector.front, True)
    cells = overlay(pool, np.random.default_rng(1), np.full(3, 8), windows)
    assert (detector.position(cells.cell)[:, 2] > 0).all()


def test_settings_out_of_bounds_are_refused():
    for wrong, message in (({"mu": -1}, "mu"), ({"pool": 0}, "pool"), ({"generator": "auto"}, "generator")):
        with pytest.raises(ConfigError, match=message):
            PileupSettings.read(wrong, where="recipe")
