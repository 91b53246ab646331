from __future__ import annotations

import re

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.report.events import pictures_for
from hitforge.report.events._surface import _towers, _window

PNG = b"\x89PNG\r\n\x1a\n"


def test_picture_shows_owners_only_where_there_are_links(tiny, bare, tmp_path):
    events, detector = tiny
    with_links = pictures_for(detector).event_picture(events, 0, detector, tmp_path / "owned.png")
    without = pictures_for(detector).event_picture(bare, 0, detector, tmp_path / "bare.png")
    sizes = [np.frombuffer(path.read_bytes()[16:24], ">u4") for path in (with_links, without)]
    assert with_links.read_bytes().startswith(PNG)
    assert sizes[0][0] > 1.5 * sizes[1][0]


def test_page_carries_everything_and_loads_nothing(tiny, tmp_path):
    path = pictures_for(tiny[1]).event_page(tiny[0], 0, tiny[1], tmp_path / "event.html")
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"""<(script|link|img|iframe)[^>]*\b(src|href)\s*=""", text)
    assert "Plotly.newPlot" in text
    assert len(text) > 1_000_000
    for part in ("20 GeV", "time 1.5 ns", "cell 1050", "owner", "event 0: pt 50 GeV"):
        assert part in text


def test_towers_are_boxes_that_point_outwards():
    base = np.array([[1000.0, 0.0, 0.0], [0.0, 600.0, 800.0], [0.0, 0.0, 900.0]])
    corners, faces = _towers(base, np.array([10.0, 20.0, 5.0]), 11.0)
    assert corners.shape == (24, 3)
    assert faces.shape == (36, 3)
    assert np.unique(faces).tolist() == list(range(24))
    boxes = corners.reshape(3, 8, 3)
    np.testing.assert_allclose(boxes[:, :4].mean(axis=1), base)
    out = base / np.linalg.norm(base, axis=1, keepdims=True)
    np.testing.assert_allclose(boxes[:, 4:].mean(axis=1) - base, out * np.array([[10.0], [20.0], [5.0]]), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1), 22.0)


def test_window_holds_the_energy_but_not_the_far_noise():
    x, y = np.array([0.0, 0.3, 3.0]), np.zeros(3)
    half = _window(x, y, np.array([40.0, 5.0, 0.05]), np.array([0.02, 0.02, 22.0]))
    assert 0.3 < half < 0.5
    assert _window(x[:1], y[:1], np.ones(1), np.array([0.02, 0.03, 22.0])) == pytest.approx(0.3)


@pytest.mark.parametrize("draw", ["event_picture", "event_page"])
def test_absent_event_leaves_no_file(tiny, tmp_path, draw):
    with pytest.raises(DataError):
        getattr(pictures_for(tiny[1]), draw)(tiny[0], 5, tiny[1], tmp_path / "event.out")
    assert not list(tmp_path.iterdir())
