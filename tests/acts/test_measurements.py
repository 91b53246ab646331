from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the detector is that of pyacts")

from hitforge.acts.measurements import measurements
from hitforge.core.errors import DataError
from hitforge.events import Events
from tests.helix_gun import TRACKER, gun, shuffled


def test_measurements_are_sorted_and_point_back_to_their_hits():
    events, _, _ = gun(3, 10, 1, smear=True)
    measured = measurements(events, TRACKER.modules)
    for event in range(3):
        rows, one = measured.slice(event), events.take(np.array([event]))
        assert np.array_equal(np.sort(measured.hit[rows]), np.arange(one.hits.rows))
        assert np.array_equal(measured.module[rows], one.hits["cell"][measured.hit[rows]])
        assert (np.diff(measured.module[rows]) >= 0).all()
        assert np.array_equal(measured.place[rows, 0], one.clusters["u"][measured.hit[rows]].astype(float))
    other, _ = shuffled(events, 2)
    again = measurements(other, TRACKER.modules)
    assert np.array_equal(again.place, measured.place)
    assert np.array_equal(again.module, measured.module)


def test_an_unknown_error_is_that_of_one_channel():
    events, _, _ = gun(1, 5, 3, smear=True)
    events.clusters["sigma_u"][:], events.clusters["sigma_v"][:] = 0.0, 0.5
    measured = measurements(events, TRACKER.modules)
    pitch = TRACKER.modules.pitch_u[TRACKER.row(measured.module)]
    assert measured.variance[:, 0] == pytest.approx(pitch**2 / 12)
    assert measured.variance[:, 1] == pytest.approx(0.25)


def test_some_subsystems_alone():
    events, _, _ = gun(2, 10, 4, smear=True)
    measured = measurements(events, TRACKER.modules, (7, 9))
    wanted = np.isin(events.hits["subsystem"], (7, 9))
    assert 0 < len(measured.hit) == wanted.sum() < events.hits.rows
    assert set(np.unique(measured.module >> 56)) <= {7, 9}
    assert np.diff(measured.offsets).tolist() == np.bincount(events.hits.event[wanted], minlength=2).tolist()


def test_clusters_must_be_those_of_the_hits():
    events, _, _ = gun(1, 5, 5, smear=True)
    fewer = events.clusters.select_rows(np.arange(events.clusters.rows) > 0)
    with pytest.raises(DataError, match="one cluster for each hit"):
        measurements(Events({"hits": events.hits, "clusters": fewer}), TRACKER.modules)


def test_a_hit_on_no_module_is_refused():
    events, _, _ = gun(1, 5, 5, smear=True)
    events.hits["cell"][3] = 17
    with pytest.raises(DataError, match=r"must name a module of 'toy'; got: 17 and 0 more such hits"):
        measurements(events, TRACKER.modules, detector="toy")
