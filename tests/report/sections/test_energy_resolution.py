from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from hitforge.report.numbers import measured, rescaled
from hitforge.report.results import RunResults, read_run
from hitforge.report.sections.energy_resolution import _term
from tests.report.drawing import BARE, draw, legend_of, points_of, results, section
from tests.report.regression_run import LABELS, make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunResults:
    return read_run(make_run(tmp_path_factory.mktemp("regression")))


@pytest.fixture(scope="module")
def drawn(run: RunResults):
    return draw("energy_resolution", run)


def test_nothing_measured_draws_nothing() -> None:
    assert draw("energy_resolution", BARE) == {}


def test_width_and_rms_in_percent_stand_beside_each_other(run: RunResults, drawn) -> None:
    (one,) = drawn["resolution"]
    for axes, column in zip(one.axes, ("sigma68", "rms"), strict=True):
        shown = points_of(axes)
        assert len(shown) == len(LABELS)
        for method, (x, y) in zip(run.methods, shown.values(), strict=True):
            table = method.table("energy_resolution.bins")
            np.testing.assert_allclose(y, 100 * table[column])
            np.testing.assert_allclose(x, table["centre"])


def test_legend_of_the_resolution_has_the_terms_of_the_fit(run: RunResults, drawn) -> None:
    labels = legend_of(drawn["resolution"][0].axes[0])
    for method, label in zip(run.methods, labels, strict=True):
        terms = [(name, method.metric(f"energy_{name}")) for name in ("stochastic", "noise", "constant")]
        for (name, term), letter in zip(terms, "SNC", strict=True):
            unit = {"S": "% √GeV", "N": "GeV", "C": "%"}[letter]
            assert _term(letter, term, 1.0 if name == "noise" else 100.0, unit) in label


@pytest.mark.parametrize(
    ("value", "low", "high", "text"),
    [
        (0.4, 0.3, 0.5, "N = 0.40 ± 0.10 GeV"),
        (0.2, -0.3, 0.5, "N < 0.5 GeV"),
        (-0.2, -0.3, 0.5, "N < 0.5 GeV"),
        (-0.4, -0.5, -0.3, "N² < 0 (−0.40 ± 0.10 GeV)"),
    ],
)
def test_a_term_that_may_be_0_is_told_by_its_upper_end(value: float, low: float, high: float, text: str) -> None:
    assert _term("N", {"value": value, "low": low, "high": high}, 1.0, "GeV") == text


def test_bins_at_the_ends_of_the_sample_are_named(run: RunResults, drawn) -> None:
    assert "Left out because the sample does not reach beyond them: 200–250, 250–300 GeV" in (
        drawn["resolution"][0].caption
    )


def test_linearity_is_told_beside_what_chance_shows(run: RunResults, drawn) -> None:
    for method in run.methods:
        alone, value = (measured(rescaled(method.metric(f"energy_linearity{k}"), 100.0)) for k in ("_chance", ""))
        assert f"{method.label} {alone} %, less that {value} %" in drawn["response"][0].caption


def test_response_and_its_distance_from_the_mean(run: RunResults, drawn) -> None:
    (one,) = drawn["response"]
    table = run.methods[0].table("energy_resolution.bins")
    left, right = (next(iter(points_of(axes).values()))[1] for axes in one.axes)
    np.testing.assert_allclose(left, table["response"])
    np.testing.assert_allclose(right, 100 * (table["response"] / table["response"].mean() - 1))


def test_errors_are_shares_of_all_events(run: RunResults, drawn) -> None:
    (one,) = drawn["errors"]
    steps = [patch for patch in one.axes[0].patches if hasattr(patch, "get_data")]
    for method, step in zip(run.methods, steps, strict=True):
        count = method.table("energy_resolution.histogram")["count"]
        np.testing.assert_allclose(step.get_data().values, 100 * count / count.sum())
        assert step.get_data().values.sum() == pytest.approx(100.0)


def test_true_energies_rise_and_the_lower_panel_is_the_relative_error(run: RunResults, drawn) -> None:
    (one,) = drawn["predictions"]
    upper, lower = one.axes
    true, *answers = (line.get_ydata() for line in upper.lines)
    assert (np.diff(true) >= 0).all()
    table = run.methods[0].table("energy_resolution.examples")
    np.testing.assert_allclose(answers[0], table["predicted"][np.argsort(table["true"])])
    np.testing.assert_allclose(lower.lines[1].get_ydata(), 100 * (answers[0] / true - 1))


def test_numbers_at_the_top_are_in_percent(run: RunResults) -> None:
    told = section("energy_resolution").headline(run)
    assert told.columns == (
        ("energy_error", "energy, relative error [%]", 100.0),
        ("energy_sigma68", "energy, σ68 [%]", 100.0),
    )
    assert told.counted


