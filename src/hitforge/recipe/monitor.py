"""The number that a training watches: which one a recipe names, and whether more or less of it is better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.metrics import METRICS, Metric
from hitforge.tasks import Better, Task


@dataclass(frozen=True)
class Monitor:
    """One validation number.

    Attributes:
        name: As the recipe writes it.
        better: Whether more or less of it is better.
        value: Name among the metric's values, or among the task's scores.
        metric: Measures it; None for the loss and for the task's own scores.
    """

    name: str
    better: Better
    value: str
    metric: Metric | None = None


def monitor_of(task: Task, metrics: Sequence[Metric], name: str, where: str) -> Monitor:
    """Return the number of a name: ``loss``, a score of the task, ``metric.value``, or a value that one metric has.

    Args:
        task: Has scores.
        metrics: Of the recipe; of a metric beside them the usual settings count.
        name: What the recipe writes.
        where: Place to name in an error.

    Raises:
        ConfigError: There is no such number for the task, or several.
    """
    if name == "loss":
        return Monitor(name, "min", "validation_loss")
    if name in task.scores:
        return Monitor(name, task.scores[name], name)
    measured = {metric.name: metric for metric in metrics}
    asked = name.partition(".")[0]
    if asked in METRICS.names() and asked not in measured:
        measured[asked] = METRICS.build(asked, where=where)
    full: dict[str, Monitor] = {}
    short: dict[str, list[str]] = {}
    for metric in measured.values():
        for value, better in metric.monitored(task).items():
            key = value if value.startswith(f"{metric.name}.") else f"{metric.name}.{value}"
            own = value in task.scores and task.per != "event"  # a mean over events, as the training tells it
            full[key] = Monitor(name, better, value, None if own else metric)
            short.setdefault(value, []).append(key)
    found = [name] if name in full else short.get(name, [])
    if len(found) > 1:
        raise ConfigError(f"several numbers are called '{name}': write {' or '.join(found)}", where=where)
    if not found:
        known = [key.partition(".")[0] if key.partition(".")[0] == key.partition(".")[2] else key for key in full]
        raise ConfigError(
            f"no number '{name}' to monitor: {did_you_mean(name, {'loss', *task.scores, *known})}", where=where
        )
    return full[found[0]]
