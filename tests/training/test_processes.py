"""Processes that share each batch give the losses of one."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, RunError
from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.training import TrainingConfig
from hitforge.training.engine import share_of
from hitforge.training.processes import Place, require_started
from hitforge.training.torch_engine import TorchEngine
from tests.training.synthetic import GRAPH, INPUTS, Blobs, CrossEntropy, Graphs, accuracy

MODEL = {"name": "plain_cnn", "widths": [8, 16], "convolutions": 1, "dropout": 0.0}


def trained(folder: Path, **changed: Any) -> TorchEngine:
    values = {"epochs": 3, "batch_size": 15, "precision": "fp32", "device": "cpu", "monitor": "accuracy", "threads": 1}
    config = TrainingConfig(**{**values, **changed})
    engine = TorchEngine(MODELS.build(MODEL, where="test"), CrossEntropy(None), config, INPUTS, folder)
    engine.fit(Blobs(batch=15), Blobs(seed=1, shuffle=False), lambda o, t: accuracy(o, t), Progress())
    return engine


def losses(folder: Path) -> np.ndarray:
    with (folder / "history.csv").open() as handle:
        return np.array([[float(row[k]) for k in ("train_loss", "validation_loss")] for row in csv.DictReader(handle)])


def test_two_processes_give_the_losses_of_one(tmp_path: Path) -> None:
    one, two = trained(tmp_path / "one"), trained(tmp_path / "two", devices=2)
    np.testing.assert_allclose(losses(tmp_path / "two"), losses(tmp_path / "one"), atol=1e-5)
    for name, value in one._weights().items():
        np.testing.assert_allclose(two._weights()[name], value, atol=1e-3, err_msg=name)


def test_two_processes_give_the_losses_of_one_for_graphs_of_different_size(tmp_path: Path) -> None:
    from hitforge.tasks import TASKS

    values: dict[str, Any] = {"epochs": 2, "batch_size": 3, "precision": "fp32", "device": "cpu", "threads": 1}
    for devices in (1, 2):
        config = TrainingConfig(**values, monitor="loss", devices=devices)
        task = TASKS.build({"name": "classify_edges", "positive": 3.0}, where="test")
        model = MODELS.build({"name": "edge_filter", "width": 8, "depth": 1}, where="test")
        engine = TorchEngine(model, task, config, GRAPH, tmp_path / str(devices))
        engine.fit(Graphs(), Graphs(seed=1), task.score, Progress())
    np.testing.assert_allclose(losses(tmp_path / "2"), losses(tmp_path / "1"), atol=1e-5)


def test_two_processes_continue_as_if_never_interrupted(tmp_path: Path) -> None:
    whole = trained(tmp_path / "whole", devices=2, average=0.9)
    first = Blobs(batch=15)

    def stop(epoch: int, step: int) -> None:
        if epoch == 1 and first.rank == 0:
            raise InterruptedError

    engine = TorchEngine(whole.model, CrossEntropy(None), whole.config, INPUTS, tmp_path / "parts")
    first.hook = stop  # a closure cannot be sent to another process, and so is left behind
    with pytest.raises(InterruptedError):
        engine.fit(first, Blobs(seed=1, shuffle=False), accuracy, Progress())
    again = trained(tmp_path / "parts", devices=2, average=0.9)
    for name, value in whole._weights().items():
        np.testing.assert_array_equal(again._weights()[name], value)


def test_a_follower_that_stops_is_an_error(tmp_path: Path) -> None:
    broken = Blobs(batch=15)
    broken.fails_in_rank = 1
    config = TrainingConfig(epochs=1, batch_size=15, precision="fp32", device="cpu", monitor="accuracy", devices=2)
    engine = TorchEngine(MODELS.build(MODEL, where="test"), CrossEntropy(None), config, INPUTS, tmp_path)
    with pytest.raises(RunError, match="all processes of a training must go to its end"):
        engine.fit(broken, Blobs(seed=1), accuracy, Progress())


def test_several_machines_need_torchrun(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be started by torchrun"):
        trained(tmp_path, nodes=2)


def test_each_device_needs_an_event(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="each device must have an event"):
        trained(tmp_path, devices=80, batch_size=80)


def test_shares_cover_a_batch_once() -> None:
    parts = [list(range(17))[share_of(17, rank, 5)] for rank in range(5)]
    assert [one for part in parts for one in part] == list(range(17))
    assert {len(part) for part in parts} == {3, 4}


def test_a_place_is_read_as_it_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(3, 4, 1, 2, "10.0.0.1", 29500)
    for name, value in place.environment().items():
        monkeypatch.setenv(name, value)
    assert Place.of_environment() == place
    monkeypatch.delenv("RANK")
    assert Place.of_environment() is None


def test_several_machines_are_refused_before_anything_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    require_started(TrainingConfig(devices=2))
    with pytest.raises(ConfigError, match="must be started by torchrun"):
        require_started(TrainingConfig(nodes=2))
