"""The recurrent network over layers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import conv2d

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.volume.recurrent_layers import ConvolutionalLSTM, RecurrentNetwork, Stage
from tests.models.volume.volumes import INPUTS, assert_volume_model, network, volumes

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


VOLUME = (5, 6, 6, 2)


def small(**kind: object) -> RecurrentNetwork:
    torch.manual_seed(0)
    settings = {"widths": (3,), "hidden": 4, "norm": "none", "dense": 0, **kind}
    return RecurrentNetwork(VOLUME[3], 2, **settings)


@pytest.mark.parametrize("normalise", [True, False])
def test_a_stage_is_a_chain_of_convolutions(normalise: bool) -> None:
    torch.manual_seed(1)
    stage, x = Stage(2, 3, 2, normalise), torch.randn(4, 2, 5, 5)
    y = x
    for layer in stage.convolutions:
        assert (layer.bias is None) == normalise
        y = conv2d(y, layer.weight, layer.bias, padding=1)
        if normalise:
            mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), correction=0, keepdim=True)
            y = (y - mean) / (variance + 1e-5).sqrt()
        y = y.clamp(min=0)
    torch.testing.assert_close(stage(x), y, rtol=1e-4, atol=1e-5)


def test_the_convolutional_cell_step_by_step() -> None:
    torch.manual_seed(2)
    cell, x = ConvolutionalLSTM(2, 3), torch.randn(2, 4, 2, 5, 6)
    state, memory, found = torch.zeros(2, 3, 5, 6), torch.zeros(2, 3, 5, 6), cell(x)
    assert found.shape == (2, 4, 3, 5, 6)
    for step in range(4):
        total = conv2d(x[:, step], cell.inputs.weight, cell.inputs.bias, padding=1)
        enter, keep, leave, new = (total + conv2d(state, cell.state.weight, padding=1)).split(3, dim=1)
        memory = keep.sigmoid() * memory + enter.sigmoid() * new.tanh()
        state = leave.sigmoid() * memory.tanh()
        torch.testing.assert_close(found[:, step], state)


def test_the_convolutional_cell_remembers_at_first_and_never_looks_ahead() -> None:
    torch.manual_seed(3)
    cell, x = ConvolutionalLSTM(2, 3), torch.randn(1, 5, 2, 4, 4)
    assert cell.inputs.bias.tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6
    later = x.clone()
    later[:, 3] += 1
    found, changed = cell(x), cell(later)
    assert torch.equal(found[:, :3], changed[:, :3])
    assert not torch.allclose(found[:, 3], changed[:, 3])
    assert not torch.allclose(found[:, 4], changed[:, 4])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru", "conv_lstm"])
def test_only_the_backward_cell_doubles_the_state(cell: str) -> None:
    for both in (False, True):
        module = small(cell=cell, bidirectional=both, depth=2)
        assert module.output.in_features == (8 if both else 4)
        assert len(module.cells) == 2
        assert len(module.backward_cells) == (2 if both else 0)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_forward_and_backward_cells_exchange_when_the_layers_turn(cell: str) -> None:
    module, volume = small(cell=cell, bidirectional=True, pool="last").eval(), torch.randn(2, 2, 5, 6, 6)
    expected = module(volume=volume)
    module.cells, module.backward_cells = module.backward_cells, module.cells
    weight = module.output.weight
    module.output.weight = torch.nn.Parameter(weight.roll(4, dims=1))
    torch.testing.assert_close(module(volume=volume.flip(2)), expected)
    assert not torch.allclose(module(volume=volume), expected, atol=1e-4)


def test_layers_of_a_group_are_channels_of_one_image() -> None:
    module, volume = small(group=2), torch.randn(2, 2, 5, 6, 6)
    found = module._maps(volume)
    assert found.shape == (2, 3, 3, 6, 6)
    for step in range(3):
        pair = [volume[:, :, i] if i < 5 else torch.zeros(2, 2, 6, 6) for i in (2 * step, 2 * step + 1)]
        torch.testing.assert_close(found[:, step], module.stages[0](torch.cat(pair, dim=1)))


def test_steps_are_pooled_as_the_configuration_says() -> None:
    x = torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(small(pool="mean", bidirectional=True)._over_steps(x), x.sum(1) / 5)
    last = small(pool="last", bidirectional=True)._over_steps(x)
    assert torch.equal(last[:, :4], x[:, 4, :4])
    assert torch.equal(last[:, 4:], x[:, 0, 4:])
    module = small(pool="attention", bidirectional=True)
    share = (x @ module.score.weight[0]).exp()
    expected = (share[..., None] * x).sum(1) / share.sum(1, keepdim=True)
    torch.testing.assert_close(module._over_steps(x), expected)
