from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import Predictions

S, N, C = 0.25, 0.4, 0.01


def sigma(energy: np.ndarray) -> np.ndarray:
    return np.sqrt(S**2 / energy + N**2 / energy**2 + C**2)


@pytest.fixture(scope="module")
def sample(shower):
    return shower(30_000, 1, sigma)


@pytest.fixture(scope="module")
def result(metric, sample):
    return metric("energy_resolution").compute(sample, 1)


def test_perfect_predictions_have_no_error(metric, shower):
    result = metric("energy_resolution").compute(shower(3000, 1, np.zeros_like), 1)
    for name in ("error", "sigma68", "stochastic", "noise", "constant", "linearity", "unanswered"):
        assert result.values[f"energy_{name}"].value == 0, name
    table = result.tables["energy_resolution.bins"]
    np.testing.assert_array_equal(table["response"], 1)
    np.testing.assert_array_equal(table["rms"], 0)
    assert result.tables["energy_resolution.histogram"]["count"].max() == 3000


def test_known_smearing_is_given_back_in_each_bin(result):
    table = result.tables["energy_resolution.bins"]
    for name in ("sigma68", "rms"):
        half = 0.5 * (table[f"{name}_high"] - table[f"{name}_low"])
        pull = (table[name] - sigma(table["centre"])) / half
        assert (np.abs(pull[1:]) < 4).all()  # the first bin is so wide that its mean is not its centre's
        assert 0.3 < np.sqrt((pull[1:] ** 2).mean()) < 2
    pull = (table["response"] - 1) / (0.5 * (table["response_high"] - table["response_low"]))
    assert (np.abs(pull) < 4).all()
    assert table["n"].sum() == 30_000
    assert table["low"].tolist() == [5, 10, 20, 30, 40, 60, 80, 100, 150, 200, 250]


def test_fit_gives_back_its_three_terms(metric, shower):
    pulls = []
    for seed in range(6):
        values = metric("energy_resolution", replicas=100).compute(shower(20_000, seed, sigma), seed).values
        for name, true in (("stochastic", S), ("noise", N), ("constant", C)):
            value = values[f"energy_{name}"]
            assert value.low <= value.value <= value.high
            pulls.append((value.value - true) / max(0.5 * (value.high - value.low), 1e-4))
    assert np.abs(pulls).max() < 4
    assert np.sqrt(np.mean(np.square(pulls))) < 1.8


def test_curve_is_the_fitted_one(result):
    curve = result.tables["energy_resolution.fit"]
    s, n, c = (result.values[f"energy_{name}"].value for name in ("stochastic", "noise", "constant"))
    expected = np.sqrt(s**2 / curve["energy"] + n**2 / curve["energy"] ** 2 + c**2)
    np.testing.assert_allclose(curve["sigma"], expected)
    assert curve["energy"][[0, -1]] == pytest.approx([5, 300])


def test_error_and_width_of_a_normal_distribution(metric, shower):
    values = metric("energy_resolution").compute(shower(20_000, 3, lambda e: 0.05 + 0 * e), 1).values
    assert values["energy_sigma68"].value == pytest.approx(0.05, rel=0.03)
    assert values["energy_error"].value == pytest.approx(0.05 * np.sqrt(2 / np.pi), rel=0.03)
    assert values["energy_constant"].value == pytest.approx(0.05, rel=0.05)


def test_scale_changes_the_response_but_not_the_width_and_not_the_linearity(metric, sample, result):
    columns = {**sample.columns, "predicted_energy": 1.3 * sample.columns["predicted_energy"]}
    scaled = metric("energy_resolution").compute(Predictions(columns), 1)
    for name in ("energy_sigma68", "energy_linearity", "energy_stochastic"):
        assert scaled.values[name].value == pytest.approx(result.values[name].value, rel=1e-9)
    first, second = (r.tables["energy_resolution.bins"] for r in (scaled, result))
    np.testing.assert_allclose(first["response"], 1.3 * second["response"])
    np.testing.assert_allclose(first["sigma68"], second["sigma68"])


def test_curved_response_is_not_linear(metric, shower):
    sample = shower(20_000, 3, lambda e: 0.02 + 0 * e)
    true = sample.columns["true_energy"]
    sample.columns["predicted_energy"] *= 1 + 0.1 * np.log10(true / 100)
    value = metric("energy_resolution").compute(sample, 1).values["energy_linearity"]
    centres = np.array([7.5, 15, 25, 35, 50, 70, 90, 125, 175, 225, 275])
    response = 1 + 0.1 * np.log10(centres / 100)
    assert value.value == pytest.approx(np.abs(response / response.mean() - 1).max(), rel=0.05)


def test_events_without_answer_are_counted_and_left_out(metric, sample, result):
    columns = {name: values.copy() for name, values in sample.columns.items()}
    columns["predicted_energy"][:300] = 0
    values = metric("energy_resolution").compute(Predictions(columns), 1).values
    assert values["energy_unanswered"].value == pytest.approx(0.01)
    assert values["energy_unanswered"].n == 30_000
    assert values["energy_error"].n == 29_700
    assert values["energy_error"].value == pytest.approx(result.values["energy_error"].value, rel=0.02)


