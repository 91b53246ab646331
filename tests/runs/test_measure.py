"""Predictions survive the disk, and only the same events are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.core.progress import Progress
from hitforge.metrics import METRICS, Predictions
from hitforge.runs.measure import choose, compare, read_chosen, read_predictions, write_predictions
from tests.shower_tables import Sample
from tests.targets import target


def _predictions(seed: int, shift: float = 1.0) -> Predictions:
    target = np.arange(400) % 2
    score = 1 / (1 + np.exp(-np.random.default_rng(seed).normal(target * shift)))
    columns = {"target": target, "score_photon": 1 - score, "score_electron": score, "eta": np.linspace(-1, 1, 400)}
    return Predictions(columns, ("photon", "electron"), 1)


def test_round_trip(tmp_path: Path) -> None:
    predictions = replace(_predictions(1), chosen={"shower_efficiency.min_score": 0.25})
    write_predictions(tmp_path, predictions)
    again = read_predictions(tmp_path)
    assert again.chosen == read_chosen(tmp_path) == predictions.chosen
    assert again.classes == predictions.classes
    assert again.signal == predictions.signal
    for name, column in predictions.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)


def test_damaged_predictions_are_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path, _predictions(1))
    path = tmp_path / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    for read in (read_predictions, read_chosen):
        with pytest.raises(RunError, match="whole predictions"):
            read(tmp_path)


def test_paired_difference_has_the_right_sign_and_other_events_are_refused() -> None:
    metrics = (METRICS.build("roc_auc", where="test"),)
    values = compare(_predictions(1, 2.0), _predictions(2, 0.3), metrics, 1)
    assert values["roc_auc_difference"]["low"] > 0
    other = _predictions(3)
    other.columns["target"] = 1 - other.columns["target"]
    with pytest.raises(DataError, match="same events"):
        compare(_predictions(1), other, metrics, 1)


class Held:
    """A sample with validation events, and a method that answered them."""

    def __init__(self, validation: Predictions, events: int) -> None:
        self.validation, self.events, self.asked = validation, events, 0

    def count(self, split: str) -> int:
        return self.events

    def read(self, split: str, columns: set[str]) -> Any:
        return iter([type("Block", (), {"collections": {"links": None}})()])

    def predictions(self, dataset: Any, split: str, *_: Any) -> Predictions:
        self.asked += 1
        assert split == "validation"
        return self.validation


def test_what_metrics_leave_open_is_chosen_on_validation_events() -> None:
    sample = Sample().event().particle().particle()
    sample.shower(0.9, (0, 40.0)).shower(0.6, (1, 40.0)).shower(0.4)
    held = Held(sample.predictions(), 1)
    metrics = tuple(
        METRICS.build(one, target("shower"), where="test")
        for one in ("average_precision", "shower_efficiency", {"name": "shower_response", "min_score": 0.2})
    )
    method: Any = held
    assert choose(method, metrics, method, Progress()) == {"shower_efficiency.min_score": 0.6}
    assert held.asked == 1
    assert choose(method, metrics[2:], method, Progress()) == {}
    assert choose(method, metrics, Held(sample.predictions(), 0), Progress()) == {}  # type: ignore[arg-type]
    assert held.asked == 1
