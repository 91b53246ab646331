"""Dense layers on a table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.table.dense import DenseNetwork

INPUTS = {"features": (7,)}
KINDS: list[dict[str, Any]] = [{"units": [5, 4]}, {"units": []}, {"units": [3], "dropout": 0.5}]


def table(rows: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(3, 5, size=(rows, 7)).astype(np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_gives_outputs_and_learns(kind: dict[str, Any]) -> None:
    torch.manual_seed(0)
    network = MODELS.build({"name": "dense", **kind}, where="test").torch(INPUTS, 3)
    answers = network(features=torch.from_numpy(table()))
    assert answers.shape == (40, 3)
    answers.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_it_is_a_chain_of_products_on_standardised_numbers() -> None:
    torch.manual_seed(1)
    network, x = DenseNetwork(7, 2, units=(4,)), torch.from_numpy(table())
    normal = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    y = (normal @ network.hidden[0].weight.T + network.hidden[0].bias).clamp(min=0)  # type: ignore[union-attr,operator]
    torch.testing.assert_close(network(x), y @ network.output.weight.T + network.output.bias, rtol=1e-4, atol=1e-4)


def test_scale_and_offset_of_a_number_do_not_matter() -> None:
    torch.manual_seed(2)
    network, x = DenseNetwork(7, 2), torch.from_numpy(table(200))
    torch.testing.assert_close(network(x * 1000 - 5), network(x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_keras_has_the_same_network(kind: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    model = MODELS.build({"name": "dense", **kind}, where="test")
    module, twin = model.torch(INPUTS, 3), model.keras(INPUTS, 3)
    kinds = {"kernel": "weight", "bias": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    state = {name.replace(".", "_"): value for name, value in module.state_dict().items()}
    state["norm_running_mean"] += 2
    state["norm_running_var"] *= 9
    for variable in twin.weights:
        layer, _, part = variable.path.rpartition("/")
        variable.assign(state.pop(f"{layer}_{kinds[part]}").numpy().T)
    assert not state
    with torch.inference_mode():
        expected = module.eval()(features=torch.from_numpy(table())).numpy()
    np.testing.assert_allclose(np.asarray(twin({"features": table()}, training=False)), expected, rtol=1e-4, atol=1e-4)


def test_other_inputs_are_refused() -> None:
    with pytest.raises(ConfigError, match="numbers of an event alone"):
        MODELS.build("dense", where="test").check({"image": (3, 9, 1)})
