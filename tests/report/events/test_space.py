from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.report.events import events_page, pictures_for
from hitforge.report.events._space import _prisms
from hitforge.report.events._space_view import space_of
from tests.held import all_of
from tests.square_planes import PITCH, shower

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_scene_names_axes_and_centres() -> None:
    events, detector = shower(noise=50)
    scene = pictures_for(detector).event_scene(events, 0, detector, "event 12")
    held = all_of(scene)
    assert scene.name == "event 12"
    assert scene.title.startswith("e− 20 GeV")
    names = ["true direction", "axis of the region", "true barycentre", "centre from the hits", "region, 150 mm"]
    assert [line["name"] for line in held["lines"]] == names
    assert [one["name"] for one in held["colours"]] == ["energy", "layer", "time", "particle"]
    assert [one["name"] for one in held["colours"][3]["groups"]] == ["e− 20 GeV", "noise or unknown"]
    assert [one["name"] for one in held["views"]] == ["shower", "all hits", "detector"]
    assert "prisms" in held
    assert [name for name, _, _ in held["points"]["told"]] == ["energy", "time", "layer", "cell"]
    assert len(held["outline"]) == 2  # of the detector, and layers of the window


def test_many_hits_are_points_and_those_left_out_are_told(tmp_path: Path) -> None:
    events, detector = shower(noise=22_000)
    scene = pictures_for(detector).event_scene(events, 0, detector)
    told = "The hottest 20,000 of 22,036 hits are drawn; the other 2,036 hold 20.4 GeV."
    assert told in scene.text
    assert "prisms" not in all_of(scene)
    assert events_page({"": [scene]}, tmp_path / "event.html").stat().st_size < 1_000_000


def test_pictures_of_cells_of_points_and_without_truth(tmp_path: Path) -> None:
    events, detector = shower(noise=50)
    cloud = DETECTORS.build("point_cloud", where="test")
    bare = Events({"hits": events.hits})
    sizes = []
    for name, sample, geometry in (("a", events, detector), ("b", bare, detector), ("c", events, cloud)):
        path = pictures_for(geometry).event_picture(sample, 0, geometry, tmp_path / f"{name}.png")
        assert path.read_bytes().startswith(PNG)
        sizes.append(path.stat().st_size)
    assert len(set(sizes)) == 3
    held = all_of(pictures_for(cloud).event_scene(events, 0, cloud))
    assert "axis of the region" not in [line["name"] for line in held["lines"]]
    assert held["outline"] == []


def test_prisms_stand_on_their_cells() -> None:
    events, detector = shower()
    space = space_of(events, 0, detector)
    low, high = _prisms(space)
    place = np.concatenate([low, high], axis=1)
    assert place.shape == (len(space.view.energy), 12, 3)
    np.testing.assert_allclose(place.min(axis=1)[:, :2], space.view.position[:, :2] - PITCH / 2, atol=1e-4)
    np.testing.assert_allclose(place.mean(axis=1)[:, 2], space.view.position[:, 2], atol=1e-3)
    np.testing.assert_allclose(high[..., 2] - low[..., 2], 2 * space.depth)
