"""ConvNeXt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn import functional

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image.convnext import ChannelNorm, ConvNeXtBlock, ConvNeXtNetwork
from tests.models.image.images import (
    assert_every_parameter_learns,
    assert_summary_counts,
    images,
    network,
    tensor,
)

SMALL = {"name": "convnext", "widths": [4, 6], "depths": [1, 2], "kernel": 3}


@pytest.mark.parametrize("kind", [{}, {"patch": 3}, {"pool": "flatten", "dense": 5}, {"kernel": 7}])
@pytest.mark.parametrize("shape", [(12, 12, 2), (7, 9, 1)])
def test_gives_outputs_and_learns(kind: dict[str, Any], shape: tuple[int, int, int]) -> None:
    module = network({**SMALL, **kind}, shape=shape)
    assert module(image=tensor(images(shape=shape))).shape == (6, 3)
    assert_every_parameter_learns(module, shape)


def test_a_block_looks_at_each_channel_by_itself_and_then_mixes_them() -> None:
    torch.manual_seed(0)
    block, x = ConvNeXtBlock(4, 3, 8, 0.0, 0.5), torch.randn(2, 4, 5, 6)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    maps = [
        functional.conv2d(x[:, i : i + 1], block.window.weight[i : i + 1], block.window.bias[i : i + 1], padding=1)
        for i in range(4)
    ]
    places = torch.cat(maps, dim=1).permute(0, 2, 3, 1)
    normal = (places - places.mean(-1, keepdim=True)) / (places.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    y = (normal * block.norm.weight + block.norm.bias) @ block.dense1.weight.T + block.dense1.bias
    y = (y * 0.5 * (1 + torch.erf(y / 2**0.5))) @ block.dense2.weight.T + block.dense2.bias
    torch.testing.assert_close(block(x), x + (y * block.scale).permute(0, 3, 1, 2), rtol=1e-4, atol=1e-4)


def test_norm_is_over_the_channels_of_a_place() -> None:
    torch.manual_seed(1)
    y = ChannelNorm(5)(torch.randn(2, 5, 3, 4) * 3 + 2)
    torch.testing.assert_close(y.mean(1), torch.zeros(2, 3, 4), rtol=0, atol=1e-5)
    torch.testing.assert_close(y.var(1, correction=0), torch.ones(2, 3, 4), rtol=0, atol=1e-3)


@pytest.mark.parametrize("patch", [1, 4])
def test_the_last_row_of_an_odd_image_counts(patch: int) -> None:
    module = network({**SMALL, "patch": patch}, shape=(9, 9, 1)).eval()
    x = torch.zeros(1, 1, 9, 9)
    changed = x.clone()
    changed[..., 8, 8] = 5
    assert not torch.equal(module(image=x), module(image=changed))


def test_stochastic_depth_grows_over_all_stages() -> None:
    module = ConvNeXtNetwork(1, 2, widths=(4, 4), depths=(2, 3), stochastic_depth=0.4)
    rates = [block.skip.rate for stage in module.stages for block in stage]  # type: ignore[union-attr]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])


def test_blocks_begin_small() -> None:
    module = ConvNeXtNetwork(1, 2, widths=(4,), depths=(1,), layer_scale=1e-3)
    assert torch.equal(module.stages[0][0].scale, torch.full((4,), 1e-3))  # type: ignore[index]


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(SMALL)


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 4 patches"):
        MODELS.build({**SMALL, "patch": 4, "widths": [4] * 3, "depths": [1] * 3}, where="test").check(
            {"image": (12, 12, 2)}
        )
    with pytest.raises(ConfigError, match="each of the 3 'widths'"):
        MODELS.build({**SMALL, "widths": [4, 4, 4]}, where="test")
    with pytest.raises(ConfigError, match="must be odd"):
        MODELS.build({**SMALL, "kernel": 4}, where="test")
