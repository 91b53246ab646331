"""Checks that every metric asks of its predictions before it measures them."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.metrics import Metric, Predictions


def definition(metric: Metric, text: str) -> str:
    """Return the full definition of a number: name and version of its metric, then its cuts."""
    return f"{metric.name} v{metric.version}: {text}"


def column(predictions: Predictions, name: str) -> Array:
    """Return a column as float64, (N,), if it is finite.

    Raises:
        DataError: The column is absent, has a wrong length, or holds NaN or infinity.
    """
    if name not in predictions.columns:
        raise DataError(f"the predictions must have the column '{name}'", came=", ".join(predictions.columns) or "none")
    values = np.asarray(predictions.columns[name], np.float64)
    if values.shape != (len(predictions),):
        raise DataError(f"'{name}' must have one value an event, ({len(predictions)},)", came=values.shape)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise DataError(
            f"'{name}' must be finite",
            came=f"{values[bad[0]]} and {len(bad) - 1} more such values",
            where=f"event {bad[0]}",
        )
    return values


def target(predictions: Predictions) -> Array:
    """Return the true class of each event, (N,) int64.

    Raises:
        DataError: The predictions are of a regression, there is no event, or a target is not the index of a class.
    """
    if not predictions.classes:
        raise DataError(
            "this metric measures a classification, with columns 'target' and 'score_<class>'",
            came=", ".join(predictions.columns) or "no column",
            do="choose other metrics in 'evaluation.metrics', or the task 'classify'",
        )
    values = column(predictions, "target")
    if not len(values):
        raise DataError("the sample must have at least one event", came="an empty one")
    bad = np.flatnonzero((values < 0) | (values >= len(predictions.classes)) | (values % 1 != 0))
    if len(bad):
        raise DataError(
            f"'target' must be the index of one of {', '.join(predictions.classes)}",
            came=values[bad[0]],
            where=f"event {bad[0]}",
        )
    return values.astype(np.int64)


def one_against_rest(predictions: Predictions) -> tuple[Array, Array]:
    """Return the signal score, (N,) float64, and which events are signal, (N,) bool.

    Raises:
        DataError: No events, no signal, no background, or a score that is not finite.
    """
    is_signal = target(predictions) == predictions.signal
    signal = predictions.classes[predictions.signal]
    score = column(predictions, f"score_{signal}")
    if is_signal.all() or not is_signal.any():
        missing = f"signal ('{signal}')" if not is_signal.any() else f"background (any class but '{signal}')"
        raise DataError(
            "the sample must hold both signal and background",
            came=f"no {missing} in {len(score)} events",
            do="measure on a sample that holds both",
        )
    return score, is_signal


def signal_probability(predictions: Predictions) -> tuple[Array, Array]:
    """Return what ``one_against_rest`` returns, if the scores are probabilities.

    Raises:
        DataError: As there, or a score lies outside 0 to 1.
    """
    score, is_signal = one_against_rest(predictions)
    bad = np.flatnonzero((score < 0.0) | (score > 1.0))
    if len(bad):
        raise DataError("scores must be probabilities between 0 and 1", came=score[bad[0]], where=f"event {bad[0]}")
    return score, is_signal


def require_same_events(first: Predictions, second: Predictions) -> None:
    """Refuse two sets of predictions that are not of the same events in the same order.

    What was answered may differ (``score_...``, ``predicted_...``). True quantities agree to rounding only, because
    each is stored as a difference from what the hits say.

    Raises:
        DataError: Classes, targets, true quantities, or an event field that both have differ.
    """
    if (first.classes, first.signal) != (second.classes, second.signal):
        raise DataError(
            "both sets of predictions must have the same classes and signal",
            came=f"{first.classes} and {second.classes}",
        )
    if len(first) != len(second):
        raise DataError(
            "both sets of predictions must be of the same events", came=f"{len(first)} and {len(second)} events"
        )
    for name in first.columns.keys() & second.columns.keys():
        if name.startswith(("score_", "predicted_")):
            continue
        one, two = first.columns[name], second.columns[name]
        if name.startswith("true_"):
            size = float(np.abs(one).max(initial=0.0))
            same = np.allclose(one, two, rtol=1e-5, atol=1e-5 * size)
        else:
            same = np.array_equal(one, two)
        if not same:
            raise DataError(
                "both sets of predictions must be of the same events, in the same order",
                came=f"different '{name}'",
                do="evaluate both on one sample",
            )
