from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the Kalman fit needs pyacts")

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS, FITS, TRACK_PARAMETERS
from tests.helix_gun import TRACKER, gun, shuffled

FIT = FITS.build("kalman", where="test")
BARE = FITS.build({"name": "kalman", "scattering": False, "energy_loss": False}, where="test")


def pulls(fitted, truth):
    good = fitted["ndf"] >= 2 * 6 - 5
    assert good.mean() > 0.8
    for name in TRACK_PARAMETERS:
        away = fitted[name] - truth[name]
        away = (away + np.pi) % (2 * np.pi) - np.pi if name == "phi" else away
        yield name, away[good] / fitted[f"sigma_{name}"][good]


def test_pulls_without_material_have_unit_width():
    events, members, truth = gun(6, 60, 1, smear=True)
    fitted = BARE.fit(events, members, TRACKER)
    assert set(fitted.columns) == set(COLUMNS)
    for name, pull in pulls(fitted, truth):
        assert abs(pull.mean()) < 0.25, name
        assert 0.8 < pull.std() < 1.2, name


def test_without_material_it_is_the_helix():
    events, members, _ = gun(3, 40, 2, smear=True)
    one, two = BARE.fit(events, members, TRACKER), FITS.build("helix", where="test").fit(events, members, TRACKER)
    good = one["ndf"] >= 7
    for name in TRACK_PARAMETERS:
        away = np.abs(one[name] - two[name])[good] / two[f"sigma_{name}"][good]
        assert np.median(away) < 0.3, name
        assert np.median(one[f"sigma_{name}"][good] / two[f"sigma_{name}"][good]) == pytest.approx(1.0, abs=0.1), name


def test_material_widens_the_errors_and_does_not_move_the_tracks():
    events, members, truth = gun(3, 40, 3, smear=True)
    with_material, without = FIT.fit(events, members, TRACKER), BARE.fit(events, members, TRACKER)
    good = with_material["ndf"] >= 7
    assert (with_material["sigma_phi"][good] > 1.05 * without["sigma_phi"][good]).mean() > 0.95
    for name, pull in pulls(with_material, truth):
        assert pull.std() < 1.2, name


def test_a_track_that_cannot_be_fitted_leaves_the_others_in_their_rows():
    events, members, truth = gun(2, 10, 4, smear=True)
    short = (members["track"] == 3) & (members.event == 0)
    keep = ~short | (np.cumsum(short) <= 2)  # two hits of track 3
    fitted = FIT.fit(events, members.select_rows(keep), TRACKER, np.array([10, 12]))
    assert fitted.counts.tolist() == [10, 12]
    assert np.isnan([fitted[name][[3, 20, 21]] for name in TRACK_PARAMETERS]).all()
    assert (fitted["ndf"][[3, 20, 21]] == 0).all()
    others = np.setdiff1d(np.arange(20), 3)
    assert np.abs(fitted["theta"][others] - truth["theta"][others]).max() < 0.05


def test_order_of_hits_does_not_matter():
    events, members, _ = gun(2, 20, 5, smear=True)
    other, moved = shuffled(events, 6)
    hit = np.concatenate([moved[e][members["hit"][members.event == e]] for e in range(2)])
    again = FIT.fit(other, Collection(members.offsets, {"track": members["track"], "hit": hit}), TRACKER)
    fitted = FIT.fit(events, members, TRACKER)
    for name in COLUMNS:
        assert np.array_equal(again[name], fitted[name], equal_nan=True), name


def test_no_events_no_hits_no_tracks():
    events, members, _ = gun(2, 3, 7, smear=True)
    none = np.zeros(0, int)
    assert FIT.fit(events.take(none), members.take(none), TRACKER).rows == 0
    empty = Events({name: table.select_rows(np.zeros(table.rows, bool)) for name, table in events.collections.items()})
    assert FIT.fit(empty, members.select_rows(np.zeros(members.rows, bool)), TRACKER).counts.tolist() == [0, 0]


def test_bad_input_is_one_clear_line():
    events, members, _ = gun(1, 3, 8, smear=True)
    with pytest.raises(ConfigError, match=r"ACTS must know the detector.*pixel_grid.*silicon_barrel_endcap"):
        FIT.fit(events, members, DETECTORS.build({"name": "pixel_grid"}, where="test"))
    events.hits["cell"][0] = 7
    with pytest.raises(DataError, match="must name a module"):
        FIT.fit(events, members, TRACKER)


@pytest.mark.parametrize("full", [(), (0,), (1,)])
def test_events_without_hits_have_no_tracks(full):
    events, members, _ = gun(2, 5, 9, smear=True)
    some = Events({n: table.select_rows(np.isin(table.event, full)) for n, table in events.collections.items()})
    few = members.select_rows(np.isin(members.event, full))
    fitted = FIT.fit(some, few, TRACKER)
    assert set(fitted.columns) == set(COLUMNS)
    assert fitted.counts.tolist() == [5 if event in full else 0 for event in range(2)]
    for event in full:
        alone = FIT.fit(events.take(np.array([event])), members.take(np.array([event])), TRACKER)
        np.testing.assert_array_equal(fitted["theta"], alone["theta"])
        assert (alone["ndf"] > 0).any()


def test_an_event_with_hits_and_no_tracks_and_one_with_tracks_of_nothing():
    events, members, _ = gun(2, 3, 10, smear=True)
    none = members.select_rows(members.event == 1)
    assert FIT.fit(events, none, TRACKER).counts.tolist() == [0, 3]
    fitted = FIT.fit(events, none, TRACKER, np.array([2, 3]))  # two tracks that have no hit
    assert fitted.counts.tolist() == [2, 3]
    assert np.isnan(fitted["theta"][:2]).all()
    assert (fitted["ndf"][:2] == 0).all()
    assert (fitted["ndf"][2:] > 0).any()
