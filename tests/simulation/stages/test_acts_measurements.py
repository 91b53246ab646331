from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("acts", reason="the event store is that of pyacts")

from hitforge.core.errors import DataError, RunError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.simulation.stages.acts_measurements import Chain, Found, geometry, measurements, tracks_of

sys.path.insert(0, str(Path(__file__).parents[2] / "tasks" / "fitting"))
from helix_gun import TRACKER, gun, shuffled


def test_measurements_are_sorted_and_point_back_to_their_hits():
    events, _, _ = gun(3, 10, 1, smear=True)
    measured = measurements(events, TRACKER)
    for event in range(3):
        rows, one = measured.slice(event), events.take(np.array([event]))
        assert np.array_equal(np.sort(measured.hit[rows]), np.arange(one.hits.rows))
        assert np.array_equal(measured.module[rows], one.hits["cell"][measured.hit[rows]])
        assert (np.diff(measured.module[rows]) >= 0).all()
        assert np.array_equal(measured.place[rows, 0], one.clusters["u"][measured.hit[rows]].astype(float))
    other, _ = shuffled(events, 2)
    again = measurements(other, TRACKER)
    assert np.array_equal(again.place, measured.place)
    assert np.array_equal(again.module, measured.module)


def test_an_unknown_error_is_that_of_one_channel():
    events, _, _ = gun(1, 5, 3, smear=True)
    events.clusters["sigma_u"][:], events.clusters["sigma_v"][:] = 0.0, 0.5
    measured = measurements(events, TRACKER)
    pitch = TRACKER.modules.pitch_u[TRACKER.row(measured.module)]
    assert measured.variance[:, 0] == pytest.approx(pitch**2 / 12)
    assert measured.variance[:, 1] == pytest.approx(0.25)


def test_some_subsystems_alone():
    events, _, _ = gun(2, 10, 4, smear=True)
    measured = measurements(events, TRACKER, (7, 9))
    wanted = np.isin(events.hits["subsystem"], (7, 9))
    assert 0 < len(measured.hit) == wanted.sum() < events.hits.rows
    assert set(np.unique(measured.module >> 56)) <= {7, 9}
    assert np.diff(measured.offsets).tolist() == np.bincount(events.hits.event[wanted], minlength=2).tolist()


def test_clusters_must_be_those_of_the_hits():
    events, _, _ = gun(1, 5, 5, smear=True)
    fewer = events.clusters.select_rows(np.arange(events.clusters.rows) > 0)
    with pytest.raises(DataError, match="one cluster for each hit"):
        measurements(Events({"hits": events.hits, "clusters": fewer}), TRACKER)


def test_the_field_is_the_detectors():
    acts = pytest.importorskip("acts")
    weak = DETECTORS.build({"name": "silicon_barrel_endcap", "field": 1.0}, where="test")
    _, field = geometry(weak)
    context = acts.MagneticFieldContext()
    strength = field.getField(acts.Vector3(0, 0, 0), field.makeCache(context))
    assert strength[2] == pytest.approx(acts.UnitConstants.T)


def test_what_acts_refuses_is_one_clear_line():
    events, _, _ = gun(1, 5, 6, smear=True)
    chain = Chain(measurements(events, TRACKER))
    with pytest.raises(RunError, match=r"ACTS must accept the events.*nothing"):
        chain.run("nothing")


def test_tracks_become_members_of_their_events():
    events, _, _ = gun(2, 5, 7, smear=True)
    measured = measurements(events, TRACKER)
    first = int(measured.offsets[1])
    numbers = np.arange(18.0).reshape(3, 6)
    found = Found(
        np.array([1, 2]), np.array([2, 1, 2]), np.array([0, 1, first, first + 1, first + 2]), numbers, numbers,
        np.arange(3.0), np.full(3, 9.0),
    )  # fmt: skip
    members, parameters = tracks_of(found, measured)
    assert members.counts.tolist() == [2, 3]
    assert members["track"].tolist() == [0, 0, 0, 1, 1]
    assert members["hit"].tolist() == measured.hit[found.rows].tolist()
    assert parameters.counts.tolist() == [1, 2]
    assert parameters["phi"].tolist() == [2.0, 8.0, 14.0]
    assert parameters["ndf"].tolist() == [4.0] * 3
    assert isinstance(parameters, Collection)