def test_examples_are_the_same_events_for_every_method(metric, shower, result):
    other = metric("energy_resolution").compute(shower(30_000, 9, sigma), 1)
    first, second = (r.tables["energy_resolution.examples"] for r in (result, other))
    np.testing.assert_array_equal(first["true"], second["true"])
    assert not np.array_equal(first["predicted"], second["predicted"])
    assert len(first["true"]) == 100


def test_tables_have_the_columns_that_a_report_draws(result):
    ends = [f"{name}{end}" for name in ("response", "rms", "sigma68") for end in ("", "_low", "_high")]
    assert set(result.tables["energy_resolution.bins"]) == {"low", "high", "centre", "n", "median", *ends}
    assert set(result.tables["energy_resolution.histogram"]) == {"low", "high", "count"}
    assert set(result.tables["energy_resolution.profile"]) == {"low", "high", "centre", "mean", "rms"}
    assert set(result.tables["energy_resolution.fit"]) == {"energy", "sigma"}
    for table in result.tables.values():
        assert len({len(column) for column in table.values()}) == 1
    profile = result.tables["energy_resolution.profile"]
    np.testing.assert_allclose(profile["rms"][3:], sigma(profile["centre"])[3:], rtol=0.15)


def test_same_seed_gives_the_same_numbers(metric, sample, result):
    again = metric("energy_resolution").compute(sample, 1)
    assert again.values == result.values
    assert metric("energy_resolution").compute(sample, 2).values != result.values
    for value in result.values.values():
        assert value.low <= value.value <= value.high
        assert value.definition.startswith("energy_resolution v1: ")


def test_ratio_to_itself_is_exactly_one(metric, sample):
    values = metric("energy_resolution").compare(sample, sample, 1).values
    assert values.pop("energy_error_difference").value == 0
    assert len(values) == 11
    for value in values.values():
        assert (value.value, value.low, value.high) == (1, 1, 1)


def test_ratio_and_difference_have_the_right_direction(metric, shower):
    first, second = shower(20_000, 1, sigma), shower(20_000, 2, lambda e: 1.3 * sigma(e))
    values = metric("energy_resolution").compare(first, second, 1).values
    assert values["energy_error_difference"].high < 0
    for name, value in values.items():
        if "ratio" in name:
            assert abs(value.value - 1 / 1.3) < 2.5 * (value.high - value.low)
    reverse = metric("energy_resolution").compare(second, first, 1).values
    assert reverse["energy_error_difference"].value == pytest.approx(-values["energy_error_difference"].value)
    assert reverse["energy_sigma68_ratio_5_10"].value == pytest.approx(1 / values["energy_sigma68_ratio_5_10"].value)


@pytest.mark.parametrize("silent", ["first", "second", "both"])
def test_pairs_are_the_events_that_both_methods_answered(metric, shower, silent):
    """What one of the two left unanswered counts for neither, whichever it was."""
    samples = {"first": shower(6000, 1, sigma), "second": shower(6000, 2, lambda e: 1.3 * sigma(e))}
    left_out = {"first": np.zeros(6000, bool), "second": np.zeros(6000, bool)}
    for i, name in enumerate(("first", "second")):
        if silent in (name, "both"):
            left_out[name][1000 * i : 1000 * i + 1500] = True
    some, kept = {}, ~(left_out["first"] | left_out["second"])
    for name, sample in samples.items():
        predicted = np.where(left_out[name], 0.0, sample.columns["predicted_energy"])
        some[name] = Predictions({**sample.columns, "predicted_energy": predicted})
        samples[name] = Predictions({key: values[kept] for key, values in sample.columns.items()})
    values = metric("energy_resolution").compare(some["first"], some["second"], 1).values
    expected = metric("energy_resolution").compare(samples["first"], samples["second"], 1).values
    assert values == expected
    assert values["energy_error_difference"].n == kept.sum() < 6000
    assert np.isfinite([value.value for value in values.values()]).all()


def test_other_events_are_not_compared(metric, shower):
    with pytest.raises(DataError, match="same events"):
        metric("energy_resolution").compare(shower(500, 1, sigma), shower(501, 1, sigma), 1)


def test_few_events_give_no_bins_and_no_fit(metric, shower):
    result = metric("energy_resolution").compute(shower(60, 1, sigma), 1)
    assert set(result.values) == {"energy_error", "energy_sigma68", "energy_unanswered"}
    assert "energy_resolution.bins" not in result.tables
    assert metric("energy_resolution", edges=(5, 300)).compute(shower(60, 1, sigma), 1).values["energy_linearity"]


def test_other_quantities_give_an_empty_result(metric):
    sample = Predictions({"true_direction_x": np.ones(5), "predicted_direction_x": np.ones(5)})
    assert metric("energy_resolution").compute(sample, 1).values == {}
    assert metric("energy_resolution").compare(sample, sample, 1).values == {}


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [(0.0, 1.0, "'true_energy' must be above 0"), (1.0, -1.0, "'predicted_energy' must be >= 0")],
)
def test_impossible_energies_are_refused(metric, true, predicted, message):
    columns = {"true_energy": np.array([1.0, true]), "predicted_energy": np.array([1.0, predicted])}
    with pytest.raises(DataError, match=message + r".*event 1"):
        metric("energy_resolution").compute(Predictions(columns), 1)
