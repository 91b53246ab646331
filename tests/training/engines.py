"""Engines of PyTorch on the small sample, trained, interrupted and compared."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.config import Config
from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.training import TrainingConfig
from hitforge.training.torch_engine import TorchEngine
from tests.training.synthetic import INPUTS, Blobs, CrossEntropy, accuracy

RESIDUAL = {"name": "residual", "blocks": 1, "widths": [4, 8], "dropout": 0.2}


def make(folder: Path, model: Any = RESIDUAL, **training: Any) -> TorchEngine:
    settings = {"epochs": 4, "batch_size": 16, "monitor": "accuracy", "precision": "fp32", **training}
    built = MODELS.build(model, where="test")
    return TorchEngine(built, CrossEntropy(Config()), TrainingConfig(**settings), INPUTS, folder)


def fit(engine: TorchEngine, train: Blobs | None = None, validation: Blobs | None = None) -> TorchEngine:
    train = Blobs() if train is None else train
    validation = Blobs(seed=1, shuffle=False) if validation is None else validation
    engine.fit(train, validation, accuracy, Progress())
    return engine


def history(folder: Path) -> list[dict[str, str]]:
    """Rows without the columns that hold seconds."""
    with (folder / "history.csv").open() as handle:
        return [{k: v for k, v in row.items() if "seconds" not in k} for row in csv.DictReader(handle)]


def assert_same(a: TorchEngine, b: TorchEngine) -> None:
    assert history(a.folder) == history(b.folder)
    assert list(history(a.folder)[0]) == list(history(b.folder)[0])  # columns stand in the same order
    for (name, first), second in zip(a._weights().items(), b._weights().values(), strict=True):
        np.testing.assert_array_equal(first, second, err_msg=name)


class InterruptionError(Exception):
    """What stops a training in these tests."""


def interrupt_at(epoch: int, step: int) -> Any:
    def hook(now: int, at: int) -> None:
        if (now, at) == (epoch, step):
            raise InterruptionError

    return hook
