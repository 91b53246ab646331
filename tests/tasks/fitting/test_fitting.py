"""The lists of tracks that every fit takes, and the judge of short ones: wrong ones go, true ones stay."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tasks.fitting.helix_gun import TRACKER, gun
from tests.tasks.track_events import event, members

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection, Events
from hitforge.tasks.fitting import COLUMNS, FITS, PARAMETERS, Judge, track_counts

TWO = event([[0]] * 4), event([[0]] * 3)


def both() -> object:
    from hitforge.events import Events

    return Events.concatenate(TWO)


def test_tracks_are_counted_by_their_greatest_number() -> None:
    tracks = members([[0, 1], [2]], [[0, 1, 2]])
    assert track_counts(both(), tracks, None).tolist() == [2, 1]
    assert track_counts(both(), tracks, np.array([3, 1])).tolist() == [3, 1]  # one track has no hit
    assert track_counts(both(), members([], []), None).tolist() == [0, 0]
    gap = Collection.from_counts(np.array([1, 0]), {"track": np.array([4]), "hit": np.array([0])})
    assert track_counts(both(), gap, None).tolist() == [5, 0]


@pytest.mark.parametrize(
    ("tracks", "counts", "message"),
    [
        (members([[0]]), None, "a list of tracks for each event; got: 1 for 2 events"),
        (members([[0]], [[3]]), None, "the hit of a track must be in its event; got: 3.*event 1"),
        (members([[-1]], []), None, "the hit of a track must be in its event; got: -1.*event 0"),
        (members([[0], [1]], []), np.array([1, 0]), "the track of a track must be in its event; got: 1.*event 0"),
    ],
)
def test_wrong_lists_are_one_clear_line(tracks: Collection, counts: np.ndarray | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        track_counts(both(), tracks, counts)


def test_fits_are_named_by_their_files_and_errors_by_their_parameters() -> None:
    assert FITS.build("helix", where="test").name == "helix"
    with pytest.raises(ConfigError, match="helix"):
        FITS.build("spline", where="test")
    assert [name for name in COLUMNS if name.startswith("sigma_")] == [f"sigma_{name}" for name in PARAMETERS]


def cut(members: Collection, most: dict[int, int]) -> Collection:
    """Only so many hits of some tracks of each event, the others whole."""
    keep = np.ones(members.rows, bool)
    event = members.event
    for track, number in most.items():
        for one in range(len(members)):
            rows = np.flatnonzero((event == one) & (members["track"] == track))
            keep[rows[number:]] = False
    return members.select_rows(keep)


def swapped(members: Collection, first: int, second: int) -> Collection:
    """The same with half of the hits of two tracks exchanged, in each event."""
    track, event = members["track"].copy(), members.event
    for one in range(len(members)):
        rows = [np.flatnonzero((event == one) & (members["track"] == k)) for k in (first, second)]
        number = min(map(len, rows)) // 2
        track[rows[0][:number]], track[rows[1][:number]] = second, first
    return Collection(members.offsets, {**members.columns, "track": track})


@pytest.fixture(scope="module")
def sample() -> tuple[Events, Collection]:
    pytest.importorskip("acts", reason="the helices go through ACTS's detector")
    events, members, _ = gun(3, 12, 5, smear=True, spread=0.02, largest=1.0)
    return events, members


def test_true_short_tracks_stay_and_mixed_ones_go(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    short = swapped(cut(members, dict.fromkeys(range(12), 6)), 0, 1)
    judge = Judge(fit={"name": "helix"}, hits=6, max_chi2=30.0)
    stay = judge.keep(events, short, TRACKER, np.full(3, 12)).reshape(3, 12)
    assert not stay[:, :2].any()
    assert stay[:, 2:].mean() > 0.9


def test_the_fit_decides_about_short_ones_alone(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    mixed = swapped(cut(members, dict.fromkeys(range(0, 12, 2), 6)), 0, 2)
    fitted = FITS.build("kalman", where="test").fit(events, mixed, TRACKER, np.full(3, 12))
    with np.errstate(invalid="ignore"):
        bad = fitted["chi2"] > 8.0 * np.maximum(fitted["ndf"], 1)
    short = np.tile(np.arange(12) % 2 == 0, 3)
    assert (bad & short).any()
    stay = Judge(hits=6, max_chi2=8.0).keep(events, mixed, TRACKER, np.full(3, 12))
    np.testing.assert_array_equal(stay, ~(bad & short))  # a fit that fails is no verdict


def test_long_tracks_are_not_judged(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    mixed = swapped(members, 0, 1)
    assert Judge(fit={"name": "helix"}, hits=4, max_chi2=1e-3).keep(events, mixed, TRACKER, np.full(3, 12)).all()


def test_events_without_tracks_have_their_place(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    short = swapped(cut(members, dict.fromkeys(range(12), 6)), 0, 1)
    some = short.select_rows(short.event != 1)
    stay = Judge(fit={"name": "helix"}, hits=6, max_chi2=30.0).keep(events, some, TRACKER, np.array([12, 0, 12]))
    whole = Judge(fit={"name": "helix"}, hits=6, max_chi2=30.0).keep(events, short, TRACKER, np.full(3, 12))
    np.testing.assert_array_equal(stay, np.concatenate([whole[:12], whole[24:]]))
