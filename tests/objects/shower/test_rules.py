"""Showers beside particles: which belong together, what becomes of them, and what showers alone say."""

from __future__ import annotations

import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.objects.shower.rules import ShowerCriteria, Verdicts, showers_of
from tests.shower_tables import Sample


def test_events_do_not_mix() -> None:
    sample = Sample().event().event().particle().particle(deposited=20.0).shower(0.5, (1, 15.0), raw=30.0)
    sample.event().particle().shower(0.9).shower(0.1, (0, 20.0), raw=20.0)
    table = showers_of(sample.predictions().tables, "test")
    assert table.events == 3
    assert table.event.tolist() == [1, 1, 2]
    assert table.shower_event.tolist() == [1, 2, 2]
    assert table.shower.tolist() == [0, 2]
    assert table.particle.tolist() == [1, 2]
    assert table.iou == pytest.approx([15 / 35, 0.5])
    assert table.matched(0.3).tolist() == [1, -1, 2]
    assert table.matched(0.5).tolist() == [-1, -1, 2]
    assert table.leading().tolist() == [1, -1, 2]


def test_a_shower_without_the_best_particle_takes_the_next() -> None:
    sample = Sample().event().particle().particle().shower(0.9, (0, 38.0)).shower(0.8, (0, 30.0), (1, 28.0))
    table = showers_of(sample.predictions().tables, "test")
    assert table.matched(0.5).tolist() == [0, 1]
    assert table.matched(0.55).tolist() == [0, -1]
    assert table.leading().tolist() == [0, 0]


def verdicts(sample: Sample, **settings: float) -> Verdicts:
    return showers_of(sample.predictions().tables, "test").verdicts(ShowerCriteria(min_score=0.0, **settings), 3.0)


def test_found_false_and_merged() -> None:
    sample = Sample().event().particle().particle(deposited=10.0).particle(deposited=20.0)
    sample.shower(0.9, (0, 36.0), (1, 6.0), raw=44.0, of_particles=42.0)  # two particles in one shower
    sample.shower(0.8, (2, 20.0), raw=20.0, of_particles=20.0)
    sample.shower(0.7, raw=9.0, of_particles=1.0)  # nothing but noise
    sample.shower(0.6, raw=2.0, of_particles=0.0)  # too faint to be held against the method
    told = verdicts(sample)
    assert told.matched.tolist() == [0, 2, -1, -1]
    assert told.counted.tolist() == [True, True, True, False]
    assert told.found.tolist() == [True, False, True]
    assert told.merged.tolist() == [True, True, False]
    assert told.merges.tolist() == [True, False, False, False]
    assert told.fake.tolist() == [False, False, True, True]
    assert told.held == pytest.approx([0.9, 0.6, 1.0])
    assert verdicts(sample, merge=0.7).merged.tolist() == [False, False, False]
    assert verdicts(sample, iou=0.9).found.tolist() == [False, False, True]


def test_the_usual_cut_on_scores_is_where_f1_is_greatest() -> None:
    sample = Sample().event().particle().particle()
    sample.shower(0.9, (0, 40.0)).shower(0.5).shower(0.4, (1, 40.0)).shower(0.3).shower(0.2)
    matched, counted, cut = showers_of(sample.predictions().tables, "test").operated(0.5, None, 3.0)
    assert cut == 0.4  # F1 is 2/3 behind the first, 4/5 behind the third
    assert counted.tolist() == [True, True, True, False, False]
    assert matched.tolist() == [0, -1, 1, -1, -1]


def test_what_a_shower_says_of_itself() -> None:
    sample = Sample().event().particle(u=30.0).event().particle(u=-50.0)
    sample.shower(0.9, hadron=0.5, energy=7.0, u=-50.0, v=40.0).shower(0.8, hadron=0.4, energy=9.0, u=30.0)
    table = showers_of(sample.predictions().tables, "test")
    assert table.alone("kind").tolist() == [1, 0]
    assert table.alone("energy").tolist() == [7.0, 9.0]
    assert table.alone("nearest") == pytest.approx([40.0, 80.0])  # the particle at 30 mm is of another event


def test_showers_of_other_particles_are_refused() -> None:
    one, two = (showers_of(Sample().event().particle(energy=e).predictions().tables, "test") for e in (50.0, 51.0))
    one.require_same(one)
    with pytest.raises(DataError, match="same particles"):
        one.require_same(two)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({}, "'test' measures showers, with the tables.*got: nothing"),
        (Sample().predictions().tables, "at least one event"),
        (Sample().event().predictions().tables, "needs particles to be found; got: none in 1 events"),
        (Sample().event().particle().shower(float("nan")).predictions().tables, "'score' of a shower must be finite"),
    ],
)
def test_wrong_tables_are_refused(tables: dict[str, Collection], message: str) -> None:
    with pytest.raises(DataError, match=message):
        showers_of(tables, "test")
