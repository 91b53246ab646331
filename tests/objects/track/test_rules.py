from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.metrics import METRICS
from hitforge.metrics._objects import both_tracks, resampled
from hitforge.objects.track.rules import RULES, tracks_of
from tests.track_tables import Sample


@pytest.mark.parametrize(
    ("shared", "track", "particle", "expected"),
    [
        (9, 9, 9, {"double_majority", "perfect", "lhc", "atlas_one_way", "atlas_two_way"}),
        (9, 9, 10, {"double_majority", "lhc", "atlas_one_way", "atlas_two_way"}),
        (9, 12, 9, {"double_majority", "lhc", "atlas_one_way", "atlas_two_way"}),  # exactly 75 %
        (8, 11, 8, {"double_majority", "atlas_one_way", "atlas_two_way"}),
        (5, 10, 6, {"atlas_one_way", "atlas_two_way"}),  # exactly half of the track
        (5, 6, 10, {"lhc", "atlas_one_way", "atlas_two_way"}),  # exactly half of the particle
        (4, 4, 12, {"lhc", "atlas_one_way"}),
        (4, 9, 4, set()),
    ],
)
def test_rules_at_their_limits(shared: int, track: int, particle: int, expected: set[str]) -> None:
    counts = (np.array([shared]), np.array([track]), np.array([particle]))
    assert {name for name, rule in RULES.items() if rule.met(*counts)[0]} == expected


def test_leading_particle_has_most_hits_then_fewest_of_its_own() -> None:
    sample = Sample().event().particle(20).particle(9).particle(5)
    sample.track(10, (0, 4), (1, 5), (2, 1)).track(10, (0, 4), (1, 4)).track(6)
    table = tracks_of(sample.predictions().tables, "test")
    assert table.leading.tolist() == [1, 1, -1]
    assert table.shared.tolist() == [5, 4, 0]
    assert table.of_leading("hits").tolist() == [9, 9, 0]


def test_events_do_not_mix() -> None:
    sample = Sample().event().event().particle(9).particle(12).track(9, (1, 9)).event().particle(7).track(7, (0, 7))
    table = tracks_of(sample.predictions().tables, "test")
    assert table.leading.tolist() == [1, 2]
    assert table.event.tolist() == [1, 1, 2]
    assert table.events == 3


def test_best_track_of_a_particle_has_most_of_its_hits_and_no_others() -> None:
    sample = Sample().event().particle(10).particle(10)
    sample.track(9, (0, 8)).track(8, (0, 8)).track(7, (0, 7)).track(9, (1, 9)).track(10, (1, 10))
    table = tracks_of(sample.predictions().tables, "test")
    assert table.best(np.ones(5, bool)).tolist() == [False, True, False, False, True]
    assert table.best(np.array([0, 0, 1, 1, 0], bool)).tolist() == [False, False, True, True, False]


def test_what_is_not_of_tracks_is_refused() -> None:
    with pytest.raises(DataError, match="measures tracks, with the tables"):
        tracks_of({}, "test")
    with pytest.raises(DataError, match="at least one event"):
        tracks_of(Sample().predictions().tables, "test")
    good = Sample().event().particle(9).track(9, (0, 9)).predictions()
    matches = good.tables["matches"]
    wrong = Collection(matches.offsets, matches.columns | {"particle": np.array([1])})
    with pytest.raises(DataError, match="particle of its event; got: 1; where: event 0"):
        tracks_of(good.tables | {"matches": wrong}, "test")
    bare = Collection(good.tables["particles"].offsets, {"particle": np.array([0])})
    with pytest.raises(DataError, match="got: no charge"):
        tracks_of(good.tables | {"particles": bare}, "test")


def test_other_particles_are_refused() -> None:
    one = Sample().event().particle(9).track(9, (0, 9)).predictions()
    two = Sample().event().particle(10).track(9, (0, 9)).predictions()
    with pytest.raises(DataError, match="same particles"):
        both_tracks(METRICS.build("trackml_score", where="test"), one, two)


def test_resampled_sums_keep_what_events_have_in_common() -> None:
    counts = np.array([[1, 2], [3, 6], [0, 0], [5, 10]])
    drawn = resampled(counts, 2000, np.random.default_rng(1))
    assert drawn.shape == (2000, 2)
    assert (drawn[:, 1] == 2 * drawn[:, 0]).all()
    assert drawn[:, 0].mean() == pytest.approx(9.0, abs=0.3)
