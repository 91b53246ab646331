from __future__ import annotations

import json

import numpy as np
import pytest

from hitforge.report.events._scene import (
    Group,
    by_scale,
    choices,
    hit_points,
    in_groups,
    lines,
    outline,
    prisms,
    short,
    view_boxes,
)


def test_points_are_told_in_tenths_of_a_millimetre() -> None:
    place = np.array([[1.0, -2.04, 3.06], [1000.0, 0.0, 0.04]])
    part = hit_points(place, np.array([1.26, 9.0]), [("energy", "GeV", [0.5, 1.0])])["points"]
    assert [part[axis] for axis in "xyz"] == [[10, 10000], [-20, 0], [31, 0]]
    assert part["size"] == [13, 90]
    assert part["told"] == [["energy", "GeV", [0.5, 1.0]]]
    json.dumps(part, allow_nan=False)


def test_bodies_have_all_corners_of_both_faces() -> None:
    low = np.arange(24.0).reshape(2, 4, 3)
    part = prisms(low, low + 1)["prisms"]
    assert part["n"] == 4
    assert part["low"]["x"] == (10 * low[..., 0].ravel()).tolist()
    assert part["high"]["z"] == (10 * low[..., 2].ravel() + 10).tolist()


def test_groups_without_hits_are_not_in_the_legend() -> None:
    groups = [Group("a", "#ff0000", "t0"), Group("b", "#00ff00", "t1"), Group("noise", "faint", "n")]
    (part,) = in_groups("true", groups, np.array([2, 0, 2]))["colours"]
    assert [one["name"] for one in part["groups"]] == ["a", "noise"]
    assert [part["groups"][one]["key"] for one in part["of"]] == ["n", "t0", "n"]
    assert part["colours"] == ["#ff0000", "faint"]


@pytest.mark.parametrize("log", [False, True])
def test_a_scale_runs_from_its_first_to_its_last_colour(log: bool) -> None:
    values = np.array([0.001, 0.01, 1.0, 5.0]) if log else np.array([-1.0, 0.0, 10.0, 20.0])
    low, high = (0.01, 1.0) if log else (0.0, 10.0)
    (part,) = by_scale("energy", "energy [GeV]", values, "viridis", low, high, log)["colours"]
    last = len(part["colours"]) - 1
    assert part["of"] == [0, 0, last, last]  # what lies beyond has the colour of the end
    assert part["scale"]["ends"] == [f"{low:.3g}", f"{high:.3g}"]
    (middle,) = by_scale("", "", np.array([0.1 if log else 5.0]), "viridis", low, high, log)["colours"]
    assert abs(middle["of"][0] - last / 2) <= 0.5
    (same,) = by_scale("", "", np.array([3.0]), "viridis", 3.0, 3.0)["colours"]
    assert same["of"] == [0]


def test_gaps_part_a_line_and_each_piece_keeps_its_text() -> None:
    gap = np.full((1, 3), np.nan)
    first = np.concatenate([np.zeros((2, 3)), gap, np.ones((3, 3)), gap])
    (part,) = lines("l", "#000000", [first, np.ones((2, 3))], text=["one", "two"])["lines"]
    assert part["ends"] == [0, 2, 5, 7]
    assert part["text"] == ["one", "one", "two"]
    assert part["key"] == "l"
    assert part["x"] == [0, 0, 10, 10, 10, 10, 10]
    json.dumps(part, allow_nan=False)


def test_no_outline_is_no_part_and_views_and_choices_keep_their_order() -> None:
    assert outline([]) == {}
    assert outline([np.zeros((3, 3)), np.ones((2, 3))])["outline"][0]["ends"] == [0, 3, 5]
    box = np.array([[0.0, 1.0]] * 3)
    assert [one["name"] for one in view_boxes([("near", box), ("all", 2 * box)])["views"]] == ["near", "all"]
    assert "turn" not in view_boxes([("near", box)])
    assert view_boxes([("near", box)], np.array([-5.0, 0.0, 0.0]))["turn"] == pytest.approx([np.pi - 0.5, 0.35])
    assert view_boxes([("near", box)], np.array([0.0, 9.0, 0.0]))["turn"][1] == 1.2  # never from right above
    part = choices([("all", {"b", "a"}), ("none", set())], "none")
    assert part == {"choices": [{"name": "all", "kinds": ["a", "b"]}, {"name": "none", "kinds": []}], "choice": "none"}


def test_three_digits() -> None:
    assert short(np.array([0.0012345, 123456.0])) == [0.00123, 123000.0]
