"""Inception blocks against their branches."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.inception import Inception
from hitforge.models.layers.torch_inception import InceptionBlock, InceptionNetwork, Unit


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("normalise", [True, False])
def test_a_unit_is_convolution_normalisation_and_relu(kernel: int, normalise: bool) -> None:
    torch.manual_seed(0)
    unit, x = Unit(2, 3, kernel, normalise), torch.randn(4, 2, 5, 6)
    y = torch.nn.functional.conv2d(x, unit.convolution.weight, padding=kernel // 2)
    if normalise:
        mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), correction=0, keepdim=True)
        y = (y - mean) / (variance + 1e-5).sqrt()
    torch.testing.assert_close(unit(x), y.clamp(min=0), rtol=1e-4, atol=1e-5)
    assert unit.convolution.kernel_size == (kernel, kernel)


def test_four_branches_of_a_quarter_each_are_joined() -> None:
    torch.manual_seed(1)
    block, x = InceptionBlock(3, 8, normalise=True).eval(), torch.randn(2, 3, 6, 7)
    wide = torch.nn.functional.pad(x, (1, 1, 1, 1), value=-torch.inf)
    pooled = wide.unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))
    branches = [
        block.one(x),
        block.three(block.three_in(x)),
        block.five2(block.five1(block.five_in(x))),
        block.pooled(pooled),
    ]
    assert [tuple(branch.shape) for branch in branches] == [(2, 2, 6, 7)] * 4
    torch.testing.assert_close(block(x), torch.cat(branches, dim=1))


def test_branches_see_one_three_and_five_cells() -> None:
    """The input's gradient of the middle cell reaches as far as the branch sees."""
    torch.manual_seed(2)
    block = InceptionBlock(1, 4, normalise=False)
    for parameter in block.parameters():
        torch.nn.init.ones_(parameter)  # so that no path is cut by a ReLU
    for channel, side in enumerate([1, 3, 5]):
        x = torch.rand(1, 1, 9, 9, requires_grad=True)
        block(x)[0, channel, 4, 4].backward()
        expected = torch.zeros(9, 9, dtype=torch.bool)
        half = side // 2
        expected[4 - half : 5 + half, 4 - half : 5 + half] = True
        assert torch.equal(x.grad[0, 0] != 0, expected)


def test_cells_halve_between_stages() -> None:
    torch.manual_seed(3)
    network = InceptionNetwork((9, 12, 2), 3, Inception.Config(widths=(4, 8), blocks=2)).eval()
    x, shapes = torch.randn(2, 2, 9, 12), []
    for stage in network.stages:
        stage.register_forward_hook(lambda _, __, y: shapes.append(tuple(y.shape)))
    y = network.stages[1](torch.nn.functional.max_pool2d(network.stages[0](x), 2))
    shapes.clear()
    torch.testing.assert_close(network(image=x), network.head(y))
    assert shapes == [(2, 4, 9, 12), (2, 8, 4, 6)]
    assert [len(stage) for stage in network.stages] == [2, 2]
