"""Short tracks are cut on the fit of their hits: true ones stay, those that are put together wrongly go."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the helices go through ACTS's detector")

from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import FITS
from hitforge.tasks.track_fitting.quality_cut import QualityCut
from tests.helix_gun import TRACKER, gun


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
    events, members, _ = gun(3, 12, 5, smear=True, spread=0.02, largest=1.0)
    return events, members


def test_true_short_tracks_stay_and_mixed_ones_go(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    short = swapped(cut(members, dict.fromkeys(range(12), 6)), 0, 1)
    quality = QualityCut(fit={"name": "helix"}, hits=6, max_chi2=30.0)
    stay = quality.keep(events, short, TRACKER, np.full(3, 12)).reshape(3, 12)
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
    stay = QualityCut(hits=6, max_chi2=8.0).keep(events, mixed, TRACKER, np.full(3, 12))
    np.testing.assert_array_equal(stay, ~(bad & short))  # a fit that fails is no verdict


def test_long_tracks_stay(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    mixed = swapped(members, 0, 1)
    assert QualityCut(fit={"name": "helix"}, hits=4, max_chi2=1e-3).keep(events, mixed, TRACKER, np.full(3, 12)).all()


def test_events_without_tracks_have_their_place(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    short = swapped(cut(members, dict.fromkeys(range(12), 6)), 0, 1)
    some = short.select_rows(short.event != 1)
    stay = QualityCut(fit={"name": "helix"}, hits=6, max_chi2=30.0).keep(events, some, TRACKER, np.array([12, 0, 12]))
    whole = QualityCut(fit={"name": "helix"}, hits=6, max_chi2=30.0).keep(events, short, TRACKER, np.full(3, 12))
    np.testing.assert_array_equal(stay, np.concatenate([whole[:12], whole[24:]]))


def test_short_tracks_far_from_the_beam_line_go(sample: tuple[Events, Collection]) -> None:
    events, members = sample
    short = cut(members, dict.fromkeys(range(6), 5))
    fitted = FITS.build("helix", where="test").fit(events, short, TRACKER, np.full(3, 12))
    far = np.abs(fitted["loc0"]) > 0.03
    assert 4 <= (far & np.tile(np.arange(12) < 6, 3)).sum() < 16
    near = QualityCut(fit={"name": "helix"}, hits=5, max_chi2=1e5, max_loc0=0.03)
    stay = near.keep(events, short, TRACKER, np.full(3, 12))
    np.testing.assert_array_equal(stay, ~(far & np.tile(np.arange(12) < 6, 3)))
