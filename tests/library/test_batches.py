"""Batches for a loop of one's own are those of a training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import hitforge as hf
from hitforge.representations import Representation
from tests.library.conftest import BLOCKS


@pytest.fixture(scope="module")
def image() -> Representation:
    return hf.representation("image", "crystal_barrel", rows=8, columns=6, channels=["log_energy", "time"])


def test_arrays_have_the_shapes_that_are_told(dataset: hf.Dataset, image: Representation) -> None:
    batches = hf.batches(dataset, image, "classify", batch_size=50)
    assert (len(batches), batches.events, batches.shapes) == (2, 120, {"image": (8, 6, 2)})
    assert batches.labels["image"] == ["log_energy", "time"]
    assert "Batches(2 of 120 events; image (8, 6, 2)" in repr(batches)
    first, second = ([target for _, target in batches] for _ in range(2))
    assert not np.array_equal(first[0], second[0])  # the next epoch has another order
    again = [target for _, target in hf.batches(dataset, image, hf.task("classify"), batch_size=50)]
    np.testing.assert_array_equal(first, again)
    inputs, target = next(iter(hf.batches(dataset, image, "classify", "test", batch_size=100)))
    assert (inputs["image"].shape, inputs["image"].dtype, target.shape) == ((60, 8, 6, 2), np.float32, (60,))


def test_tensors_go_into_a_network(dataset: hf.Dataset, image: Representation) -> None:
    batches: Any = hf.batches(dataset, image, "classify", batch_size=50, to="torch")
    network = hf.model("plain_cnn").torch(batches.shapes, batches.task.outputs)
    for inputs, target in batches:
        assert inputs["image"].shape == (50, 2, 8, 6)
        loss = torch.nn.functional.cross_entropy(network(**inputs), target)
        loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()


def test_a_representation_is_fitted_once_and_that_of_a_run_never(
    dataset: hf.Dataset, tiny: hf.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[Any] = []
    image = hf.representation("image", "crystal_barrel", channels=["energy"])
    monkeypatch.setattr(type(image), "fit", lambda self, *rest: fitted.append(self))
    for split in ("train", "test"):
        hf.batches(dataset, image, "classify", split)
    assert fitted == [image]
    assert tiny.representation is not None
    hf.batches(dataset, tiny.representation, tiny.task)
    assert fitted == [image]


def test_a_dataset_without_training_events_leaves_a_representation_to_be_fitted(
    dataset: hf.Dataset, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted: list[Any] = []
    image = hf.representation("image", "crystal_barrel", channels=["energy"])
    monkeypatch.setattr(type(image), "fit", lambda self, *rest: fitted.append(self))
    hf.batches(hf.simulate(BLOCKS, place / "only_test", events={"test": 3}), image, "classify", "test")
    assert not fitted
    hf.batches(dataset, image, "classify")
    assert fitted == [image]


def test_what_is_wrong_is_told(dataset: hf.Dataset) -> None:
    with pytest.raises(hf.ConfigError, match="'numpy' or 'torch'"):
        hf.batches(dataset, "image", "classify", to="jax")  # type: ignore[arg-type]
    with pytest.raises(hf.ConfigError, match="did you mean 'classify'"):
        hf.batches(dataset, "image", "clasify")
    with pytest.raises(hf.ConfigError, match="'batch_size' must be at least 1"):
        hf.batches(dataset, "image", "classify", batch_size=0)
