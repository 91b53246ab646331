"""Numbers with their intervals, measured by the metrics of runs: one definition, wherever it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, did_you_mean
from hitforge.core.tables import html_table, text_table
from hitforge.library.plugins import metric as build_metric
from hitforge.metrics import Metric, Predictions, Value
from hitforge.objects import Kind


class Numbers(Mapping[str, Value]):
    """Numbers by name, each with its 68.3 % interval; it shows itself as a table.

    Attributes:
        tables: What a figure draws: name -> column -> values.

    Example:
        >>> numbers = hf.measure("roc_auc", truth=[0, 0, 1, 1], answer=[0.1, 0.6, 0.5, 0.9])
        >>> numbers["roc_auc"].value
        0.75
    """

    def __init__(self, values: Mapping[str, Value], tables: Mapping[str, Mapping[str, Array]] | None = None) -> None:
        self._values = dict(values)
        self.tables = {name: dict(table) for name, table in (tables or {}).items()}

    def __getitem__(self, name: str) -> Value:
        if name not in self._values:
            raise ConfigError(f"no number '{name}': {did_you_mean(name, self._values)}")
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return text_table(_HEAD, self._rows())

    def _repr_html_(self) -> str:
        return html_table(_HEAD, self._rows())

    def _rows(self) -> list[tuple[str, ...]]:
        from hitforge.report.numbers import measured

        return [(name, measured(asdict(one)), str(one.n), one.definition) for name, one in self._values.items()]


_HEAD = ("number", "value", "events", "definition")


def measure(
    metric: str | Metric,
    truth: Predictions | Mapping[str, Any] | Any,
    answer: Any = None,
    *,
    fields: Mapping[str, Any] | None = None,
    target: Kind | None = None,
    seed: int = 1,
    **settings: Any,
) -> Numbers:
    """Measure answers by a metric, with intervals: the definitions are those of the reports.

    Args:
        metric: A name of ``hf.plugins("metrics")``, or what ``hf.metric`` returned.
        truth: What ``answer`` of a run returned, or the truth alone: of a classification the class of each event,
            (N,) bool or int, where 1 is looked for; of a regression name -> (N,), such as ``{"energy": energy}`` [GeV].
        answer: Beside the truth alone: the score of class 1, (N,), or of each class, (N, K); of a regression
            name -> (N,).
        fields: Event fields that numbers are told by, name -> (N,), such as ``{"pt": pt}``.
        target: Which objects are to be found, for metrics of objects: ``run.target``.
        seed: Of the bootstrap replicas of intervals.
        **settings: Of the metric; see ``hf.settings(metric)``.

    Example:
        >>> hf.measure("roc_auc", truth=[0, 0, 1, 1], answer=[0.1, 0.6, 0.5, 0.9])["roc_auc"].value
        0.75
    """
    result = _built(metric, target, settings).compute(predictions_from(truth, answer, fields), seed)
    return Numbers(result.values, result.tables)


def compare(
    metric: str | Metric,
    first: Any,
    second: Any,
    truth: Any = None,
    *,
    fields: Mapping[str, Any] | None = None,
    target: Kind | None = None,
    seed: int = 1,
    **settings: Any,
) -> Numbers:
    """Measure the paired difference of two answers to the same events, first minus second, with intervals.

    Args:
        metric: A name of ``hf.plugins("metrics")``, or what ``hf.metric`` returned.
        first: What ``answer`` of a run returned; or with ``truth`` scores or quantities as ``hf.measure`` takes them.
        second: The other's answer to the same events.
        truth: The truth alone; None where the answers hold it.
        fields: Event fields, name -> (N,).
        target: Which objects are to be found, for metrics of objects.
        seed: Of the bootstrap replicas.
        **settings: Of the metric.

    Example:
        >>> run = hf.load("runs/demo")
        >>> hf.compare("roc_auc", run.predictions, run["boosted trees"].predictions)
    """
    one, two = (first, None), (second, None)
    if truth is not None:
        one, two = (truth, first), (truth, second)
    built = _built(metric, target, settings)
    result = built.compare(predictions_from(*one, fields), predictions_from(*two, fields), seed)
    if not result.values:
        raise ConfigError("the metric must have a paired comparison", came=built.name)
    return Numbers(result.values, result.tables)


def predictions_from(truth: Any, answer: Any = None, fields: Mapping[str, Any] | None = None) -> Predictions:
    """Return answers beside the truth; see ``measure``."""
    more = {name: np.asarray(values) for name, values in (fields or {}).items()}
    if isinstance(truth, Predictions):
        if answer is not None:
            raise ConfigError("predictions hold their answers already", came="'answer' beside them")
        return Predictions({**truth.columns, **more}, truth.classes, truth.signal, truth.tables) if more else truth
    if answer is None:
        raise ConfigError("the truth must come with an answer", came="the truth alone", do="give 'answer'")
    if isinstance(truth, Mapping) != isinstance(answer, Mapping):
        raise ConfigError("truth and answer must both be arrays, or both arrays by name", came=type(answer).__name__)
    if isinstance(truth, Mapping):
        quantities: dict[str, Array] = {
            f"true_{name}": np.asarray(values, np.float32) for name, values in truth.items()
        }
        quantities |= {f"predicted_{name}": np.asarray(values, np.float32) for name, values in answer.items()}
        _same_length({**quantities, **more})
        return Predictions({**quantities, **more})
    given: Array = np.asarray(truth)
    if given.dtype.kind not in "biuf" or not (given == np.floor(given)).all():
        raise DataError("the truth must be the class of each event, such as 0 or 1", came=given.ravel()[:3].tolist())
    label: Array = given.astype(np.int64)
    score: Array = np.asarray(answer, np.float64)
    if score.ndim == 1:
        score = np.stack([1.0 - score, score], axis=1)
    if label.ndim != 1 or score.ndim != 2 or len(label) != len(score):
        raise DataError(
            "the truth must be (N,), and the score (N,) or (N, classes)", came=f"{label.shape}, {np.shape(answer)}"
        )
    names = ("background", "signal") if score.shape[1] == 2 else tuple(f"class_{i}" for i in range(score.shape[1]))
    columns: dict[str, Array] = {"target": label}
    columns |= {f"score_{name}": score[:, i] for i, name in enumerate(names)}
    _same_length({**columns, **more})
    return Predictions({**columns, **more}, names, 1)


def _same_length(columns: Mapping[str, Array]) -> None:
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        raise DataError("all arrays must have one number an event", came=lengths)


def _built(metric: str | Metric, target: Kind | None, settings: Mapping[str, Any]) -> Metric:
    if isinstance(metric, str):
        return build_metric(metric, target, **settings)
    if not isinstance(metric, Metric):
        raise ConfigError("a metric must be a name or what hf.metric returns", came=type(metric).__name__)
    if settings:
        raise ConfigError(
            "a metric that is built has its settings", came=", ".join(settings), do="give them to hf.metric"
        )
    return metric
