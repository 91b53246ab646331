from __future__ import annotations

import base64

import matplotlib as mpl
import pytest

from hitforge.report import style
from hitforge.report.style import CLASS_COLOURS, METHOD_COLOURS, look, method_style, new_figure, picture, words


def _draw(label):
    with look():
        figure = new_figure(3.0, 2.0)
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label=label)
        axes.legend()
        return picture(figure, "a line", "rises")


def test_picture_is_svg_in_a_data_address_and_always_the_same():
    first, second = _draw("line"), _draw("line")
    assert first.source == second.source
    kind, _, code = first.source.partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(code)
    assert (first.width, first.alt, first.caption) == (288, "a line", "rises")


def test_figure_is_drawn_when_the_source_is_asked_for_and_once(monkeypatch):
    saved = []
    usual = style.svg
    monkeypatch.setattr(style, "svg", lambda figure: (saved.append(figure), usual(figure))[1])
    drawn = _draw("line")
    assert (saved, drawn.figure.axes[0].lines[0].get_label()) == ([], "line")
    assert drawn.source == drawn.source
    assert saved == [drawn.figure]


def test_look_leaves_no_trace():
    before = dict(mpl.rcParams)
    _draw("line")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["$x^{", "_hidden", "a\\alpha", "100 %", "<b>"])
def test_any_name_can_be_drawn(name):
    assert _draw(words(name)).source != _draw(words("other")).source


def test_long_names_are_broken():
    assert words("one two three", 8) == "one two\nthree"


def test_methods_and_the_first_classes_have_different_colours():
    assert len(set(METHOD_COLOURS)) == len(METHOD_COLOURS)
    assert not set(CLASS_COLOURS[:2]) & set(METHOD_COLOURS[:6])
    assert method_style(0) == {"color": METHOD_COLOURS[0], "linestyle": "-"}
    assert method_style(1)["linestyle"] != "-"
