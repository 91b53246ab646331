from __future__ import annotations

import numpy as np

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


def test_numbers_at_the_top_are_in_centimetres() -> None:
    columns = section("position_resolution").headline(BARE).columns
    assert columns[1] == ("barycentre_y_error", "barycentre y [cm]", 0.1)
