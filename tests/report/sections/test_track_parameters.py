from __future__ import annotations

import numpy as np

from tests.report.drawing import BARE, draw, method, points_of, results, section


def test_widths_have_the_units_of_their_parameter_and_pulls_have_none() -> None:
    table = {"low": [0.0, 1.0], "high": [1.0, 2.0], "n": [50, 60]}
    for i, name in enumerate(("d0", "q_over_pt")):
        for kind, size in (("sigma68", 0.02), ("pull_width", 1.0)):
            values = np.array([1.0, 1.5]) * size * (1 + i)
            table |= {f"{name}_{kind}": values, f"{name}_{kind}_low": 0.9 * values, f"{name}_{kind}_high": 1.1 * values}
    widths, pulls = draw("track_parameters", results([method("net", {"track_parameters.eta": table})]))[
        "track_parameters"
    ]
    assert [axes.get_ylabel() for axes in widths.axes] == [
        r"$d_0$: resolution [µm]",
        r"$q/p_\mathrm{T}$: resolution [%]",
    ]
    np.testing.assert_allclose([points_of(axes)["net"][1] for axes in widths.axes], [[20, 30], [4, 6]])
    np.testing.assert_allclose([points_of(axes)["net"][1] for axes in pulls.axes], [[1, 1.5], [2, 3]])
    assert (widths.alt.partition(" of ")[0], pulls.alt.partition(" of ")[0]) == ("Resolution", "Pulls")


def test_nothing_measured_draws_nothing() -> None:
    assert draw("track_parameters", BARE) == {}


def _table(**columns: list[float]) -> dict[str, list[float]]:
    bins = {"low": [0.0, 1.0], "high": [1.0, 2.0], "n": [50, 60]}
    ends = {f"{name}_{end}": values for name, values in columns.items() for end in ("low", "high")}
    return {**bins, **columns, **ends}


def test_parameters_without_numbers_have_no_panel() -> None:
    table = _table(d0_sigma68=[0.02, 0.03], z0_sigma68=[np.nan, np.nan], d0_pull_width=[np.nan, np.nan])
    (one,) = draw("track_parameters", results([method("net", {"track_parameters.eta": table})]))["track_parameters"]
    (axes,) = one.axes
    assert axes.get_ylabel() == r"$d_0$: resolution [µm]"
    assert "d0: net 20 µm at 0 to 1, 30 µm at 1 to 2." in one.alt


def test_one_bin_is_a_sentence() -> None:
    table = {name: values[:1] for name, values in _table(q_over_pt_sigma68=[0.02, 0.03]).items()}
    (part,) = section("track_parameters").subsections(results([method("net", {"track_parameters.eta": table})]))
    assert not part.pictures
    assert part.note == "Resolution of q/pT: Enough events for one bin of pseudorapidity alone: net 2 % at 0 to 1."
