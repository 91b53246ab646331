"""Predictions survive the disk, and only the same events are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.metrics import METRICS, Predictions
from hitforge.runs.measure import compare, read_predictions, write_predictions


def _predictions(seed: int, shift: float = 1.0) -> Predictions:
    target = np.arange(400) % 2
    score = 1 / (1 + np.exp(-np.random.default_rng(seed).normal(target * shift)))
    columns = {"target": target, "score_photon": 1 - score, "score_electron": score, "eta": np.linspace(-1, 1, 400)}
    return Predictions(columns, ("photon", "electron"), 1)


def test_round_trip(tmp_path: Path) -> None:
    predictions = replace(_predictions(1), chosen={"shower_efficiency.min_score": 0.25})
    write_predictions(tmp_path, predictions)
    again = read_predictions(tmp_path)
    assert again.chosen == predictions.chosen
    assert again.classes == predictions.classes
    assert again.signal == predictions.signal
    for name, column in predictions.columns.items():
        np.testing.assert_array_equal(again.columns[name], column)


def test_damaged_predictions_are_refused(tmp_path: Path) -> None:
    write_predictions(tmp_path, _predictions(1))
    path = tmp_path / "predictions.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(RunError, match="whole predictions"):
        read_predictions(tmp_path)


def test_paired_difference_has_the_right_sign_and_other_events_are_refused() -> None:
    metrics = (METRICS.build("roc_auc", where="test"),)
    values = compare(_predictions(1, 2.0), _predictions(2, 0.3), metrics, 1)
    assert values["roc_auc_difference"]["low"] > 0
    other = _predictions(3)
    other.columns["target"] = 1 - other.columns["target"]
    with pytest.raises(DataError, match="same events"):
        compare(_predictions(1), other, metrics, 1)
