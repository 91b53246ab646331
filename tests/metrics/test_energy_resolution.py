from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
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
    assert table["low"].tolist() == [10, 20, 30, 40, 60, 80, 100, 150]
    outer = result.tables["energy_resolution.outer"]  # answers near the ends of a sample are pulled into it
    assert outer["low"].tolist() == [5, 200, 250]
    assert table["n"].sum() + outer["n"].sum() == 30_000


def test_bins_at_the_ends_of_the_sample_are_kept_if_asked(metric, sample):
    result = metric("energy_resolution", margin=1).compute(sample, 1)
    assert len(result.tables["energy_resolution.bins"]["low"]) == 11
    assert "energy_resolution.outer" not in result.tables
    assert len(metric("energy_resolution", margin=1).compare(sample, sample, 1).values) == 12
    wide = metric("energy_resolution", margin=3).compute(sample, 1)
    assert wide.tables["energy_resolution.bins"]["low"].tolist() == [20, 30, 40, 60]
    assert "by a factor of 3" in wide.values["energy_linearity"].definition


def test_a_spectrum_that_ends_makes_no_resolution_of_nothing(metric):
    """The best answer to energies shot from 5 to 300 GeV, measured with 100 %/sqrt(E), is narrower at both ends."""
    random = np.random.default_rng(3)
    energy = np.exp(random.uniform(np.log(5.0), np.log(300.0), 40_000))
    seen = energy * np.maximum(1.0 + random.normal(size=40_000) / np.sqrt(energy), 0.05)
    grid = np.exp(np.linspace(np.log(5.0), np.log(300.0), 300))
    width = np.sqrt(grid)
    shown = np.arange(0.25, 400.0, 0.25)
    near = np.exp(-0.5 * ((shown[:, None] - grid) / width) ** 2) / width
    answer = np.interp(seen, shown, (near * grid).sum(axis=1) / near.sum(axis=1))
    columns = {"true_energy": energy, "predicted_energy": answer}
    whole, inner = (metric("energy_resolution", margin=m).compute(Predictions(columns), 1) for m in (1, 1.25))
    scaled = [(t := r.tables["energy_resolution.bins"])["sigma68"] * np.sqrt(t["centre"]) for r in (whole, inner)]
    assert scaled[0][0] < 0.65
    assert scaled[0][-1] < 0.9
    np.testing.assert_allclose(scaled[1], 1.0, atol=0.05)
    assert abs(inner.values["energy_stochastic"].value - 1.0) < 0.1


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
    assert curve["energy"][[0, -1]] == pytest.approx([20, 200])
    assert (curve["sigma_low"] < curve["sigma"]).all()
    assert (curve["sigma"] < curve["sigma_high"]).all()


def test_terms_are_told_with_their_correlations(result):
    terms = result.tables["energy_resolution.terms"]
    together = np.stack([terms[f"with_{name}"] for name in ("stochastic", "noise", "constant")])
    np.testing.assert_allclose(np.diag(together), 1)
    np.testing.assert_allclose(together, together.T)
    assert (together[0, 1:] < -0.5).all()  # S takes from both of the other ones
    assert np.sqrt(terms["square"][0]) == result.values["energy_stochastic"].value


def test_the_fit_keeps_to_its_range(metric, sample, result):
    wide = metric("energy_resolution", fit_range=(10, 200)).compute(sample, 1)
    assert wide.tables["energy_resolution.fit"]["energy"][0] == pytest.approx(10)
    assert wide.values["energy_noise"].n > result.values["energy_noise"].n
    assert "20 to 200 GeV" in result.values["energy_noise"].definition
    assert "energy_noise" not in metric("energy_resolution", fit_range=(20, 40)).compute(sample, 1).values
    with pytest.raises(ConfigError, match="rise"):
        metric("energy_resolution", fit_range=(200, 20))


def test_a_square_below_0_is_told_as_such(metric, shower):
    """Half of all samples without noise show a noise whose square is below 0."""
    signs = []
    for seed in range(12):
        sample = shower(4000, seed, lambda e: 0.25 / np.sqrt(e))
        value = metric("energy_resolution", replicas=50).compute(sample, seed).values["energy_noise"]
        signs.append(np.sign(value.value))
        assert value.low < 0 or value.value > 0
        assert "below 0" in value.definition
    assert set(signs) == {-1.0, 1.0}


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
    centres = np.array([15, 25, 35, 50, 70, 90, 125, 175])
    response = 1 + 0.1 * np.log10(centres / 100)
    assert value.value == pytest.approx(np.abs(response / response.mean() - 1).max(), rel=0.05)


def test_a_linear_response_is_linear_within_its_interval(metric, shower):
    values = metric("energy_resolution").compute(shower(3000, 4, lambda e: 0.2 + 0 * e), 1).values
    seen, chance, value = (values[f"energy_linearity{kind}"] for kind in ("_seen", "_chance", ""))
    assert 0.3 * chance.value < seen.value < 2 * chance.high
    assert (value.low, value.value < seen.value) == (0.0, True)
    assert value.high > 0.0


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
    assert set(result.tables["energy_resolution.outer"]) == {"low", "high", "n"}
    assert set(result.tables["energy_resolution.histogram"]) == {"low", "high", "count"}
    assert set(result.tables["energy_resolution.profile"]) == {"low", "high", "centre", "mean", "rms"}
    assert set(result.tables["energy_resolution.fit"]) == {"energy", "sigma", "sigma_low", "sigma_high"}
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
        assert value.definition.startswith("energy_resolution v2: ")


def test_ratio_to_itself_is_exactly_one(metric, sample):
    values = metric("energy_resolution").compare(sample, sample, 1).values
    assert values.pop("energy_error_difference").value == 0
    assert len(values) == 8
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
    assert reverse["energy_sigma68_ratio_10_20"].value == pytest.approx(1 / values["energy_sigma68_ratio_10_20"].value)


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
    two = metric("energy_resolution", edges=(10, 100, 200), min_events=5).compute(shower(60, 1, sigma), 1).values
    assert "energy_linearity" in two
    one = metric("energy_resolution", edges=(10, 200), min_events=5).compute(shower(60, 1, sigma), 1).values
    assert "energy_linearity" not in one  # the mean of one bin is its own


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
