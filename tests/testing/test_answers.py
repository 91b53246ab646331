"""Tasks without a gradient, classical algorithms that look at the truth and metrics without a definition are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import Baseline
from hitforge.core import config
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.metrics import Metric, Result, Value
from hitforge.tasks import TASKS, Task
from hitforge.testing._answers import check_baseline, check_metric, check_task
from tests.testing.shelf import BLOCK, Shelf


class Fault(config.Config):
    fault: str = ""


class Number(Task):
    """pt of each event, with a fault."""

    Config = Fault
    outputs = 1

    def target(self, events: Events) -> Any:
        target = events.field("pt").astype(np.float32)
        return target[:-1] if self.config.fault == "length" else target

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        loss = (outputs[:, 0] - target) ** 2
        if self.config.fault == "constant":
            return 0 * loss.mean()
        return loss if self.config.fault == "rows" else loss.mean()

    def keras_loss(self) -> Any:
        raise NotImplementedError

    def decode(self, outputs: Any, target: Any) -> dict[str, Any]:
        return {"predicted_pt": outputs if self.config.fault == "decode" else outputs[:, 0]}

    def score(self, outputs: Any, target: Any) -> dict[str, float]:
        return {"bias": 0.0} if self.config.fault == "score" else {}


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("length", "an entry an event"),
        ("constant", "must not be 0 everywhere"),
        ("rows", "must be one number"),
        ("decode", "'predicted_pt' must have a value an event"),
        ("score", "scores say"),
    ],
)
def test_faults_of_tasks_are_found(fault: str, message: str, barrel: Detector, gun_events: Events) -> None:
    with pytest.raises(AssertionError, match=message):
        check_task(Shelf(Number), {**BLOCK, "fault": fault}, barrel, gun_events)
    check_task(Shelf(Number), BLOCK, barrel, gun_events)


class Hits(Baseline):
    """Number of hits, with a fault."""

    Config = Fault
    scale = 0.0

    def fit(self, train: Any, validation: Any, seed: int, progress: Any) -> dict[str, Any]:
        self.scale = 2.0
        return {}

    def outputs(self, events: Events) -> Any:
        answers = np.repeat(self.scale * events.hits.counts[:, None], 2, axis=1).astype(np.float32)
        if self.config.fault == "truth" and "primary_pdg" in events.fields:
            answers += events.field("primary_pdg")[:, None]
        return answers[:, :1] if self.config.fault == "shape" else answers

    def save(self, folder: Path) -> None:
        (folder / ("scale.pkl" if self.config.fault == "pickle" else "scale.txt")).write_text(str(self.scale))

    def load(self, folder: Path) -> None:
        self.scale = 1.0 if self.config.fault == "load" else float(next(folder.glob("scale.*")).read_text())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("truth", "must not depend on the truth"),
        ("shape", "must be .64, 2."),
        ("pickle", "must execute nothing"),
        ("load", "the same when it was saved"),
    ],
)
def test_faults_of_classical_algorithms_are_found(
    fault: str, message: str, barrel: Detector, gun_events: Events
) -> None:
    task = TASKS.build("classify", where="test")
    with pytest.raises(AssertionError, match=message):
        check_baseline(Shelf(Hits), {**BLOCK, "fault": fault}, barrel, gun_events, task)
    check_baseline(Shelf(Hits), BLOCK, barrel, gun_events, task)


class Share(Metric):
    """A number, with a fault."""

    Config = Fault
    calls = 0
    better = {"share": "max"}  # noqa: RUF012

    def compute(self, predictions: Any, seed: int) -> Result:
        self.calls += 1
        value = 0.5 + (self.calls if self.config.fault == "random" else 0)
        low = value + 1 if self.config.fault == "interval" else value
        text = "a share" if self.config.fault == "definition" else f"{self.name} v1: a share"
        name = "other" if self.config.fault == "better" else "share"
        values = {name: Value(value, low, low, text, len(predictions))}
        return Result({} if self.config.fault == "nothing" else values)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("random", "must be the same for the same seed"),
        ("interval", "must lie in its interval"),
        ("definition", "must begin with"),
        ("better", "numbers that are not measured: share"),
        ("nothing", "must measure a number"),
    ],
)
def test_faults_of_metrics_are_found(fault: str, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_metric(Shelf(Share), {**BLOCK, "fault": fault})
    check_metric(Shelf(Share), BLOCK)
