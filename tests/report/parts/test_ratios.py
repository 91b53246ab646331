from __future__ import annotations

import numpy as np

from hitforge.report._binned import is_bin_ratio
from hitforge.report.page import write_report
from hitforge.report.results import read_run
from tests.report.drawing import BARE, draw, method, points_of, results, section
from tests.report.regression_run import make_run


def _value(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.1, "high": value + 0.1}


def test_ratios_stand_in_their_bins_a_picture_a_first_method() -> None:
    values = {"energy_sigma68_ratio_10_20": _value(0.8), "energy_sigma68_ratio_5_10": _value(0.9), "other": _value(1.0)}
    pairs = (
        {"first": "a", "second": "b", "values": values},
        {"first": "b", "second": "a", "values": {"other": _value(2)}},
    )
    methods = [method("a", {"energy_resolution.bins": {"low": []}}), method("b")]
    (one,) = draw("ratios", results(methods, comparisons=pairs))["ratios"]
    (axes,) = one.axes
    x, y = points_of(axes)["b"]
    np.testing.assert_allclose(y, [0.9, 0.8])  # by rising energy
    np.testing.assert_allclose(x, [np.sqrt(50), np.sqrt(200)])
    assert axes.get_ylabel() == r"$\sigma_{68}$ of the energy, ratio"
    assert one.alt.startswith(
        "a over each other method, in bins of energy. σ₆₈ of the energy: a over b 0.9 at 5 to 10 GeV, 0.8 at"
    )
    assert draw("ratios", BARE) == {}


def test_a_ratio_in_one_bin_is_a_sentence() -> None:
    values = {"energy_sigma68_ratio_10_20": _value(0.8)}
    run = results(
        [method("a", {"energy_resolution.bins": {"low": []}})],
        comparisons=[{"first": "a", "second": "b", "values": values}],
    )
    (part,) = section("ratios").subsections(run)
    assert list(part.pictures) == []
    assert part.note == "σ₆₈ of the energy: a over b 0.8 at 10 to 20 GeV."


def test_ratios_in_bins_are_drawn_and_not_listed(tmp_path) -> None:
    assert is_bin_ratio("energy_sigma68_ratio_5_10")
    assert is_bin_ratio("energy_sigma68_ratio_0.5_1e+03")
    assert not is_bin_ratio("energy_error_difference")
    run = read_run(make_run(tmp_path))
    text = write_report(run.folder).read_text(encoding="utf-8")
    assert "energy_error_difference" in text
    assert "energy_sigma68_ratio" not in text
    for key in ("resolution", "response", "errors", "position", "direction", "predictions", "ratios"):
        assert f'<section id="{key}">' in text
    for key in ("roc", "scores", "confusion", "class_roc"):
        assert f'<section id="{key}">' not in text
    assert "1,500 test events, the same for every method" in text
    assert "Energy: mean absolute relative error; barycentre: mean absolute error; direction: mean angle." in text
