"""Figures of reports and displays of events as matplotlib axes, which show themselves in notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.detectors import Detector
from hitforge.events import Dataset, Events
from hitforge.library.drawing import Drawing
from hitforge.library.numbers import predictions_from
from hitforge.library.plugins import detector as detector_of
from hitforge.library.plugins import geometry
from hitforge.library.plugins import metric as build_metric
from hitforge.library.runs import Run
from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.objects import Kind
from hitforge.report.events import pictures_for
from hitforge.report.results import MethodResult, RunResults, read_run
from hitforge.report.sections import SECTIONS, sections_of
from hitforge.report.style import Picture, look


def plot(
    metric: str | Metric,
    what: Run | Predictions | Mapping[str, Any],
    *,
    target: Kind | None = None,
    seed: int = 1,
    **settings: Any,
) -> Drawing:
    """Draw what a metric measured, as the report does.

    Args:
        metric: A name of ``hf.plugins("metrics")``, or what ``hf.metric`` returned.
        what: A run, of which all methods are drawn; or answers as ``hf.measure`` takes them, by the label of each
            method; or those of one.
        target: Which objects are to be found, for metrics of objects: ``run.target``.
        seed: Of the bootstrap replicas of intervals.
        **settings: Of the metric; see ``hf.settings(metric)``.

    Returns:
        The axes of the figures: ``axes[0]`` is a matplotlib ``Axes``, ``axes.figures[0]`` its figure.

    Example:
        >>> hf.plot("roc_auc", {"network": run.predictions, "trees": run["boosted trees"].predictions})
    """
    name = metric if isinstance(metric, str) else metric.name
    if name not in SECTIONS.names():
        known = [one for one in METRICS.names() if one in SECTIONS.names()]
        raise ConfigError(f"no figure of a metric '{name}': {did_you_mean(name, known)}")
    if isinstance(what, Run):
        if settings or not isinstance(metric, str):
            raise ConfigError("a run is drawn as it was measured", came="settings", do="give its predictions")
        results = read_run(what.folder)
    else:
        built = build_metric(metric, target, **settings) if isinstance(metric, str) else metric
        results = measured_run(built, what, seed)
    with look():
        pictures = [one for part in SECTIONS.build(name, where="plot").subsections(results) for one in part.pictures]
    drawn = [one for one in pictures if isinstance(one, Picture)]
    if not drawn:
        told = ", ".join(section.name for section in sections_of(results)) or "nothing"
        raise ConfigError(f"there must be something that '{name}' draws", came=told)
    return Drawing((one.figure for one in drawn), (one.caption for one in drawn))


def measured_run(metric: Metric, what: Predictions | Mapping[str, Any], seed: int) -> RunResults:
    """Return what a report draws of answers by label, measured by one metric; see ``plot``."""
    if not isinstance(what, (Predictions, Mapping)):
        must = "what is drawn must be a run, answers, or answers by label"
        raise ConfigError(must, came=f"{what!r:.80}", do="open a run with hf.load")
    given = {"answers": what} if isinstance(what, Predictions) else dict(what)
    if not given:
        raise ConfigError("there must be answers to draw", came="none")
    methods: list[MethodResult] = []
    task: dict[str, Any] = {}
    for label, one in given.items():
        predictions = predictions_from(*one) if isinstance(one, tuple) else one
        if not isinstance(predictions, Predictions):
            raise ConfigError("answers must be Predictions, or a pair of truth and answer", came=type(one).__name__)
        result = metric.compute(predictions, seed)
        values = {f"test.{name}": asdict(value) for name, value in result.values.items()}
        methods.append(MethodResult(str(label), "network", values, dict(result.tables), {}))
        if predictions.classes:
            task = {"classes": list(predictions.classes), "signal": predictions.classes[predictions.signal]}
    listed = {"task": task, "evaluation": {"metrics": [metric.name]}}
    return RunResults(Path(), recipe=listed, methods=tuple(methods))


def display(
    what: Events | Dataset,
    event: int = 0,
    detector: Detector | str | None = None,
    *,
    split: str = "test",
) -> Drawing:
    """Draw an event: its hits by energy and, where the truth is known, by the particle that they belong to.

    Args:
        what: Events, or a dataset.
        event: Its number among the events, or in the split of the dataset.
        detector: Of the events; None: that of the dataset, or points in space.
        split: Part of the dataset.

    Returns:
        The axes of the figure.

    Example:
        >>> hf.display(dataset, 3)
    """
    if isinstance(what, Dataset):
        where = detector_of(what) if detector is None else geometry(detector)
        if not 0 <= event < what.count(split):
            raise ConfigError(f"the split '{split}' has {what.count(split)} events", came=f"event {event}")
        number = event
        for shard in what.read(split):
            if event < len(shard):
                break
            event -= len(shard)
        events, name = shard, f"event {number}"
    elif isinstance(what, Events):
        where, events, name = geometry("point_cloud" if detector is None else detector), what, ""
    else:
        raise ConfigError("what is drawn must be Events or a Dataset", came=type(what).__name__)
    return Drawing([pictures_for(where).event_figure(events, event, where, name)])
