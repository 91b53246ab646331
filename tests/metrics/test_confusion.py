from __future__ import annotations

import numpy as np
import pytest


def _shares(table):
    return {
        (t, p): (c, s)
        for t, p, c, s in zip(table["truth"], table["predicted"], table["count"], table["share"], strict=True)
    }


def test_two_classes_by_hand(metric, predictions):
    result = metric("confusion").compute(predictions([0.5, 0.4, 0.9, 0.2, 0.6], [1, 1, 1, 0, 0]), 0)
    assert _shares(result.tables["confusion"]) == {
        ("photon", "photon"): (1, 0.5),
        ("photon", "electron"): (1, 0.5),
        ("electron", "photon"): (1, pytest.approx(1 / 3)),
        ("electron", "electron"): (2, pytest.approx(2 / 3)),
    }
    accuracy = result.values["accuracy"]
    assert accuracy.value == 0.6
    assert accuracy.low < 0.6 < accuracy.high


def test_threshold_moves_the_answer(metric, predictions):
    sample = predictions([0.5, 0.4, 0.9, 0.2, 0.6], [1, 1, 1, 0, 0])
    assert metric("confusion", threshold=0.3).compute(sample, 0).values["accuracy"].value == 0.8


def test_three_classes_take_the_highest_score(metric, three_classes):
    result = metric("confusion").compute(three_classes, 0)
    scores = np.stack([three_classes.columns[f"score_{name}"] for name in "abc"])
    right = (scores.argmax(axis=0) == three_classes.columns["target"]).mean()
    assert result.values["accuracy"].value == pytest.approx(right)
    assert result.tables["confusion"]["count"].sum() == 900
    for name in "abc":
        own = result.tables["confusion"]["truth"] == name
        assert result.tables["confusion"]["share"][own].sum() == pytest.approx(1.0)


def test_one_class_alone_is_measured_and_the_absent_one_has_no_row(metric, predictions):
    result = metric("confusion").compute(predictions([0.7, 0.2], [1, 1]), 0)
    assert set(result.tables["confusion"]["truth"]) == {"electron"}
    assert result.values["accuracy"].value == 0.5
