"""Metrics: truth and predictions to numbers with intervals. Each definition has a name, a version and its cuts."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.registry import Plugin, Registry
from hitforge.core.tables import html_table
from hitforge.events import Collection
from hitforge.objects import KINDS, Kind
from hitforge.tasks import Better, Task


@dataclass(frozen=True)
class Predictions:
    """Predictions beside the truth.

    Attributes:
        columns: Name -> (N,) array. Of a classification: ``target`` (class index) and ``score_<class>`` (probability);
            of a regression: ``true_<quantity>`` and ``predicted_<quantity>``; and the event fields under their own
            names (``pt``, ``eta``, ...).
        classes: Names of the classes, by index; empty where nothing is classified.
        signal: Index of the class that is looked for, -1 for none.
        tables: Where objects were looked for: rows of varying number in each event. Of tracks: ``particles``
            (``particle``, pdg, charge, pt, eta, phi, ``radius`` and vz of production, ``hits``, ``layers``,
            ``weight``), ``tracks`` (``hits`` and, where fitted, loc0, z0, phi, theta, q_over_p with their ``sigma_``,
            chi2, ndf), ``matches`` (``track``, ``particle``, shared ``hits``, their ``weight``) and ``members``
            (``track``, ``hit``). Of showers: ``particles`` (``particle``, pdg, kind, energy, ``deposited``, u, v,
            depth, ``nearest``, eta), ``showers`` (``score``, energy, ``hadron``, ``raw``, ``of_particles``, u, v,
            depth, ``hits``), ``matches`` (``shower``, ``particle``, as the row in ``particles``, ``shared`` and
            ``union``) and ``members`` (``shower``, ``hit``, ``weight``). Of events without truth: what was found and
            its members alone, and ``measured``, one row an event: ``hits``, the number of hits that count, and of
            showers their ``energy``.
        chosen: ``<metric>.<setting>`` -> what was chosen for this method on its validation events; see
            ``Metric.choose``.

    Example:
        >>> predictions = hf.load("runs/demo").predictions
        >>> predictions.score, predictions.is_signal, predictions.columns["pt"]  # (N,) each
    """

    columns: dict[str, Array]
    classes: tuple[str, ...] = ()
    signal: int = -1
    tables: dict[str, Collection] = field(default_factory=dict)
    chosen: dict[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        of = f" of {', '.join(self.classes)}" if self.classes else ""
        tables = [f"{name} ({table.rows} rows)" for name, table in self.tables.items()]
        return f"Predictions({len(self)} events{of}: {', '.join([*self.columns, *tables])})"

    def _repr_html_(self) -> str:
        rows = [(name, f"({len(values)},) {np.asarray(values).dtype}") for name, values in self.columns.items()]
        for name, table in self.tables.items():
            rows += [(f"{name}.{key}", f"({table.rows},) {values.dtype}") for key, values in table.columns.items()]
        return html_table(("column", "shape and type"), rows, title=repr(self).partition(":")[0] + ")")

    def __len__(self) -> int:
        if self.tables:
            return len(next(iter(self.tables.values())))
        return len(next(iter(self.columns.values())))

    @property
    def score(self) -> Array:
        """Signal probability, (N,)."""
        return self.columns[f"score_{self.classes[self.signal]}"]

    @property
    def is_signal(self) -> Array:
        """True for signal, (N,) bool."""
        result: Array = self.columns["target"] == self.signal
        return result


@dataclass(frozen=True)
class Value:
    """A number with its interval.

    Attributes:
        value: The number.
        low: Lower end of the 68.3 % interval (equal to ``value`` where none is defined).
        high: Upper end.
        definition: Name, version and cuts of the definition.
        n: Number of events that it was measured on.

    Example:
        >>> auc = hf.load("runs/demo").metrics["test.roc_auc"]
        >>> print(auc, auc.low, auc.n)
    """

    value: float
    low: float
    high: float
    definition: str
    n: int

    def __str__(self) -> str:
        return f"{self.value:.4g} ({self.low:.4g} to {self.high:.4g})"


@dataclass(frozen=True)
class Result:
    """What a metric measured: numbers by name, and tables (name -> column -> values) that a report can draw."""

    values: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, dict[str, Array]] = field(default_factory=dict)


class Metric(Plugin, ABC):
    """One definition.

    Args:
        config: The plug-in's configuration.
        target: Which objects are to be found, for metrics that have a ``kind``; the kind's usual ones if None.

    Attributes:
        kind: Name of the kind of object that is measured; None where it is not about objects, or about any.
        target: Settings of the objects that are to be found, None without a kind.
        version: Rises whenever the same predictions would give another number.
        better: Value -> whether more or less of it is better; of those that every configuration and task gives.
        truth: False if it can be measured on a sample without truth.
        headline: Beginnings of the names of its main numbers, for short tables; the first number where empty.
    """

    version: ClassVar[int] = 1
    truth: ClassVar[bool] = True
    headline: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str | None] = None

    def __init__(self, config: Any, target: Kind | None = None) -> None:
        super().__init__(config)
        self.target: Any = None
        if self.kind is not None:
            self.target = KINDS.get(self.kind).Config() if target is None else target.config

    better: ClassVar[Mapping[str, Better]] = {}

    @property
    def to_choose(self) -> tuple[str, ...]:
        """Names of the settings that are left open, and chosen for each method on its validation events."""
        return ()

    def choose(self, validation: Predictions) -> dict[str, float]:
        """Return the values of the settings ``to_choose`` that are best on predictions of validation events."""
        return {}

    def settled(self, predictions: Predictions) -> Self:
        """Return this metric with what was chosen for predictions; itself where nothing was."""
        names = {name: f"{self.name}.{name}" for name in self.to_choose}
        own = {name: predictions.chosen[key] for name, key in names.items() if key in predictions.chosen}
        if not own:
            return self
        result = copy.copy(self)
        result.config = self.config.model_copy(update=own)
        return result

    def monitored(self, task: Task) -> Mapping[str, Better]:
        """Return the values that a training of a task may monitor, and whether more or less of each is better.

        They are single numbers, not those of bins; ``better`` where they depend on neither task nor configuration.
        """
        return self.better

    @abstractmethod
    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure one set of predictions.

        Raises:
            DataError: Too few events, or a class is missing.
        """

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the paired difference first - second on the same events; empty where none is defined."""
        return Result()


METRICS: Registry[Metric] = Registry("metrics", Metric)  # type: ignore[type-abstract]

__all__ = ["METRICS", "Metric", "Predictions", "Result", "Value"]
