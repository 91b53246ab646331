"""Residual blocks: a shortcut beside a branch."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import batch_norm, conv2d

from hitforge.models.layers.torch_residual import PostActivation, PreActivation, ResidualNetwork
from hitforge.models.residual import Residual


def normal(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation with the weights of the start."""
    return batch_norm(x, None, None, training=True, eps=1e-5)


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_a_post_activation_block_activates_the_sum(channels: int, stride: int) -> None:
    torch.manual_seed(0)
    block, x = PostActivation(channels, 4, stride), torch.randn(3, channels, 7, 6)
    y = normal(conv2d(x, block.convolution1.weight, stride=stride, padding=1)).clamp(min=0)
    y = normal(conv2d(y, block.convolution2.weight, padding=1))
    short = x
    if (channels, stride) != (4, 1):
        short = normal(conv2d(x, block.shortcut.weight, stride=stride))
    torch.testing.assert_close(block(x), (short + y).clamp(min=0), rtol=1e-4, atol=1e-5)
    assert (block.shortcut is None) == ((channels, stride) == (4, 1))


@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_a_pre_activation_block_leaves_the_sum(channels: int, stride: int) -> None:
    torch.manual_seed(1)
    block, x = PreActivation(channels, 4, stride), torch.randn(3, channels, 7, 6)
    start = normal(x).clamp(min=0)
    y = normal(conv2d(start, block.convolution1.weight, stride=stride, padding=1)).clamp(min=0)
    y = conv2d(y, block.convolution2.weight, padding=1)
    short = x
    if (channels, stride) != (4, 1):
        short = conv2d(start, block.shortcut.weight, stride=stride)
    torch.testing.assert_close(block(x), short + y, rtol=1e-4, atol=1e-5)
    assert (block.shortcut is None) == ((channels, stride) == (4, 1))


def test_a_silent_branch_leaves_a_post_activation_block_the_activation_of_its_input() -> None:
    torch.manual_seed(2)
    block, x = PostActivation(4, 4, 1), torch.randn(2, 4, 5, 5)
    torch.nn.init.zeros_(block.norm2.weight)
    assert torch.equal(block(x), x.clamp(min=0))


@pytest.mark.parametrize("version", [1, 2])
def test_normalisation_stands_where_the_version_wants_it(version: int) -> None:
    torch.manual_seed(3)
    network = ResidualNetwork((9, 7, 2), 3, Residual.Config(version=version, widths=(3, 4), blocks=2))
    x = torch.randn(2, 2, 9, 7)
    y = network.stem(x)
    y = normal(y).clamp(min=0) if version == 1 else y
    first = network.stages[0](y)
    second = network.stages[1](first)
    assert first.shape == (2, 3, 9, 7)
    assert second.shape == (2, 4, 5, 4)
    y = second if version == 1 else normal(second).clamp(min=0)
    torch.testing.assert_close(network(image=x), network.head(y), rtol=1e-4, atol=1e-5)
