from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from matplotlib.figure import Figure

from hitforge.report._svg import svg
from hitforge.report.style import look, new_figure

_ROOM = "{http://www.w3.org/2000/svg}"


def _cloud(points: int) -> str:
    random = np.random.default_rng(0)
    with look():
        figure = new_figure(3.0, 2.0)
        axes = figure.subplots()
        axes.scatter(*random.normal(size=(2, points)), random.uniform(1, 9, points))
        return svg(figure)


def test_same_drawing_gives_the_same_text():
    assert _cloud(150) == _cloud(150)


def test_cloud_becomes_pixels_and_few_points_stay_points():
    few, many = (ET.fromstring(_cloud(points)) for points in (50, 500))
    assert (len(few.findall(f".//{_ROOM}image")), len(many.findall(f".//{_ROOM}image"))) == (0, 1)
    assert len(_cloud(5000)) < 3 * len(_cloud(50))


def test_figure_is_laid_out_and_drawn_once(monkeypatch):
    passes = []
    usual = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda self, renderer: (passes.append(self), usual(self, renderer)))
    with look():
        figure = new_figure(3.0, 2.0)
        figure.subplots().set_xlabel("a long way below")
        layout = figure.get_layout_engine()
        monkeypatch.setattr(layout, "execute", lambda drawn, run=layout.execute: (passes.append("layout"), run(drawn)))
        svg(figure)
    assert passes == [figure, "layout"]


def test_figure_can_be_saved_elsewhere_afterwards(tmp_path):
    with look():
        figure = new_figure(3.0, 2.0)
        figure.subplots()
        svg(figure)
        figure.savefig(tmp_path / "a.png", dpi=50)
    assert figure.dpi == pytest.approx(100.0)
    assert (tmp_path / "a.png").read_bytes()[16:24] == (150).to_bytes(4, "big") + (100).to_bytes(4, "big")
