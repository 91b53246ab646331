from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.report.events._space_view import MAX_HITS, space_of
from tests.square_planes import PITCH, shower


def test_the_hottest_hits_are_kept_and_the_rest_is_told() -> None:
    events, detector = shower(noise=200)
    space = space_of(events, 0, detector, 36)
    assert space.left_out == 200
    assert space.left_energy == pytest.approx(2.0, rel=1e-5)
    assert space.note == "the hottest 36 of 236 hits are drawn; the other 200 hold 2 GeV"
    assert (np.diff(space.view.energy) <= 0).all()
    whole = space_of(events, 0, detector, None)
    assert whole.left_out == 0
    assert whole.note == ""
    assert len(whole.view.energy) == 236 < MAX_HITS


@pytest.mark.parametrize("side", [1, -1])
def test_axes_centres_and_window_surround_the_shower(side: int) -> None:
    events, detector = shower(noise=100, side=side)
    space = space_of(events, 0, detector)
    for axis in (space.true_axis, space.found_axis):
        assert axis is not None
        np.testing.assert_allclose(axis[:, 0], 0.1 * np.abs(axis[:, 2]), atol=0.5 * PITCH)
        np.testing.assert_allclose(axis[:, 2], side * np.array([995, 1030]))
    assert space.true_centre == pytest.approx([101.5, 0, side * 1015], rel=1e-4)
    assert space.found_centre is not None
    assert np.abs(space.found_centre - space.true_centre).max() < PITCH
    low, high = space.window.T
    assert (low < space.true_centre).all()
    assert (high > space.true_centre).all()
    assert high[0] - low[0] < 300
    mine = space.view.energy > 0.05
    assert space.near[mine].all()
    assert not space.near[space.view.position[:, 2] * side < 0].any()
    assert "e− 20 GeV, 136 hits" in space.title
    assert "GeV within 150 mm of the axis" in space.title


def test_points_without_cells_keep_their_own_places() -> None:
    events, _ = shower()
    space = space_of(events, 0, DETECTORS.build("point_cloud", where="test"))
    assert space.outline is None
    assert space.found_axis is None
    order = np.argsort(-events.hits["energy"], kind="stable")
    np.testing.assert_allclose(space.view.position[:, 0], events.hits["x"][order])
    assert space.true_axis is not None  # from the particle's vertex, the origin, along its direction
    np.testing.assert_allclose(space.true_axis[:, 0], 0.1 * space.true_axis[:, 2], atol=1e-3)


def test_an_event_without_truth_has_no_true_axis() -> None:
    events, detector = shower()
    space = space_of(Events({"hits": events.hits}), 0, detector)
    assert space.true_axis is None
    assert space.true_centre is None
    assert space.title.startswith("event 0: 36 hits")
    with pytest.raises(DataError, match="between 0 and 0"):
        space_of(events, 1, detector)


def test_cells_that_the_calorimeter_does_not_have_are_refused() -> None:
    events, _ = shower()
    with pytest.raises(DataError, match=r"must lie in cells of the detector; got: \d+ of 36 in others.*hgcal"):
        space_of(events, 0, DETECTORS.build("hgcal", where="test"))
