"""The methods of a run: its network, those that it is compared with, the classical algorithms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.errors import RunError
from hitforge.methods import Method, predictions_of
from hitforge.methods.baseline import BaselineMethod
from hitforge.methods.network import NetworkMethod
from hitforge.metrics import Predictions
from hitforge.recipe.comparisons import Compared, axes_of
from hitforge.recipe.recipe import Recipe
from hitforge.recipe.sweep import slug


@dataclass(frozen=True)
class RunMethod:
    """A method and its place in a run.

    Attributes:
        label: Name in the report.
        name: Name in numbers.
        kind: ``network``, ``baseline``, or ``comparison``, which is a run of its own.
        path: Its folder, from that of the run.
        axes: Its place in a sweep, setting -> value.
        method: Answers; None of a comparison.
        recipe: Of a comparison.
    """

    label: str
    name: str
    kind: str
    path: str
    axes: dict[str, str] = field(default_factory=dict)
    method: Method | None = None
    recipe: Recipe | None = None

    @property
    def record(self) -> dict[str, Any]:
        """Return its line in ``methods.json``."""
        return {"label": self.label, "name": self.name, "kind": self.kind, "path": self.path, "axes": self.axes}


def methods_of(
    recipe: Recipe, folder: Path, compared: Iterable[Compared] = (), start: Callable[[], Path] | None = None
) -> list[RunMethod]:
    """Return all methods of a recipe, its own first: the network, or the first classical algorithm.

    Args:
        recipe: Names them.
        folder: Of the run.
        compared: The other networks.
        start: Gives the weights that the recipe's own network starts from.
    """
    entries = []
    if recipe.model is not None:
        method = network_of(recipe, folder, start)
        entries.append(RunMethod(recipe.label, recipe.name, method.kind, ".", axes_of(recipe), method))
    for other in compared:
        name = slug(other.label)
        entries.append(RunMethod(other.label, name, "comparison", f"compare/{name}", other.axes, None, other.recipe))
    region = None if recipe.representation is None else recipe.representation.region
    for baseline in recipe.baselines:
        counted = (lambda events: None) if recipe.evaluation.tile else region
        one = BaselineMethod(baseline, recipe.object_kind, recipe.training.seed, counted)
        label = baseline.name.replace("_", " ")
        entries.append(RunMethod(label, baseline.name, one.kind, f"baselines/{baseline.name}", {}, one))
    if entries[0].label in [entry.label for entry in entries[1:]]:  # the others differ
        entries[0] = replace(entries[0], label=f"{entries[0].label} (own)")
    return entries


def for_answers(recipe: Recipe) -> Recipe:
    """Return a recipe whose network answers where it was not trained: on the GPU if there is one, else on the CPU."""
    changed: dict[str, Any] = {}
    if recipe.training.device == "cuda":
        changed["device"] = "auto"
    if recipe.training.precision == "bf16":  # the processor may lack the units
        changed["precision"] = "auto"
    if not changed:
        return recipe
    training = recipe.training.model_copy(update=changed)
    return replace(recipe, blocks=recipe.blocks.model_copy(update={"training": training}))


def network_of(recipe: Recipe, folder: Path, start: Callable[[], Path] | None = None) -> NetworkMethod:
    """Return the network of a recipe.

    Args:
        recipe: With a model.
        folder: Of its run.
        start: Gives the weights to start from.

    Raises:
        RunError: The recipe has no network.
    """
    if recipe.model is None or recipe.representation is None:
        raise RunError("the run must have a network", came="only classical algorithms", where=folder)
    monitor, seed = recipe.monitor, recipe.evaluation.seed

    def measured(predictions: Predictions) -> dict[str, float]:
        assert monitor.metric is not None
        values = monitor.metric.compute(predictions, seed).values
        return {monitor.name: values[monitor.value].value if monitor.value in values else float("nan")}

    def score(outputs: Any, target: Any) -> dict[str, float]:
        told = {} if ours else measured(predictions_of(recipe.task, outputs, target, {}))
        found = told | recipe.task.score(outputs, target)
        if monitor.metric is None and monitor.name not in ("loss", *found):  # ``event_means.value`` of hits
            found[monitor.name] = found.get(monitor.value, np.nan)
        return found

    ours = monitor.metric is None or recipe.task.per != "event"
    return NetworkMethod(
        recipe.name,
        recipe.representation,
        recipe.model,
        recipe.task,
        recipe.object_kind,
        recipe.training,
        folder,
        tile=recipe.evaluation.tile,
        score=score,
        whole=measured if ours and monitor.metric is not None else None,
        better=monitor.better,
        start=start,
    )
