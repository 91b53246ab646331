"""Showers in a small calorimeter, as the classical algorithms' tests use them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hitforge.baselines import BASELINES
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.methods import predictions_of
from hitforge.metrics import METRICS
from hitforge.tasks.shower import MeasureShower
from tests.layered import HONEYCOMB, showers

TASK = MeasureShower(
    MeasureShower.Config.read({"quantities": ("energy", "barycentre", "direction")}, where="test"), HONEYCOMB
)
FACTORS = np.repeat([0.8, 1.1, 1.4, 1.0, 1.7, 0.9], 2)


def sample(number: int, seed: int, factors: Any = 1.0) -> Events:
    """Showers whose hits in layer i must be multiplied by ``factors[i]``."""
    events = showers(number, seed)
    events.hits["energy"][:] /= np.broadcast_to(factors, 12)[events.hits["layer"]]
    return events


def without_hits(events: Events, empty: list[int]) -> Events:
    """The same events, some of them without hits."""
    hits = events.hits.select_rows(~np.isin(events.hits.event, empty))
    return Events({"hits": hits}, events.fields, events.info)


def build(name: str, task: Any = TASK, **settings: Any) -> Any:
    """Build a classical algorithm that tries few ways, which is fast."""
    settings = {"w0": (3.0,), "radii": (30.0, 60.0), **settings}
    return BASELINES.build({"name": name, **settings}, HONEYCOMB, task, where="test")


def fit(baseline: Any, train: list[Events], validation: list[Events]) -> dict[str, Any]:
    """Fit it."""
    return baseline.fit(lambda: train, lambda: validation, 1, Progress())


def errors(outputs: Any, events: Events, task: MeasureShower = TASK) -> dict[str, float]:
    """Numbers of the usual metrics."""
    predictions = predictions_of(task, outputs, task.target(events), {})
    values: dict[str, float] = {}
    for name in task.usual_metrics:
        metric = METRICS.build({"name": name, "edges": (10, 20, 40, 60, 80, 100), "min_events": 20}, where="test")
        values |= {key: value.value for key, value in metric.compute(predictions, 1).values.items()}
    return values
