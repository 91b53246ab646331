"""A network as a method: what it is fitted on, asked, and saved with; nothing is done twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hitforge.core.progress import Progress
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.methods.network import WEIGHTS, NetworkMethod
from hitforge.metrics import Predictions
from hitforge.models import MODELS
from hitforge.representations import REPRESENTATIONS
from hitforge.tasks import TASKS
from hitforge.training import TrainingConfig


class Counting:
    """An engine that answers with the sum of the image, and keeps what it was asked."""

    device, parameters = "a test", 7

    def __init__(self) -> None:
        self.calls: list[str] = []

    def infer(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        total = inputs["image"].sum((1, 2, 3))
        return np.stack([-total, total], axis=1)

    def fit(self, train: Any, validation: Any, score: Any, progress: Any, better: str, whole: Any) -> None:
        self.calls.append("fit")
        self.given = (train, validation, better, whole)

    def save(self, path: Path) -> None:
        self.calls.append("save")
        path.write_bytes(b"weights")

    def load(self, path: Path, *, strict: bool = True) -> int:
        self.calls.append(f"load {path.name} {strict}")
        return 3


def made(folder: Path, barrel: Detector, **more: Any) -> tuple[NetworkMethod, Counting]:
    representation = REPRESENTATIONS.build({"name": "image", "rows": 8, "columns": 8}, barrel, where="test")
    model, task = MODELS.build({"name": "plain_cnn"}, where="test"), TASKS.build("classify", where="test")
    method = NetworkMethod("n", representation, model, task, None, TrainingConfig(batch_size=50), folder, **more)
    engine: Any = Counting()
    method.engine = engine
    return method, engine


class Sample:
    """Training events in memory."""

    path = Path("sample")

    def __init__(self, events: Events) -> None:
        self.events, self.asked = events, []

    def read(self, split: str, columns: Any = None) -> Iterator[Events]:
        self.asked.append(split)
        return iter([self.events])


@contextmanager
def timed(stage: str) -> Iterator[None]:
    STAGES.append(stage)
    yield


STAGES: list[str] = []


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are not made: the engine does not look at them."""
    monkeypatch.setattr(NetworkMethod, "batches", lambda self, dataset, split: split)
    STAGES.clear()


def test_it_answers_for_any_events(tmp_path: Path, barrel: Detector, gun_events: Events) -> None:
    method, _ = made(tmp_path, barrel)
    answers = method.answer(gun_events.take(np.array([3, 1])))
    assert np.asarray(answers).shape == (2, 2)
    np.testing.assert_allclose(answers[0], np.asarray(method.answer(gun_events.take(np.array([3]))))[0], rtol=1e-6)
    assert (method.record, method.kind) == ({"device": "a test", "parameters": 7}, "network")


@pytest.mark.usefixtures("quiet")
def test_fitting_is_done_once(tmp_path: Path, barrel: Detector, gun_events: Events) -> None:
    method, engine = made(tmp_path, barrel, better="min")
    method.fit(Sample(gun_events), tmp_path, timed, Progress())  # type: ignore[arg-type]
    assert engine.given == ("train", "validation", "min", None)
    assert engine.calls == ["fit", "save"]
    assert STAGES == ["fit", "train"]
    again, engine = made(tmp_path, barrel)
    again.fit(Sample(gun_events), tmp_path, timed, Progress())  # type: ignore[arg-type]
    assert engine.calls == [f"load {WEIGHTS} True"]
    assert STAGES == ["fit", "train"]
    (tmp_path / WEIGHTS).unlink()
    third, engine = made(tmp_path, barrel)
    third.fit(Sample(gun_events), tmp_path, timed, Progress())  # type: ignore[arg-type]
    assert engine.calls == ["fit", "save"]
    assert STAGES == ["fit", "train", "train"]


@pytest.mark.usefixtures("quiet")
def test_weights_to_start_from_are_asked_for_when_training_begins(
    tmp_path: Path, barrel: Detector, gun_events: Events
) -> None:
    said: list[str] = []

    class Telling(Progress):
        def say(self, message: str) -> None:
            said.append(message)

    method, engine = made(tmp_path, barrel, start=lambda: Path("other.safetensors"))
    assert not engine.calls
    method.fit(Sample(gun_events), tmp_path, timed, Telling())  # type: ignore[arg-type]
    assert engine.calls == ["load other.safetensors False", "fit", "save"]
    assert said == ["3 tensors of weights come from the run that this one starts from"]


@pytest.mark.usefixtures("quiet")
def test_numbers_of_the_whole_sample_are_told_of_the_validation_events(
    tmp_path: Path, barrel: Detector, gun_events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def predictions(self: Any, dataset: Any, split: str, *rest: Any) -> Any:
        asked.append(split)
        return Predictions({"number": np.arange(4)})

    monkeypatch.setattr(NetworkMethod, "predictions", predictions)
    method, engine = made(tmp_path, barrel, whole=lambda answers: {"events": float(len(answers))})
    method.fit(Sample(gun_events), tmp_path, timed, Progress())  # type: ignore[arg-type]
    whole: Callable[[], dict[str, float]] = engine.given[3]
    assert asked == []
    assert whole() == {"events": 4.0}
    assert asked == ["validation"]


def test_what_is_saved_is_loaded(tmp_path: Path, barrel: Detector) -> None:
    method, engine = made(tmp_path, barrel)
    method.save(tmp_path)
    method.load(tmp_path)
    assert engine.calls == ["save", f"load {WEIGHTS} True"]


def test_hits_that_count_are_those_of_its_square_unless_it_looks_at_tiles(tmp_path: Path, barrel: Detector) -> None:
    events: Any = object()
    for tile, expected in ((0.0, "square"), (60.0, None)):
        method, _ = made(tmp_path, barrel, tile=tile)
        method.representation = SimpleNamespace(region=lambda events: "square")  # type: ignore[assignment]
        assert method.region(events) == expected
