from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hitforge.report._binned import beside, ends, legend, points, reach, scale, tables_of
from hitforge.report.results import MethodResult


def _table(**columns: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(values, float) for name, values in columns.items()}


TABLE = _table(low=[0.0, 10.0, 20.0], high=[10.0, 20.0, 50.0], value=[0.5, np.nan, 0.9], lo=[0.4, 0.0, 0.8],
               hi=[0.6, 1.0, 0.95], n=[50, 0, 60])  # fmt: skip


def test_methods_without_the_table_keep_their_place() -> None:
    with_it = MethodResult("b", "baseline", {}, {"x": TABLE}, {})
    found = tables_of([MethodResult("a", "network", {}, {}, {}), with_it], "x")
    assert [(index, one.label) for index, one, _ in found] == [(1, "b")]


def test_bins_without_entries_have_no_point() -> None:
    axes = Figure().subplots()
    points(axes, 0, TABLE, "one", wide=False, share=0.25)
    x, y = axes.containers[0].lines[0].get_data()
    assert x.tolist() == [2.5, 27.5]
    assert y.tolist() == [0.5, 0.9]


def test_methods_stand_beside_each_other() -> None:
    assert beside(0, 1) == 0.5
    places = [beside(i, 5) for i in range(5)]
    assert places == sorted(places)
    assert 0.2 < places[0] < places[-1] < 0.8


def test_axis_is_logarithmic_where_bins_span_much() -> None:
    axes = Figure().subplots(3)
    wide = _table(low=[10.0, 50.0], high=[50.0, 200.0])
    for panel, table, is_wide in zip(axes, (wide, wide, TABLE), (True, False, True), strict=True):
        scale(panel, "energy [GeV]", [table], is_wide)
    assert [panel.get_xscale() for panel in axes] == ["log", "linear", "symlog"]
    assert axes[0].get_xlabel() == "energy [GeV]"


def test_legend_stands_below_and_only_where_there_is_something() -> None:
    figure = Figure()
    axes = figure.subplots()
    legend(figure, axes)
    assert not figure.legends
    points(axes, 0, TABLE, "one", wide=False)
    legend(figure, axes)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one"]


def test_bins_of_few_entries_do_not_stretch_the_axis() -> None:
    table = {"value": [0.99, 0.0], "lo": [0.98, 0.0], "hi": [1.0, 0.84], "n": [500, 1]}
    arrays = {name: np.array(column) for name, column in table.items()}
    assert reach([arrays]) == (0.0, 1.0)  # a point is never outside
    arrays["value"][1] = 0.97
    assert reach([arrays]) == (0.97, 1.0)
    arrays["n"] = np.array([3, 1])
    assert reach([arrays]) == (0.97, 1.0)


def test_an_open_bin_ends_half_as_wide_again() -> None:
    low, high = ends({"low": np.array([1.0, 10.0]), "high": np.array([10.0, 1e9])})
    assert high.tolist() == [10.0, 15.0]
    assert low.tolist() == [1.0, 10.0]
