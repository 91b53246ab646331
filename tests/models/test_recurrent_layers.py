"""The recurrent network over layers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_recurrent import ConvolutionalLSTM

sys.path.insert(0, str(Path(__file__).parent))
from volumes import INPUTS, assert_volume_model, network, volumes

RECURRENT = {"name": "recurrent_layers", "widths": [3, 4], "hidden": 5, "dense": 6}


@pytest.mark.parametrize(
    ("kind", "summary"),
    [
        ({"cell": "rnn"}, True),
        ({"cell": "lstm", "depth": 2, "bidirectional": True, "norm": "none"}, False),
        ({"cell": "gru", "group": 2, "convolutions": 2, "pool": "mean"}, True),
        ({"cell": "conv_lstm", "bidirectional": True, "pool": "last"}, True),
    ],
)
def test_gives_outputs_and_everything_learns(kind: dict[str, Any], summary: bool) -> None:
    assert_volume_model({**RECURRENT, **kind}, summary)


@pytest.mark.parametrize("cell", ["rnn", "gru", "conv_lstm"])
def test_the_order_of_the_layers_matters(cell: str) -> None:
    module, inputs = network({**RECURRENT, "cell": cell, "pool": "mean"}).eval(), volumes()
    turned = {**inputs, "volume": inputs["volume"].flip(2)}
    assert not torch.allclose(module(**turned), module(**inputs), atol=1e-4)


def test_a_group_that_is_not_full_is_filled_with_empty_layers() -> None:
    module, inputs = network({**RECURRENT, "group": 3}).eval(), volumes()
    full = torch.cat([inputs["volume"], torch.zeros(6, 2, 2, 8, 8)], dim=2)  # 7 layers to 9
    torch.testing.assert_close(module(**{**inputs, "volume": full}), module(**inputs))


def test_a_convolutional_lstm_on_one_cell_is_an_lstm() -> None:
    torch.manual_seed(4)
    layer, twin = ConvolutionalLSTM(3, 4), torch.nn.LSTM(3, 4, batch_first=True)
    order = torch.tensor([0, 1, 3, 2])  # gates here: enter, keep, leave, new; there: enter, keep, new, leave
    with torch.no_grad():
        for own, weight in ((layer.inputs.weight, twin.weight_ih_l0), (layer.state.weight, twin.weight_hh_l0)):
            weight.copy_(own[:, :, 1, 1].view(4, 4, -1)[order].flatten(0, 1))
        twin.bias_ih_l0.copy_(layer.inputs.bias.view(4, 4)[order].flatten())
        twin.bias_hh_l0.zero_()
    x = torch.randn(2, 5, 3)
    torch.testing.assert_close(layer(x[..., None, None])[..., 0, 0], twin(x)[0])


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 16 rows and columns"):
        MODELS.build({**RECURRENT, "widths": [2] * 5}, where="test").check(INPUTS)
    with pytest.raises(ConfigError, match="more layers than the volume"):
        MODELS.build({**RECURRENT, "group": 8}, where="test").check(INPUTS)
    with pytest.raises(ConfigError, match="takes one volume"):
        MODELS.build(RECURRENT, where="test").check({"image": (8, 8, 2)})
    assert MODELS.build(RECURRENT, where="test").engines() == ["torch"]
