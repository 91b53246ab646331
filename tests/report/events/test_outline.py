from __future__ import annotations

import numpy as np
import pytest

from hitforge.detectors import DETECTORS
from hitforge.report.events._outline import layer_lines, outline_of, reach_of
from tests.drawn_tracks import RADII, Rings
from tests.square_planes import HALF, Stack

NO_HITS = np.zeros((0, 3))


def test_a_stack_is_outlined_on_both_sides_up_to_its_corners() -> None:
    rims = outline_of(Stack(Stack.Config()))
    low, high = reach_of(rims, NO_HITS).T
    step = 1.05 * HALF * np.sqrt(2) / 400
    np.testing.assert_allclose(high, [HALF, HALF, 1030.0], atol=2 * step)
    np.testing.assert_allclose(low, [-HALF, -HALF, -1030.0], atol=2 * step)
    rings = [rim for rim in rims if len(rim) == 65]
    assert len(rings) == 4  # first and last layer of either side; the axis has cells, and so there is no inner rim
    away = np.linalg.norm(rings[0][:, :2], axis=1)
    assert away[8] == pytest.approx(HALF * np.sqrt(2), rel=0.02)  # in the corner
    assert away[0] == pytest.approx(HALF, rel=0.02)


@pytest.mark.parametrize("endcaps", ["both", "positive"])
def test_the_calorimeter_of_cms_has_an_inner_and_an_outer_rim(endcaps: str) -> None:
    detector = DETECTORS.build({"name": "hgcal", "endcaps": endcaps}, where="test")
    rims = outline_of(detector)
    rings = np.stack([rim for rim in rims if len(rim) == 65])
    assert len(rings) == (2 if endcaps == "both" else 1) * 2 * 6  # ends of three sections, inner and outer
    away = np.linalg.norm(rings[..., :2], axis=2)
    first = np.abs(rings[:, 0, 2]) == detector.layers.z[0]
    assert sorted(np.round(away[first].mean(axis=1), -2).tolist()) == pytest.approx(
        sorted([300.0, 1500.0] * (2 if endcaps == "both" else 1))
    )
    assert away.min() > 250
    assert away.max() < 3000
    assert set(np.sign(rings[:, 0, 2])) == ({-1.0, 1.0} if endcaps == "both" else {1.0})


def test_layers_cross_the_floor_of_a_box_where_they_stand() -> None:
    detector = Stack(Stack.Config())
    box = np.array([[-10.0, 20.0], [-5.0, 5.0], [1005.0, 1025.0]])
    found = layer_lines(detector, box)
    assert [line[0, 2] for line in found] == [1010.0, 1020.0]
    assert found[0].tolist() == [[-10.0, -5.0, 1010.0], [20.0, -5.0, 1010.0]]
    assert layer_lines(None, box) == []


def test_layers_of_a_tracker_are_rings_at_their_radius() -> None:
    detector = Rings(Rings.Config())
    rings = [rim for rim in outline_of(detector) if len(rim) == 65]
    assert len(rings) == 2 * len(RADII)
    away = sorted({round(float(np.hypot(*ring[0, :2])), 3) for ring in rings})
    np.testing.assert_allclose(away, RADII, rtol=0.02)
    ends = reach_of([np.concatenate(rings)], NO_HITS)
    modules = detector.modules
    assert ends[2, 1] == pytest.approx((modules.centre[:, 2] + modules.half_v).max(), rel=1e-6)


def test_end_caps_are_disks_across_the_beam() -> None:
    detector = DETECTORS.build("silicon_barrel_endcap", where="test")
    rims = outline_of(detector)
    flat = [rim for rim in rims if len(rim) == 65]
    assert len(flat) == 2 * detector.layers
    low, high = reach_of(rims, NO_HITS).T
    assert 1000 < high[0] < 1100
    assert 2900 < high[2] < 3100
    np.testing.assert_allclose(-low, high, rtol=0.02)


def test_a_barrel_closes_and_a_plane_does_not() -> None:
    barrel = DETECTORS.build("crystal_barrel", where="test")
    rows = [rim for rim in outline_of(barrel) if len(rim) == 361]
    assert len(rows) == 3
    for row in rows:
        np.testing.assert_allclose(row[0], row[-1])
        np.testing.assert_allclose(np.hypot(row[:, 0], row[:, 1]), barrel.config.radius)
    plane = outline_of(DETECTORS.build({"name": "pixel_grid", "rows": 5, "columns": 7, "pitch": 10}, where="test"))
    assert reach_of(plane, NO_HITS).tolist() == [[-30.0, 30.0], [-20.0, 20.0], [0.0, 0.0]]


def test_points_alone_have_no_outline_but_hits_reach_somewhere() -> None:
    assert outline_of(None) == []
    assert outline_of(DETECTORS.build("point_cloud", where="test")) == []
    assert reach_of([], np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 3.0]])).tolist() == [[0, 1], [2, 5], [3, 3]]
