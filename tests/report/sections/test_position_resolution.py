from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from hitforge.report.numbers import measured
from tests.report.drawing import BARE, draw, method, points_of, results, section


def _table(shift: float) -> dict[str, list[float]]:
    return {"low": [10, 20], "high": [20, 40], "centre": [15, 30], "error": [3 + shift, 2 + shift],
            "error_low": [2.9 + shift, 1.8 + shift], "error_high": [3.2 + shift, 2.1 + shift]}  # fmt: skip


def test_each_coordinate_has_its_own_error_and_histogram() -> None:
    tables = {f"position_resolution.barycentre_{axis}": _table(i) for i, axis in enumerate("xyz")}
    tables |= {
        f"position_resolution.histogram_{axis}": {"low": [-1, 0], "high": [0, 1], "count": [1 + i, 3]}
        for i, axis in enumerate("xyz")
    }
    (one,) = draw("position_resolution", results([method("net", tables)]))["position"]
    upper, lower = one.axes[:3], one.axes[3:]
    for i, (axes, below) in enumerate(zip(upper, lower, strict=True)):
        np.testing.assert_allclose(points_of(axes)["net"][1], [3 + i, 2 + i])
        assert axes.get_ylabel() == f"mean |predicted − true| of {'xyz'[i]} [mm]"
        (step,) = below.patches
        np.testing.assert_allclose(step.get_data().values, [100 * (1 + i) / (4 + i), 300 / (4 + i)])


def test_nothing_measured_draws_nothing() -> None:
    assert draw("position_resolution", BARE) == {}


def test_numbers_at_the_top_are_in_millimetres() -> None:
    columns = section("position_resolution").headline(BARE).columns
    assert columns[1] == ("barycentre_y_error", "barycentre y [mm]", 1.0)


def test_without_bins_there_are_histograms_alone() -> None:
    histogram = {"low": [-1, 0], "high": [0, 1], "count": [1, 3]}
    single = {name: values[:1] for name, values in _table(0.0).items()}
    for tables in ({}, {"position_resolution.barycentre_x": single}):
        run = results([method("net", {"position_resolution.histogram_x": histogram, **tables})])
        (one,) = draw("position_resolution", run)["position"]
        assert [axes.get_xlabel() for axes in one.axes] == ["predicted − true x [mm]"]
    (part,) = section("position_resolution").subsections(run)
    assert part.note == "x: Enough events for one bin of energy alone: net 3.00 +0.20 −0.10 mm at 10 to 20 GeV."
    assert part.data == ("position_resolution.barycentre_x", "position_resolution.histogram_x")


def test_answer_says_each_coordinate_and_who_is_better() -> None:
    def away(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.011, "high": value + 0.011}

    errors = {f"barycentre_{axis}_error": 1.0 + i for i, axis in enumerate("xyz")}
    values = {
        f"barycentre_{axis}_error_difference": away(size) for axis, size in zip("xyz", (0.5, -0.25, 0.01), strict=True)
    }
    methods = [method("net", **errors), replace(method("sum", **errors), kind="baseline")]
    run = results(methods, comparisons=[{"first": "net", "second": "sum", "values": values}])
    text = re.sub("<.*?>", "", section("position_resolution").answer(run))
    told = [measured(methods[0].metric(name)) for name in errors]
    assert text == (
        f"On 7 test events, net finds the barycentre with a mean absolute error of {told[0]} mm in x, {told[1]} mm in "
        f"y and {told[2]} mm in z. The classical algorithm sum is better in x. On the same "
        "events, beside sum: 0.500 ± 0.011 mm worse in x, 0.250 ± 0.011 mm better in y and not told apart in z "
        "(0.010 ± 0.011 mm worse)."
    )
    picture = draw("position_resolution", run)["answer"][0]
    assert [axes.get_xlabel().partition(",")[0] for axes in picture.axes] == [f"barycentre {axis}" for axis in "xyz"]
    assert section("position_resolution").answer(BARE) is None
