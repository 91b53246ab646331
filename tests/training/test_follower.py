"""A follower takes part in each training that its leader tells of, and goes when there are no more."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.config import Config
from hitforge.core.errors import RunError
from hitforge.models import MODELS
from hitforge.training import TrainingConfig, follower
from hitforge.training.processes import Place
from hitforge.training.torch_engine import TorchEngine
from tests.training.synthetic import INPUTS, Blobs, CrossEntropy


def test_alone_nobody_can_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(RunError, match="must be started by torchrun or by its leader"):
        follower.follow("cpu")


def test_it_trains_what_it_is_told_from_where_the_leader_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name, value in Place(1, 2, 1, 2, "127.0.0.1", 29500).environment().items():
        monkeypatch.setenv(name, value)
    config = TrainingConfig(epochs=5, batch_size=16, precision="fp32", device="cpu", monitor="accuracy")
    model = MODELS.build({"name": "plain_cnn", "widths": [4], "convolutions": 1}, where="test")
    leader = TorchEngine(model, CrossEntropy(Config()), config, INPUTS, tmp_path)
    job = {
        "model": model, "task": leader.task, "config": config, "inputs": INPUTS, "weights": leader._weights(),
        "train": Blobs(), "epoch": 3, "tensors": None,
    }  # fmt: skip
    told, seen = [job, {**job, "epoch": 0}, None], []

    class Fabric:
        def broadcast(self, nothing: None) -> Any:
            return told.pop(0)

    class Recorded:
        def __init__(self, engine: TorchEngine, session: Any, fabric: Any) -> None:
            self.engine, self.session = engine, session

        def follow(self, train: Blobs) -> None:
            same = all((self.engine._weights()[name] == value).all() for name, value in job["weights"].items())
            seen.append((self.session.epoch, train.rank, train.size, same))

    monkeypatch.setattr(follower, "join", lambda *_: Fabric())
    monkeypatch.setattr(follower, "Training", Recorded)
    follower.follow("cpu")
    assert seen == [(3, 1, 2, True), (0, 1, 2, True)]
    assert told == []
    assert not any(tmp_path.iterdir())  # a follower writes nothing
