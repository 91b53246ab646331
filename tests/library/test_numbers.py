"""Numbers of arrays and of predictions are those of the run."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hitforge as hf


def test_numbers_of_a_run_are_found_again(tiny: hf.Run) -> None:
    numbers = hf.measure("roc_auc", tiny.predictions)
    assert numbers["roc_auc"] == tiny.metrics["test.roc_auc"]
    truth, score = tiny.predictions.is_signal, tiny.predictions.score
    assert hf.measure(hf.metric("roc_auc"), truth, score)["roc_auc"].value == numbers["roc_auc"].value
    paired = hf.compare("roc_auc", tiny.predictions, tiny["boosted trees"].predictions)
    assert dict(paired) == {name: value for name, value in tiny.comparisons["boosted trees"].items() if name in paired}
    trees = tiny["boosted trees"].predictions.score
    assert hf.compare("roc_auc", score, trees, truth)["roc_auc_difference"].value == pytest.approx(
        paired["roc_auc_difference"].value
    )


def test_numbers_show_themselves(tiny: hf.Run) -> None:
    numbers = hf.measure("roc_auc", [0, 0, 1, 1], [0.1, 0.6, 0.5, 0.9])
    assert list(numbers) == ["roc_auc"]
    assert len(numbers) == 1
    assert "roc" in str(list(numbers.tables))
    assert repr(numbers).splitlines()[1].startswith("roc_auc  0.7")
    assert "<td" in numbers._repr_html_()
    assert str(numbers["roc_auc"]).startswith("0.75 (")
    assert "test.roc_auc" in tiny.metrics
    with pytest.raises(hf.ConfigError, match="did you mean 'roc_auc'"):
        numbers["roc_auk"]


def test_regressions_and_several_classes_are_arrays_too() -> None:
    random = np.random.default_rng(1)
    energy = random.uniform(10, 100, 400)
    told = hf.measure("energy_resolution", {"energy": energy}, {"energy": energy * random.normal(1, 0.1, 400)})
    assert told["energy_error"].value == pytest.approx(0.08, abs=0.02)
    label = random.integers(0, 3, 300)
    score = np.eye(3)[label] * 0.4 + 0.2
    assert hf.measure("class_roc", label, score)["accuracy"].value == 1.0
    by_pt = hf.measure(
        "score_profile", label > 0, random.random(300), fields={"pt": random.uniform(1, 9, 300)}, columns=["pt"]
    )
    assert by_pt.tables


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: hf.measure("roc_auc", [0, 1]), hf.ConfigError, "must come with an answer"),
        (lambda: hf.measure("roc_auc", [0, 1], [0.5]), hf.DataError, "must be \\(N,\\)"),
        (lambda: hf.measure("roc_auc", [0, 1], {"energy": [1]}), hf.ConfigError, "both be arrays"),
        (
            lambda: hf.measure("energy_resolution", {"energy": [1.0]}, {"energy": [1.0, 2.0]}),
            hf.DataError,
            "one number",
        ),
        (lambda: hf.measure("roc_auc", ["a", "b"], [0.1, 0.2]), hf.DataError, "the class of each event"),
        (lambda: hf.measure("roc_auc", [0.2, 0.9], [0.1, 0.2]), hf.DataError, r"got: \[0.2, 0.9\]"),
        (lambda: hf.measure("roc_auk", [0, 1], [0, 1]), hf.ConfigError, "did you mean 'roc_auc'"),
        (lambda: hf.measure(3, [0, 1], [0, 1]), hf.ConfigError, "hf.metric"),  # type: ignore[arg-type]
        (lambda: hf.measure(hf.metric("roc_auc"), [0, 1], [0, 1], x=1), hf.ConfigError, "has its settings"),
        (lambda: hf.compare("confusion", [0.1, 0.9], [0.2, 0.8], [0, 1]), hf.ConfigError, "paired comparison"),
    ],
)
def test_what_is_wrong_is_told(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_predictions_show_themselves(tiny: hf.Run) -> None:
    assert repr(tiny.predictions).startswith("Predictions(60 events of photon, electron: target, score_photon")
    assert "(60,) float32" in tiny.predictions._repr_html_()
    with pytest.raises(hf.ConfigError, match="hold their answers already"):
        hf.measure("roc_auc", tiny.predictions, tiny.predictions.score)
