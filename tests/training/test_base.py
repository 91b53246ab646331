"""Weights belong to a network: they are saved, loaded, and refused where they do not fit."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.config import Config
from hitforge.core.errors import RunError
from hitforge.models import MODELS
from hitforge.training import TrainingConfig
from hitforge.training.torch_engine import TorchEngine
from tests.training.engines import RESIDUAL, fit, make
from tests.training.synthetic import INPUTS, Blobs, CrossEntropy


def test_weights_are_saved_and_loaded(tmp_path: Path) -> None:
    engine, other = make(tmp_path, seed=1), make(tmp_path, seed=2)
    engine.save(tmp_path / "model.safetensors")
    other.load(tmp_path / "model.safetensors")
    for name, value in engine._weights().items():
        np.testing.assert_array_equal(value, other._weights()[name])


def test_another_number_of_outputs_is_loaded_where_asked(tmp_path: Path) -> None:
    class Three(CrossEntropy):
        @property
        def outputs(self) -> int:
            return 3

    engine = make(tmp_path)
    engine.save(tmp_path / "model.safetensors")
    other = TorchEngine(engine.model, Three(Config()), engine.config, INPUTS, tmp_path)
    with pytest.raises(RunError, match="outputs is 2 there and 3 here"):
        other.load(tmp_path / "model.safetensors")
    kept = other._weights()["head.output.weight"]
    other.load(tmp_path / "model.safetensors", strict=False)
    np.testing.assert_array_equal(other._weights()["stem.weight"], engine._weights()["stem.weight"])
    np.testing.assert_array_equal(other._weights()["head.output.weight"], kept)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"name": "plain_cnn"}, "model is 'residual' there and 'plain_cnn' here"),
        ({**RESIDUAL, "version": 1}, "config.version is 2 there and 1 here"),
        ({**RESIDUAL, "widths": [4, 6]}, "config.widths"),
    ],
)
def test_weights_of_another_model_are_refused(tmp_path: Path, model: dict[str, Any], message: str) -> None:
    path = tmp_path / "model.safetensors"
    make(tmp_path).save(path)
    with pytest.raises(RunError, match=message):
        make(tmp_path, model).load(path)


def test_weights_of_other_blocks_are_refused_also_when_not_strict(tmp_path: Path) -> None:
    make(tmp_path).save(tmp_path / "model.safetensors")
    with pytest.raises(RunError, match="differing names"):
        make(tmp_path, {**RESIDUAL, "version": 1}).load(tmp_path / "model.safetensors", strict=False)


def test_a_trunk_of_another_model_is_taken(tmp_path: Path) -> None:
    from hitforge.tasks import TASKS

    inputs = {"nodes": (9,), "place": (3,), "energy": (), "layer": (), "event": (), "kind": ()}
    size = {"width": 8, "heads": 2, "blocks": 1, "waves": 1, "orders": ["plane"]}

    def engine(model: str, task: str) -> TorchEngine:
        built = MODELS.build({"name": model, **size}, where="test"), TASKS.build({"name": task}, where="test")
        return TorchEngine(*built, TrainingConfig(), inputs, tmp_path)

    hits, queries = engine("hit_transformer", "condense_showers"), engine("mask_transformer", "mask_showers")
    path = tmp_path / "trunk.safetensors"
    hits.save(path)
    kept = queries._weights()
    taken = queries.load(path, strict=False)
    after, trunk = queries._weights(), hits._weights()
    shared = {name for name in trunk if name.startswith("encoder.")}
    assert taken == len(shared) > 10
    for name, value in after.items():
        np.testing.assert_array_equal(value, trunk[name] if name in shared else kept[name])
    with pytest.raises(RunError, match="model is 'hit_transformer' there"):
        queries.load(path)
    make(tmp_path).save(path)
    with pytest.raises(RunError, match="at least half of the weights"):
        queries.load(path, strict=False)


def test_damaged_weights_and_pickles_are_refused(tmp_path: Path) -> None:
    engine, path = make(tmp_path), tmp_path / "model.safetensors"
    with pytest.raises(RunError, match="readable file"):
        engine.load(path)
    path.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(RunError, match="pickle"):
        engine.load(path)
    torch.save({"weights": torch.zeros(2)}, path)
    with pytest.raises(RunError, match="pickle"):
        engine.load(path)
    engine.save(path)
    content = path.read_bytes()
    for size in (0, 5, 40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:size])
        with pytest.raises(RunError, match="damaged"):
            engine.load(path)


def test_an_empty_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="training sample"):
        fit(make(tmp_path), Blobs(events=0))
