from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the silicon tracker's geometry is read from pyacts")

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS, FITS, TRACK_PARAMETERS
from tests.helix_gun import TRACKER, gun, shuffled

FIT = FITS.build("helix", where="test")


def difference(name, fitted, truth):
    away = fitted[name] - truth[name]
    return (away + np.pi) % (2 * np.pi) - np.pi if name == "phi" else away


def test_exact_points_return_the_parameters():
    events, members, truth = gun(4, 50, 1, smear=False)
    fitted = FIT.fit(events, members, TRACKER)
    assert set(fitted.columns) == set(COLUMNS)
    enough = fitted["ndf"] >= 2 * 5 - 5
    assert enough.sum() > 150
    limits = {"loc0": 2e-3, "z0": 2e-2, "phi": 2e-5, "theta": 2e-5, "q_over_p": 2e-5}  # float32 places, 1 m away
    for name, limit in limits.items():
        assert np.abs(difference(name, fitted, truth))[enough].max() < limit, name
    assert (fitted["chi2"][enough] < 0.01).all()


def test_pulls_of_smeared_points_have_unit_width():
    events, members, truth = gun(6, 80, 2, smear=True)
    fitted = FIT.fit(events, members, TRACKER)
    good = fitted["ndf"] >= 2 * 6 - 5
    for name in TRACK_PARAMETERS:
        pull = difference(name, fitted, truth)[good] / fitted[f"sigma_{name}"][good]
        assert abs(pull.mean()) < 0.2, name
        assert 0.85 < pull.std() < 1.15, name
    assert (fitted["chi2"][good] / fitted["ndf"][good]).mean() == pytest.approx(1.0, abs=0.1)


def test_displaced_tracks_keep_their_impact_parameter():
    events, members, truth = gun(2, 50, 3, smear=True, spread=20.0)
    fitted = FIT.fit(events, members, TRACKER)
    good = fitted["ndf"] >= 7
    pull = (fitted["loc0"] - truth["loc0"])[good] / fitted["sigma_loc0"][good]
    assert np.abs(pull).max() < 5


def test_order_of_hits_and_unknown_errors_do_not_matter():
    events, members, _ = gun(2, 20, 4, smear=True)
    fitted = FIT.fit(events, members, TRACKER)
    other, moved = shuffled(events, 5)
    other.clusters["sigma_u"][:] = other.clusters["sigma_v"][:] = 0.0  # the gun smears as a single channel would
    hit = np.concatenate([moved[e][members["hit"][members.event == e]] for e in range(2)])
    again = FIT.fit(other, Collection(members.offsets, {"track": members["track"], "hit": hit}), TRACKER)
    for name in COLUMNS:
        assert again[name] == pytest.approx(fitted[name], rel=1e-3, abs=1e-5, nan_ok=True), name


def test_too_few_hits_give_nan():
    events, _, _ = gun(2, 3, 6, smear=True)
    tracks = Collection.from_counts(np.array([2, 0]), {"track": np.array([1, 1]), "hit": np.array([0, 1])})
    fitted = FIT.fit(events, tracks, TRACKER)
    assert fitted.counts.tolist() == [2, 0]
    assert np.isnan(fitted["z0"]).all()
    assert (fitted["ndf"] == 0).all()
    assert FIT.fit(events, tracks, TRACKER, np.array([3, 1])).counts.tolist() == [3, 1]


def test_the_same_point_thrice_gives_nan_or_a_finite_track():
    events, _, _ = gun(1, 3, 7, smear=True)
    tracks = Collection.from_counts(np.array([3]), {"track": np.zeros(3, int), "hit": np.zeros(3, int)})
    fitted = FIT.fit(events, tracks, TRACKER)
    assert np.isnan(fitted["z0"]).all()


@pytest.mark.parametrize(("column", "value"), [("track", -1), ("hit", 10_000), ("hit", -1)])
def test_a_track_or_hit_that_is_not_there(column, value):
    events, members, _ = gun(1, 3, 8, smear=True)
    members[column][0] = value
    with pytest.raises(DataError, match=f"the {column} of a track must be in its event.*event 0"):
        FIT.fit(events, members, TRACKER)


def test_a_list_for_each_event():
    events, members, _ = gun(2, 3, 9, smear=True)
    with pytest.raises(DataError, match="a list of tracks for each event"):
        FIT.fit(events, members.take(np.array([0])), TRACKER)


def test_a_hit_on_no_module():
    events, members, _ = gun(1, 3, 10, smear=True)
    events.hits["cell"][1] = 5
    with pytest.raises(DataError, match=r"must name a module of 'silicon_barrel_endcap'.*event 0"):
        FIT.fit(events, members, TRACKER)


def test_no_events_give_no_tracks():
    events, members, _ = gun(1, 3, 11, smear=True)
    none = np.zeros(0, int)
    assert FIT.fit(events.take(none), members.take(none), TRACKER).rows == 0
    empty = Events({name: table.select_rows(np.zeros(table.rows, bool)) for name, table in events.collections.items()})
    assert FIT.fit(empty, members.select_rows(np.zeros(members.rows, bool)), TRACKER).counts.tolist() == [0]


def test_an_event_without_hits_beside_a_full_one():
    events, members, _ = gun(2, 5, 9, smear=True)
    some = Events({n: table.select_rows(table.event == 1) for n, table in events.collections.items()})
    fitted = FIT.fit(some, members.select_rows(members.event == 1), TRACKER)
    assert fitted.counts.tolist() == [0, 5]
    alone = FIT.fit(events.take(np.array([1])), members.take(np.array([1])), TRACKER)
    for name in COLUMNS:
        np.testing.assert_array_equal(fitted[name], alone[name])
