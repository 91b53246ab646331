"""A few test events of each method, kept for displays."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hitforge.events import Events
from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.objects import Kind


def keep_events(
    kind: Kind, events: Events, predictions: Predictions, folder: Path, metrics: Sequence[Metric] = ()
) -> None:
    """Let a kind keep some events, judged by its metric with the settings of the run, else with the usual ones.

    Where events have no links, what was found is kept and not judged.

    Args:
        kind: What was looked for.
        events: The first test events, in order; one at least.
        predictions: Of the test events, of which the first are these.
        folder: Of the method.
        metrics: Of the run.

    Raises:
        DataError: The predictions are of something else.
    """
    statuses = None
    if kind.status_metric and "links" in events.collections:
        own = next((metric for metric in metrics if metric.name == kind.status_metric), None)
        statuses = (own or METRICS.build(kind.status_metric, where="display")).statuses(predictions)
    kind.keep_events(events, predictions.tables, statuses, folder)
