from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from hitforge.report._binned import (
    FEW,
    Panel,
    beside,
    binned_points,
    curves_of,
    data_of,
    ends,
    filled,
    grid_of,
    has_something,
    inner_legends,
    legend,
    one_bin,
    panels_of,
    reach,
    scale,
    spelled,
    spoken,
    tables_of,
    told,
    unfilled,
    without_picture,
)
from hitforge.report.results import MethodResult
from hitforge.report.style import look
from tests.report.drawing import method, results


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
    binned_points(axes, 0, TABLE, "one", wide=False, share=0.25)
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
    left, right = figure.subplots(1, 2)
    legend(figure)
    assert not figure.legends
    binned_points(left, 0, TABLE, "one", wide=False)
    binned_points(right, 0, TABLE, "one", wide=False)
    binned_points(right, 1, TABLE, "only on the right", wide=False)
    legend(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "only on the right"]


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


def _run(**tables: dict[str, list[float]]):
    return results([method("a", {name: _table(**table) for name, table in tables.items()})])


MANY = {"low": [0.0, 10.0, 20.0], "high": [10.0, 20.0, 50.0], "value": [0.5, 0.6, 0.9], "lo": [0.4, 0.5, 0.8],
        "hi": [0.6, 0.7, 0.95], "n": [50, FEW - 1, FEW]}  # fmt: skip


def test_bins_of_few_entries_are_left_out_and_counted() -> None:
    run = _run(x=MANY)
    (panel,), text = panels_of(run.methods, {"pt": "x", "eta": "not measured"})
    assert panel.tables[0]["low"].tolist() == [0.0, 20.0]
    assert text == f" Left out: 1 bin with fewer than {FEW} entries."
    found, gone = filled(tables_of(run.methods, "x"), min_entries=20)
    assert found[0][2]["value"].tolist() == [0.5]
    assert gone == {(10.0, 20.0), (20.0, 50.0)}


def test_a_variable_with_one_bin_has_no_panel_and_is_named() -> None:
    one = {name: values[:2] for name, values in MANY.items()}
    panels, text = panels_of(_run(x=one, y=MANY).methods, {"radius": "x", "pt": "y"})
    assert [panel.axis for panel in panels] == ["pt"]
    assert "radius of production, where fewer than two bins have 10 entries." in text
    assert panels_of(_run(x=one).methods, {"radius": "x"})[0] == []
    assert (
        "Left out: all pairs, where fewer than two bins"
        in panels_of(_run(x=one).methods, {"": "x"}, called={"": "all pairs"})[1]
    )
    many = panels_of(_run(x=one).methods, {"": "x", "eta": "x", "phi": "x"}, called={"": "all pairs"})[1]
    assert "all pairs, pseudorapidity and azimuth, where" in many


def test_why_a_rate_has_no_picture() -> None:
    none = {**MANY, "value": [0.0, 0.0, 0.0], "n": [20, 20, 20]}
    panels, few = panels_of(_run(x=none).methods, {"pt": "x"})
    assert not has_something(panels)
    assert without_picture("fake rate", panels, few) == "Fake rate: 0 in every bin of every method, and no picture."
    assert without_picture("fake rate", [], " Left out: all.") == "Fake rate: no picture. Left out: all."
    assert without_picture("fake rate", [], "") == ""
    full = [Panel("pt", tables_of(_run(x=MANY).methods, "x"))]
    assert has_something(full)
    assert without_picture("fake rate", full, " Left out: 1 bin.") == ""


def test_a_point_is_no_curve_but_a_sentence() -> None:
    one = {name: values[:1] for name, values in MANY.items()}
    run = _run(x=one, y=MANY)
    assert curves_of(run.methods, "x") == []
    assert len(curves_of(run.methods, "y")) == 1
    assert one_bin(run, "x", "energy") == "Enough events for one bin of energy alone: a 50 ± 10 % at 0 to 10 GeV."
    assert one_bin(run, "y", "energy") == one_bin(run, "absent", "energy") == ""


def test_bins_that_the_metric_itself_left_out_are_counted() -> None:
    settings = {"name": "resolution", "edges": [0, 10, 20, 50, 80, 90], "min_events": 50}
    run = results(_run(x=MANY).methods, recipe={"evaluation": {"metrics": ["other", settings]}})
    found = tables_of(run.methods, "x")
    text = unfilled(run, "resolution", "edges", "min_events", found)
    assert text == " Left out: 2 of 5 bins, with fewer than 50 entries."
    assert unfilled(run, "other", "edges", "min_events", found) == ""
    assert unfilled(run, "resolution", "edges", "min_events", []) == ""
    assert unfilled(_run(x=MANY), "resolution", "edges", "min_events", found) == ""


def test_ends_of_a_curve_in_words() -> None:
    table = {**TABLE, "low": np.array([0.0, 10.0, 20.0]), "high": np.array([10.0, 20.0, 1e9])}
    found = tables_of([method("a", {"x": table}), method("b", {"x": {**table, "value": np.full(3, np.nan)}})], "x")
    assert told(found, "pt") == "a 50 % at 0 to 10 GeV, 90 % at 20 to 30 GeV"  # the open bin as it is drawn
    assert (
        told(found, "eta", "hi", 1.0, "mm")
        == "a 0.6 mm at 0 to 10, 0.95 mm at 20 to 30; b 0.6 mm at 0 to 10, 0.95 mm at 20 to 30"
    )
    assert spoken("pt") == "transverse momentum"
    assert spoken("of_mine") == "of mine"
    assert spelled(r"$\sigma_{68}$ of the_energy") == "σ₆₈ of the energy"


def test_data_are_the_tables_with_entries() -> None:
    run = _run(x=MANY, empty={"low": []})
    assert data_of(run, "x", "empty", "absent", "x") == ("x",)


@pytest.mark.parametrize(
    ("count", "columns", "lines"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (4, 2, 2), (5, 3, 2), (6, 3, 2)]
)
def test_grids_have_few_holes(count: int, columns: int, lines: int) -> None:
    with look():
        figure, grid = grid_of(count)
    assert len(grid) == count
    geometry = grid[0].get_subplotspec().get_gridspec().get_geometry()
    assert geometry == (lines, columns)
    assert [axes.axison for axes in figure.axes] == [True] * count + [False] * (lines * columns - count)


@pytest.mark.parametrize(("count", "inside"), [(5, True), (6, False)])
def test_names_of_many_methods_stand_below(count: int, inside: bool) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    for index in range(count):
        binned_points(left, index, TABLE, f"method {index}, with a number", wide=False)
        binned_points(right, index, TABLE, f"method {index}", wide=False)
    inner_legends(figure, (left, right), count)
    assert [bool(axes.get_legend()) for axes in (left, right)] == [inside, inside]
    assert len(figure.legends) == (not inside)
    names = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert names == ([] if inside else [f"method {index}, with a number" for index in range(count)])
