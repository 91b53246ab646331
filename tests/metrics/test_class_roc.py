from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics import Predictions
from hitforge.metrics._intervals import TAIL


def test_two_classes_equal_the_area_of_the_signal(metric, gaussian):
    sample = gaussian(1, 2000, 1500, 1.0)
    values = metric("class_roc").compute(sample, 1).values
    expected = metric("roc_auc").compute(sample, 1).values["roc_auc"].value
    assert values["auc_electron"].value == pytest.approx(expected, abs=1e-12)
    assert values["auc_photon"].value == pytest.approx(expected, abs=1e-12)
    assert values["accuracy"].value == metric("confusion").compute(sample, 1).values["accuracy"].value


def test_each_class_has_its_own_curve(metric, three_classes):
    result = metric("class_roc").compute(three_classes, 1)
    assert set(result.values) == {"accuracy", "auc_a", "auc_b", "auc_c"}
    for name in "abc":
        table = result.tables[f"class_roc.{name}"]
        area = np.trapezoid(table["true_positive"], table["false_positive"])
        assert area == pytest.approx(result.values[f"auc_{name}"].value, abs=0.01)
        assert table["true_positive"][[0, -1]].tolist() == [0, 1]
        assert 0.6 < result.values[f"auc_{name}"].low < result.values[f"auc_{name}"].high < 1


def test_perfect_scores_have_an_interval(metric):
    target = np.repeat([0, 1, 2], 50)
    scores = {f"score_{name}": (target == i).astype(float) for i, name in enumerate("abc")}
    values = metric("class_roc").compute(Predictions({"target": target, **scores}, ("a", "b", "c"), 0), 1).values
    assert values["accuracy"].value == 1
    assert values["auc_a"].value == 1
    assert 0.9 < values["auc_a"].low < 1


def test_class_without_events_is_left_out_and_one_class_alone_is_refused(metric, three_classes):
    target = three_classes.columns["target"]
    kept = {name: values[target != 1] for name, values in three_classes.columns.items()}
    result = metric("class_roc").compute(Predictions(kept, ("a", "b", "c"), 1), 1)
    assert set(result.values) == {"accuracy", "auc_a", "auc_c"}
    alone = {name: values[target == 2] for name, values in three_classes.columns.items()}
    with pytest.raises(DataError, match="two classes or more; got: no a, b"):
        metric("class_roc").compute(Predictions(alone, ("a", "b", "c"), 1), 1)


def test_difference_to_itself_is_zero_and_to_noise_is_above(metric, three_classes):
    values = metric("class_roc").compare(three_classes, three_classes, 1).values
    assert {value.value for value in values.values()} == {0.0}
    assert set(values) == {"auc_a_difference", "auc_b_difference", "auc_c_difference"}
    random = np.random.default_rng(2).dirichlet(np.ones(3), 900)
    scores = {f"score_{name}": random[:, i] for i, name in enumerate("abc")}
    noise = Predictions({"target": three_classes.columns["target"], **scores}, ("a", "b", "c"), 1)
    for value in metric("class_roc").compare(three_classes, noise, 1).values.values():
        assert value.low > 0


def test_classes_that_separate_and_models_that_agree_leave_an_interval(metric, predictions):
    truth = np.arange(40) % 2
    sample = predictions(np.where(truth == 1, 0.9, 0.1), truth)
    value = metric("class_roc").compute(sample, 0).values["auc_electron"]
    assert (value.value, value.high) == (1.0, 1.0)
    assert value.low == pytest.approx(0.912, abs=1e-3)
    away = metric("class_roc").compare(sample, sample, 0).values["auc_electron_difference"]
    most = 1.0 - TAIL ** (1.0 / 20.0)  # none of 20 events differs
    assert (away.value, away.low, away.high) == pytest.approx((0.0, -most, most))
