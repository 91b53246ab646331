import numpy as np
import pytest

from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.simulation.crystal.em_shower import Deposits
from hitforge.simulation.crystal.readout import ReadoutSettings
from hitforge.simulation.crystal.response import respond

BARREL = CrystalBarrel(CrystalBarrel.Config())
PERFECT = {"kind": "zero_suppression", "noise": 0.0, "stochastic": 0.0, "constant": 0.0, "threshold": 0.0,
           "time_noise": 0.0, "time_constant": 0.0}  # fmt: skip


def _deposits(rows):
    """From (particle, cell, energy)."""
    particle, cell, energy = (np.array(column) for column in zip(*rows, strict=True))
    return Deposits(particle.astype(np.int64), cell.astype(np.int64), energy.astype(np.float32), np.zeros(9))


def _respond(rows, event, delay=None, events=None, seed=1, **settings):
    event = np.array(event)
    delay = np.zeros(len(event)) if delay is None else np.array(delay, float)
    events = int(event.max()) + 1 if events is None else events
    settings = ReadoutSettings(**(PERFECT | settings))
    return respond(BARREL, settings, np.random.default_rng(seed), _deposits(rows), event, delay, events)


SAMPLE = [(0, 5000, 10.0), (0, 5001, 1.0), (1, 5001, 3.0), (2, 40000, 2.0), (3, 40001, 1.0)]


def test_perfect_electronics_give_back_what_was_deposited():
    hits = _respond(SAMPLE, [0, 0, 2, 2], delay=[1.0, 3.0, 0.5, -0.5])
    assert hits.counts.tolist() == [2, 0, 2]
    assert hits.cell.tolist() == [5000, 5001, 40000, 40001]
    assert hits.energy == pytest.approx([10.0, 4.0, 2.0, 1.0])
    assert hits.time == pytest.approx([1.0, 2.5, 0.5, -0.5])  # weighted by energy
    assert hits.seed.tolist() == [5000, -1, 40000]
    assert hits.link_counts.tolist() == [3, 0, 2]
    assert hits.hit.tolist() == [0, 1, 1, 0, 1]
    assert hits.particle.tolist() == [0, 0, 1, 2, 3]
    assert hits.weight == pytest.approx([1.0, 0.25, 0.75, 1.0, 1.0])


@pytest.mark.parametrize("kind", ["zero_suppression", "supercluster"])
def test_shares_never_exceed_the_hit(kind):
    hits = _respond(SAMPLE * 1, [0, 0, 1, 1], kind=kind, noise=0.5, stochastic=0.5, constant=0.1, threshold=0.2)
    first = np.concatenate([[0], np.cumsum(hits.counts)])[np.repeat(np.arange(2), hits.link_counts)]
    total = np.bincount(first + hits.hit, hits.weight, len(hits.cell))
    assert total.max() <= 1 + 1e-6
    assert (hits.energy > 0).all()
    assert (total == 0).any()  # noise hits belong to nobody


def test_noise_takes_its_part_of_a_hit():
    """Shares are those of the measured energy; where noise took some away, the particles gave all of the hit."""
    rows = [(k, 30_000, energy) for k in range(300) for energy in (1.5,)] + [(k + 300, 30_000, 0.5) for k in range(300)]
    event = [*range(300), *range(300)]
    order = np.argsort(event, kind="stable")  # particles in order of event
    rows = [(place, *rows[k][1:]) for place, k in enumerate(order)]
    hits = _respond(rows, np.array(event)[order], noise=0.3, window=3, threshold=0.2)
    first = np.concatenate([[0], np.cumsum(hits.counts)])[np.repeat(np.arange(300), hits.link_counts)]
    measured = hits.energy[first + hits.hit]
    given = np.where(hits.particle % 2, 0.5, 1.5)
    assert (measured > 2.1).sum() > 50
    assert (measured < 1.9).sum() > 50
    assert hits.weight == pytest.approx(given / np.maximum(measured, 2.0), rel=1e-6)


def test_noise_fills_the_window_with_its_width():
    rows = [(k, 30_000, 10.0) for k in range(50)]
    hits = _respond(rows, range(50), noise=0.04, window=10)
    noise = hits.energy[hits.cell != 30_000]
    # Only positive values pass a threshold of zero: half of 21 x 21 crystals, with the mean of a half normal.
    assert len(noise) / (50 * 440) == pytest.approx(0.5, abs=0.02)
    assert noise.mean() == pytest.approx(0.04 * np.sqrt(2 / np.pi), rel=0.03)
    row, column = BARREL.grid(hits.cell)
    row0, column0 = BARREL.grid(np.array([30_000]))
    assert abs(row - row0).max() == 10
    assert abs((column - column0 + 180) % 360 - 180).max() == 10


@pytest.mark.parametrize(
    ("terms", "width"),
    [({"stochastic": 0.02}, 0.02 / np.sqrt(50)), ({"constant": 0.005}, 0.005), ({"noise": 0.5}, 0.01)],
)
def test_each_term_of_the_resolution(terms, width):
    hits = _respond([(k, 30_000, 50.0) for k in range(4000)], range(4000), threshold=5.0, window=3, **terms)
    assert hits.energy.std() / 50.0 == pytest.approx(width, rel=0.05)
    assert hits.energy.mean() == pytest.approx(50.0, rel=3 * width / np.sqrt(4000))


def test_time_resolution_is_a_noise_term_and_a_constant():
    settings = {"noise": 0.04, "time_noise": 35.0, "time_constant": 0.15, "threshold": 0.5}
    for energy in (2.0, 50.0):
        hits = _respond([(k, 30_000, energy) for k in range(4000)], range(4000), **settings)
        assert hits.time.std() == pytest.approx(np.hypot(35.0 * 0.04 / energy, 0.15), rel=0.06)
    noise = _respond([(0, 30_000, 5.0)], [0], noise=0.04, time_noise=35.0, time_range=25.0)
    assert abs(noise.time).max() <= 25.0


def test_far_deposits_are_read_too():
    hits = _respond([(0, 30_000, 10.0), (0, 30_180, 1.0)], [0], noise=0.01, threshold=0.1)
    assert set(hits.cell.tolist()) == {30_000, 30_180}


def test_events_do_not_leak_into_each_other():
    both = _respond(SAMPLE, [0, 0, 1, 1])
    second = _respond([(0, 40000, 2.0), (1, 40001, 1.0)], [0, 0])
    assert both.energy[2:] == pytest.approx(second.energy)
    assert both.cell[2:].tolist() == second.cell.tolist()


def test_no_event_at_all():
    empty = Deposits(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32), np.zeros(0))
    hits = respond(BARREL, ReadoutSettings(), np.random.default_rng(1), empty, np.zeros(0), np.zeros(0), 3)
    assert hits.counts.tolist() == hits.link_counts.tolist() == [0, 0, 0]
    assert hits.seed.tolist() == [-1, -1, -1]


def test_the_window_is_cut_at_the_end_of_the_barrel():
    hits = _respond([(0, 169 * 360, 10.0)], [0], noise=0.04, window=10)
    row, column = BARREL.grid(hits.cell)
    assert row.min() == 159
    assert {0, 359} <= set(column.tolist())
