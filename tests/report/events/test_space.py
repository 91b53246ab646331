from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.report.events import pictures_for
from hitforge.report.events._space import _prisms
from hitforge.report.events._space_view import space_of
from tests.report.layered import PITCH, shower

PNG = b"\x89PNG\r\n\x1a\n"


def test_page_carries_everything_and_loads_nothing(tmp_path: Path) -> None:
    events, detector = shower(noise=50)
    text = pictures_for(detector).event_page(events, 0, detector, tmp_path / "event.html").read_text(encoding="utf-8")
    assert not re.search(r"""<(script|link|img|iframe)[^>]*\b(src|href)\s*=""", text)
    content = text[text.index("Plotly.newPlot") :]
    for part in ("true direction", "axis of the region", "true barycentre", "centre from the hits", "region, 150 mm"):
        assert part in content
    for part in ('"label":"owner"', '"label":"layer"', '"label":"all hits"', "mesh3d", "noise or unknown"):
        assert part in content


def test_many_hits_are_points_and_those_left_out_are_told(tmp_path: Path) -> None:
    events, detector = shower(noise=22_000)
    text = pictures_for(detector).event_page(events, 0, detector, tmp_path / "event.html").read_text(encoding="utf-8")
    content = text[text.index("Plotly.newPlot") :]
    assert "the hottest 20,000 of 22,036 hits are drawn; the other 2,036 hold 20.4 GeV" in content
    assert '"type":"mesh3d"' not in content.replace(" ", "").split('"layout"')[0].split('"template"')[0]
    assert len(text) < 12e6


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
    text = pictures_for(cloud).event_page(events, 0, cloud, tmp_path / "cloud.html").read_text(encoding="utf-8")
    assert "axis of the region" not in text[text.index("Plotly.newPlot") :]


def test_prisms_stand_on_their_cells() -> None:
    events, detector = shower()
    space = space_of(events, 0, detector)
    mesh, faces = _prisms(space)
    count = len(space.view.energy)
    assert len(mesh["i"]) == faces * count
    place = np.stack([mesh["y"], mesh["z"], mesh["x"]], axis=1).reshape(count, 12, 3)  # drawn as z, x, y
    np.testing.assert_allclose(place.min(axis=1)[:, :2], space.view.position[:, :2] - PITCH / 2, atol=1e-4)
    np.testing.assert_allclose(place.mean(axis=1)[:, 2], space.view.position[:, 2], atol=1e-3)
    assert mesh["i"].max() < 12 * count
    assert np.unique(np.concatenate([mesh["i"], mesh["j"], mesh["k"]])).tolist() == list(range(12 * count))
