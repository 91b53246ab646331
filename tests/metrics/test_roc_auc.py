from __future__ import annotations

import math

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.metrics import METRICS
from hitforge.metrics._auc import covariance
from hitforge.metrics._intervals import TAIL
from hitforge.recipe.monitor import monitor_of
from hitforge.tasks import TASKS


def test_auc_of_two_normals_is_the_analytic_one(metric, gaussian):
    result = metric("roc_auc").compute(gaussian(3, 40_000, 30_000, 1.2), 0).values["roc_auc"]
    expected = 0.5 * math.erfc(-1.2 / 2.0)
    assert abs(result.value - expected) < 4.0 * (result.high - result.low) / 2.0
    assert result.value == pytest.approx(expected, abs=0.006)
    assert 0.0005 < result.high - result.low < 0.006


def test_interval_covers_at_its_level(metric, gaussian):
    expected = 0.5 * math.erfc(-1.0 / 2.0)
    measure = metric("roc_auc", replicas=200)
    toys = [measure.compute(gaussian(seed, 120, 80, 1.0), seed).values["roc_auc"] for seed in range(300)]
    covered = sum(toy.low <= expected <= toy.high for toy in toys)
    assert 0.6827 - 0.09 < covered / 300 < 0.6827 + 0.09  # 3.3 standard deviations of 300 trials


@pytest.mark.parametrize("seed", [0, 9])
def test_full_separation_keeps_an_honest_lower_end(metric, predictions, seed):
    value = metric("roc_auc").compute(predictions(np.linspace(0, 1, 20), np.arange(20) >= 12), seed).values["roc_auc"]
    assert value.value == value.high == 1.0
    assert value.low == pytest.approx(0.1587 ** (1 / 8), abs=1e-3)


@pytest.mark.parametrize("count", [30, 20_000])
def test_curve_is_thinned_rises_and_keeps_its_area(metric, gaussian, count):
    result = metric("roc_auc").compute(gaussian(5, count, count, 1.0), 0)
    fpr, tpr = result.tables["roc"]["fpr"], result.tables["roc"]["tpr"]
    assert len(fpr) <= 400
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert np.trapezoid(tpr, fpr) == pytest.approx(result.values["roc_auc"].value, abs=2e-3)


def test_curve_passes_one_background_event(metric, gaussian):
    fpr = metric("roc_auc").compute(gaussian(6, 5000, 5000, 1.0), 0).tables["roc"]["fpr"]
    assert fpr[fpr > 0].min() == pytest.approx(1 / 5000)


def test_identical_models_do_not_differ(metric, gaussian):
    sample = gaussian(7, 200, 200, 1.0)
    values = metric("roc_auc").compare(sample, sample, 0).values
    difference = values["roc_auc_difference"]
    most = 1.0 - TAIL ** (1.0 / 200.0)  # the share that may differ where none of 200 does
    assert (difference.value, difference.low, difference.high) == pytest.approx((0.0, -most, most))
    assert (values["z"].value, values["p_value"].value) == (0.0, 1.0)


def test_comparison_turns_its_sign_with_the_order(metric, predictions):
    random = np.random.default_rng(8)
    truth = np.arange(600) < 300
    common = random.normal(size=600) + truth
    one, two = (predictions(common + width * random.normal(size=600), truth) for width in (0.3, 1.5))
    forth, back = metric("roc_auc").compare(one, two, 1).values, metric("roc_auc").compare(two, one, 1).values
    assert forth["roc_auc_difference"].value == pytest.approx(-back["roc_auc_difference"].value)
    assert forth["roc_auc_difference"].low == pytest.approx(-back["roc_auc_difference"].high)
    assert forth["p_value"].value == back["p_value"].value < 0.01
    assert forth["roc_auc_difference"].low > 0.0
    values, cov = covariance([one.score, two.score], truth)
    assert forth["z"].value == pytest.approx((values[0] - values[1]) / np.sqrt(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]))


def test_p_value_is_flat_where_models_are_equally_good(metric, predictions):
    random = np.random.default_rng(9)
    truth = np.arange(160) < 80
    measure = metric("roc_auc", replicas=50)
    p_values = []
    for _ in range(200):
        common = random.normal(size=160) + truth
        one, two = (predictions(common + random.normal(size=160), truth) for _ in range(2))
        p_values.append(measure.compare(one, two, 0).values["p_value"].value)
    assert abs(np.mean(np.array(p_values) < 0.3173) - 0.3173) < 0.11
    assert abs(np.mean(p_values) - 0.5) < 0.07


def test_models_without_variance_that_differ_have_no_z(metric, predictions):
    truth = np.arange(10) < 5
    values = metric("roc_auc").compare(predictions(truth * 1.0, truth), predictions(np.full(10, 0.5), truth), 0).values
    assert values["roc_auc_difference"].value == 0.5
    assert values["p_value"].value == 0.0
    assert "z" not in values


def test_other_events_are_refused(metric, predictions):
    score, truth = np.linspace(0.0, 1.0, 6), np.arange(6) % 2
    first = predictions(score, truth, pt=np.arange(6.0))
    compare = metric("roc_auc").compare
    for second, what in (
        (predictions(score[:4], truth[:4]), "6 and 4"),
        (predictions(score, 1 - truth), "'target'"),
        (predictions(score, truth, pt=np.arange(6.0)[::-1]), "'pt'"),
    ):
        with pytest.raises(DataError, match=what):
            compare(first, second, 0)


def test_other_classes_are_refused(metric, predictions, three_classes):
    with pytest.raises(DataError, match="same classes"):
        metric("roc_auc").compare(predictions([0.1, 0.2], [0, 1]), three_classes, 0)


def test_a_number_has_no_auc_to_monitor() -> None:
    metric = METRICS.build("roc_auc", where="test")
    assert metric.monitored(TASKS.build("classify", where="test")) == {"roc_auc": "max"}
    assert metric.monitored(TASKS.build("regress", where="test")) == {}
    with pytest.raises(ConfigError, match=r"no number 'roc_auc' to monitor.*mass_error"):
        monitor_of(
            TASKS.build("regress", where="test"), [METRICS.build("value_response", where="test")], "roc_auc", "here"
        )
