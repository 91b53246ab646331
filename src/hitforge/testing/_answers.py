"""Checks of what asks, answers and measures: tasks, classical algorithms, metrics."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.baselines import Baseline
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.progress import Progress
from hitforge.core.registry import Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.metrics import Predictions
from hitforge.objects import Candidates
from hitforge.tasks import TASKS, Task
from hitforge.testing._samples import fitting, without_truth

_EXECUTED = (".pkl", ".pickle", ".joblib", ".pt", ".pth")
"""Endings of files that may execute what they hold when they are read."""


def check_task(
    registry: Registry[Any], block: dict[str, Any], detector: Detector | None = None, events: Events | None = None
) -> None:
    """Of a task of events: target, loss and its gradient, decoding and scores have the shapes that they must."""
    import torch

    if registry.get(block["name"]).per != "event":
        assert registry.build(block, where="settings").outputs >= 1, "a network must give a number a row"
        return
    targets: list[Any] = []

    def build(geometry: Detector, some: Events) -> Task:
        task: Task = registry.build(block, geometry, where="settings")
        try:
            targets.append(task.target(some))
        except DataError as error:  # another sample may have what is asked
            raise ConfigError(str(error)) from None
        return task

    task, some = fitting(build, detector, events, ("images", "showers"))
    target, random = targets[-1], np.random.default_rng(1)
    assert len(target) == len(some), "target() must have an entry an event"
    outputs = random.normal(size=(len(some), task.outputs)).astype(np.float32)
    tensor = torch.from_numpy(outputs).requires_grad_()
    loss = task.torch_loss(tensor, torch.from_numpy(target))
    assert loss.ndim == 0, f"the loss must be one number, and not {tuple(loss.shape)}"
    loss.backward()
    assert torch.isfinite(loss), "the loss must be finite"
    assert tensor.grad is not None, "the loss must depend on the outputs"
    assert torch.isfinite(tensor.grad).all(), "the gradient must be finite"
    assert tensor.grad.abs().sum() > 0, "the gradient must not be 0 everywhere"
    for name, column in task.decode(outputs, target).items():
        assert np.shape(column) == (len(some),), f"decode: '{name}' must have a value an event"
    scores = task.score(outputs, target)
    assert set(scores) == set(task.scores), f"score() gives {sorted(scores)}, scores say {sorted(task.scores)}"


def check_baseline(
    registry: Registry[Any],
    block: dict[str, Any],
    detector: Detector | None = None,
    events: Events | None = None,
    task: Task | dict[str, Any] | None = None,
) -> None:
    """It answers from what was measured alone, and the same when it was saved and loaded.

    One that finds objects is only imported where no ``task`` that finds them is given.
    """
    if registry.get(block["name"]).kind is not None and task is None:
        return
    asked = [task] if task is not None else ["classify", "shower"]

    def built(geometry: Detector, which: Any) -> Baseline:
        question = which if isinstance(which, Task) else TASKS.build(which, geometry, where="task")
        baseline: Baseline = registry.build(block, geometry, question, where="settings")
        return baseline

    def fitted(geometry: Detector, some: Events) -> tuple[Baseline, Baseline]:
        reasons = []
        for which in asked:
            try:
                baseline = built(geometry, which)
                baseline.fit(lambda: [some], lambda: [some], 1, Progress())
                return baseline, built(geometry, which)
            except (ConfigError, DataError) as error:
                reasons.append(str(error))
        raise ConfigError("; ".join(reasons))

    (baseline, again), some = fitting(fitted, detector, events, ("images", "showers"))
    answers = _answers(baseline, some)
    if baseline.kind is None:
        expected = (len(some), baseline.task.outputs)
        assert answers[0].shape == expected, f"outputs() must be {expected}, and not {answers[0].shape}"
        assert np.isfinite(answers[0]).all(), "outputs() must be finite"
    _equal(answers, _answers(baseline, without_truth(some)), "answers must not depend on the truth")
    with tempfile.TemporaryDirectory() as folder:
        baseline.save(Path(folder))
        unsafe = [path.name for path in Path(folder).rglob("*") if path.suffix in _EXECUTED]
        assert not unsafe, f"what is saved must execute nothing when it is read, such as JSON, and not {unsafe}"
        again.load(Path(folder))
    _equal(answers, _answers(again, some), "answers must be the same when it was saved and loaded")


def _answers(baseline: Baseline, events: Events) -> list[Any]:
    """Numbers of events, or the members of objects and what is known of these."""
    if baseline.kind is None:
        return [np.asarray(baseline.outputs(events))]
    found: Candidates = baseline.find(events)
    tables = [found.members, *([found.parameters] if found.parameters is not None else [])]
    return [values for table in tables for values in (table.offsets, *table.columns.values())]


def _equal(one: list[Any], two: list[Any], must: str) -> None:
    assert len(one) == len(two), must
    for first, second in zip(one, two, strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-6, err_msg=must)


def check_metric(registry: Registry[Any], block: dict[str, Any], predictions: Predictions | None = None) -> None:
    """Values lie in their intervals, carry their definition, and are the same at every call.

    Without ``predictions`` a metric of objects, or one of other columns than a classification's, is only built.
    """
    metric = registry.build(block, where="settings")
    assert metric.version >= 1, "the version of a metric begins at 1"
    given = predictions is not None
    if not given and metric.kind is not None:
        return
    some = predictions if predictions is not None else classified()
    try:
        result, again = metric.compute(some, 1), metric.compute(some, 1)
    except DataError:
        if given:
            raise
        return
    assert result.values or result.tables, "a metric must measure a number, or a table to draw"
    for name, value in result.values.items():
        assert value == again.values[name], f"'{name}' must be the same for the same seed"
        assert value.low <= value.value <= value.high, f"'{name}' must lie in its interval"
        begin = f"{metric.name} v{metric.version}: "
        assert value.definition.startswith(begin), f"the definition of '{name}' must begin with '{begin}'"
        assert value.n >= 1, f"'{name}' must say of how many it is"
    lost = set(metric.better) - set(result.values)
    assert not lost, f"'better' speaks of numbers that are not measured: {', '.join(sorted(lost))}"
    metric.compare(some, some, 1)


def classified(classes: int = 2) -> Predictions:
    """Return classes that scores tell apart in part."""
    random = np.random.default_rng(5)
    target = np.arange(400) % classes
    size = np.exp(1.5 * np.eye(classes)[target] + random.normal(size=(400, classes)))
    names = ("photon", "electron", "pion")[:classes]
    scores = {f"score_{name}": size[:, place] / size.sum(axis=1) for place, name in enumerate(names)}
    fields = {"pt": random.uniform(10, 100, 400), "eta": random.uniform(-1, 1, 400)}
    return Predictions({"target": target, **scores, **fields}, classes=names, signal=1)