def test_answer_says_error_width_and_the_paired_difference(run: RunResults) -> None:
    text = re.sub("<.*?>", "", section("energy_resolution").answer(run))
    error, width = (rescaled(run.methods[0].metric(f"energy_{name}"), 100.0) for name in ("error", "sigma68"))
    away = rescaled(run.comparisons[0]["values"]["energy_error_difference"], -100.0)
    size = {"value": away["value"], "low": away["high"], "high": away["low"]}
    assert text == (
        f"On 1,500 test events, graph $network_1 measures the energy with a mean absolute relative error of "
        f"{measured(error)} % (σ₆₈ {measured(width)} %). On the same events, beside weighted sum: {measured(size)} "
        "percentage points better."
    )
    assert section("energy_resolution").answer(BARE) is None


def test_a_better_classical_algorithm_is_named(run: RunResults) -> None:
    values = {"energy_error_difference": {"value": 0.1, "low": 0.09, "high": 0.11}}
    worse = replace(run, comparisons=({"first": LABELS[0], "second": LABELS[1], "values": values},))
    text = section("energy_resolution").answer(worse)
    assert "The classical algorithm <b>weighted sum</b> is better." in text
    assert '<b class="number">10.0 ± 1.0</b> percentage points worse' in text


def test_answers_of_regression_share_one_picture_with_numbers(run: RunResults, drawn) -> None:
    (one,) = drawn["answer"]
    labels = [axes.get_xlabel().partition(" [")[0] for axes in one.axes]
    assert labels == ["energy, relative error", *(f"barycentre {axis}, error" for axis in "xyz"), "direction, error"]
    assert f"weighted sum {measured(rescaled(run.methods[1].metric('energy_error'), 100.0))} %" in one.alt
    assert "answer" not in draw("position_resolution", run)
    assert "answer" not in draw("direction_resolution", run)


def test_one_bin_is_a_sentence_and_a_profile_of_one_point_is_left_out(run: RunResults) -> None:
    tables = {
        name: {key: values[:1] for key, values in table.items()} if name.endswith((".bins", ".profile")) else table
        for name, table in run.methods[0].tables.items()
    }
    alone = results([replace(run.methods[0], tables=tables)])
    parts = {part.key: part for part in section("energy_resolution").subsections(alone)}
    row = {name: column[0] for name, column in tables["energy_resolution.bins"].items()}
    width = measured(
        {key: 100 * row[f"sigma68{end}"] for key, end in (("value", ""), ("low", "_low"), ("high", "_high"))}
    )
    assert parts["resolution"].note == (
        f"Enough events for one bin of energy alone: graph $network_1 {width} % "
        f"at {row['low']:g} to {row['high']:g} GeV."
    )
    shown = draw("energy_resolution", alone)
    assert set(shown) == {"errors", "predictions", "answer"}
    (errors,) = shown["errors"]
    assert len(errors.figure.axes) == 1
    assert "profile" not in errors.alt


def test_bins_that_were_left_out_are_counted(run: RunResults) -> None:
    known = [run.methods[0].table(f"energy_resolution.{name}")["low"].tolist() for name in ("bins", "outer")]
    edges = [0.0, *sorted({*known[0], *known[1]}), 300.0, 400.0]
    settings = {"name": "energy_resolution", "edges": edges, "min_events": 50}
    (one,) = draw("energy_resolution", replace(run, recipe={"evaluation": {"metrics": [settings]}}))["resolution"]
    assert f" Left out: 2 of {len(edges) - 1} bins, with fewer than 50 entries." in one.caption


def test_alternative_texts_and_data(run: RunResults, drawn) -> None:
    table = run.methods[0].table("energy_resolution.bins")
    assert (
        f"σ68: graph $network_1 {100 * table['sigma68'][0]:.3g} % at {table['low'][0]:.4g} to"
        in drawn["resolution"][0].alt
    )
    data = {part.key: part.data for part in section("energy_resolution").subsections(run)}
    names = {
        "resolution": ("bins", "fit", "terms"),
        "response": ("bins",),
        "errors": ("histogram", "profile"),
        "predictions": ("examples",),
    }
    assert data == {key: tuple(f"energy_resolution.{name}" for name in found) for key, found in names.items()}


def test_a_fit_is_told_where_one_is_drawn(run: RunResults) -> None:
    (drawn,) = draw("energy_resolution", run)["resolution"]
    assert "and the fit" in drawn.caption
    tables = {name: table for name, table in run.methods[0].tables.items() if not name.endswith(".fit")}
    (drawn,) = draw("energy_resolution", results([replace(run.methods[0], tables=tables)]))["resolution"]
    assert "fit" not in drawn.caption
