from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.report.events import pictures_for
from hitforge.report.events._surface import _towers, _window
from tests.held import all_of

PNG = b"\x89PNG\r\n\x1a\n"


def test_picture_shows_owners_only_where_there_are_links(tiny, bare, tmp_path):
    events, detector = tiny
    with_links = pictures_for(detector).event_picture(events, 0, detector, tmp_path / "owned.png")
    without = pictures_for(detector).event_picture(bare, 0, detector, tmp_path / "bare.png")
    sizes = [np.frombuffer(path.read_bytes()[16:24], ">u4") for path in (with_links, without)]
    assert with_links.read_bytes().startswith(PNG)
    assert sizes[0][0] > 1.5 * sizes[1][0]


def test_a_scene_tells_energies_cells_and_owners(tiny):
    events, detector = tiny
    scene = pictures_for(detector).event_scene(events, 0, detector, "event 5")
    held = all_of(scene)
    assert (scene.name, scene.title) == ("event 5", "pt 50 GeV")
    assert scene.text[1] == "Particles with hits: γ 30 GeV, e− 20 GeV."
    told = {name: values for name, _, values in held["points"]["told"]}
    assert 1050 in told["cell"]
    assert 1.5 in told["time"]
    assert [one["name"] for one in held["colours"]] == ["energy", "time", "particle"]
    assert held["prisms"]["n"] == 4
    assert len(held["prisms"]["low"]["x"]) == 4 * len(told["cell"])
    box = np.array(held["views"][0]["box"])
    for i, axis in enumerate("xyz"):
        ends = [np.array(held["prisms"][face][axis]).reshape(-1, 4).mean(axis=1) for face in ("low", "high")]
        np.testing.assert_allclose(held["points"][axis], 0.5 * (ends[0] + ends[1]), atol=1.0)  # in the middle of each
        assert (0.1 * np.array(held["points"][axis]) > box[i, 0]).all()
        assert (0.1 * np.array(held["points"][axis]) < box[i, 1]).all()
    seed = events.hits["energy"].argmax()
    out = np.array([events.hits[axis][seed] for axis in "xz"])
    turn = held["turn"][0] + 0.5
    np.testing.assert_allclose([np.cos(turn), np.sin(turn)], out / np.linalg.norm(out), atol=0.05)  # seen from outside
    assert [one["name"] for one in held["views"]] == ["hits", "detector"]


def test_towers_are_boxes_that_point_outwards():
    base = np.array([[1000.0, 0.0, 0.0], [0.0, 600.0, 800.0], [0.0, 0.0, 900.0]])
    low, high = _towers(base, np.array([10.0, 20.0, 5.0]), 11.0)
    assert low.shape == high.shape == (3, 4, 3)
    np.testing.assert_allclose(low.mean(axis=1), base)
    out = base / np.linalg.norm(base, axis=1, keepdims=True)
    np.testing.assert_allclose(high.mean(axis=1) - base, out * np.array([[10.0], [20.0], [5.0]]), atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(low[:, 1] - low[:, 0], axis=1), 22.0)
    around = np.cross(low[:, 1] - low[:, 0], low[:, 2] - low[:, 1])  # counter-clockwise, seen from outside
    assert (np.einsum("ni,ni->n", around, out) > 0).all()


def test_window_holds_the_energy_but_not_the_far_noise():
    x, y = np.array([0.0, 0.3, 3.0]), np.zeros(3)
    half = _window(x, y, np.array([40.0, 5.0, 0.05]), np.array([0.02, 0.02, 22.0]))
    assert 0.3 < half < 0.5
    assert _window(x[:1], y[:1], np.ones(1), np.array([0.02, 0.03, 22.0])) == pytest.approx(0.3)


def test_absent_event_leaves_no_file(tiny, tmp_path):
    kind = pictures_for(tiny[1])
    with pytest.raises(DataError):
        kind.event_picture(tiny[0], 5, tiny[1], tmp_path / "event.png")
    with pytest.raises(DataError):
        kind.event_scene(tiny[0], 5, tiny[1])
    assert not list(tmp_path.iterdir())
