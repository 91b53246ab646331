from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go
import pytest

from hitforge.core.errors import DataError
from hitforge.report.events._page import figure_page


def test_titles_and_texts_are_no_tags_and_the_library_is_there_once(tmp_path: Path) -> None:
    figure = go.Figure(go.Scatter(x=[0, 1], y=[1, 2]))
    path = figure_page([("a < b", "|eta| < 2.5", figure), ("second", "", figure)], tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert "<title>a &lt; b</title>" in text
    assert "<p>|eta| &lt; 2.5</p>" in text
    assert text.count("<h2>") == 2
    assert text.count("Plotly.newPlot(") == 2
    assert len(text) < 6e6


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        figure_page([("a", "", go.Figure())], tmp_path / "file" / "page.html")
