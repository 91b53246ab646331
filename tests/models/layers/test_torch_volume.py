"""3D convolutional blocks against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import batch_norm, conv3d

from hitforge.models.layers.torch_volume import (
    ConvolutionNorm3D,
    ResidualBlock,
    VolumeHead,
    convolution3d,
)


def normal(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation with the weights of the start."""
    return batch_norm(x, None, None, training=True, eps=1e-5)


@pytest.mark.parametrize(("kernel", "stride"), [((3, 3, 3), (1, 1, 1)), ((1, 3, 3), (1, 2, 2)), ((3, 1, 1), (2, 1, 1))])
def test_a_convolution_is_a_sum_over_a_window(kernel: tuple[int, int, int], stride: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    layer, x = convolution3d(2, 3, kernel, stride, bias=True), torch.randn(1, 2, 5, 4, 6)
    assert torch.equal(layer.bias, torch.zeros(3))
    wide = np.pad(x.numpy(), ((0, 0), (0, 0), *((side // 2, side // 2) for side in kernel)))
    shape = [-(-size // step) for size, step in zip((5, 4, 6), stride, strict=True)]
    expected = np.zeros((1, 3, *shape), np.float32)
    for place in np.ndindex(*shape):
        start = [i * step for i, step in zip(place, stride, strict=True)]
        window = wide[:, :, *(slice(i, i + side) for i, side in zip(start, kernel, strict=True))]
        expected[:, :, *place] = np.einsum("bclhw,oclhw->bo", window, layer.weight.detach().numpy())
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_without_normalisation_a_block_has_a_bias() -> None:
    torch.manual_seed(1)
    x = torch.randn(3, 2, 4, 4, 4)
    bare, block = ConvolutionNorm3D(2, 3, normalise=False), ConvolutionNorm3D(2, 3)
    torch.nn.init.normal_(bare.convolution.bias)
    y = conv3d(x, bare.convolution.weight, bare.convolution.bias, padding=1)
    torch.testing.assert_close(bare(x), y.clamp(min=0))
    assert block.convolution.bias is None
    y = normal(conv3d(x, block.convolution.weight, padding=1)).clamp(min=0)
    torch.testing.assert_close(block(x), y, rtol=1e-4, atol=1e-5)


def test_two_factors_are_the_convolution_with_the_product_of_their_kernels() -> None:
    torch.manual_seed(2)
    x = torch.rand(2, 2, 5, 6, 6)
    plane = ConvolutionNorm3D(2, 3, (1, 3, 3), normalise=False)
    line = ConvolutionNorm3D(3, 4, (3, 1, 1), normalise=False)
    for layer in (plane, line):
        torch.nn.init.uniform_(layer.convolution.weight)  # positive, so that the ReLU between changes nothing
    first, second = line.convolution.weight[..., 0, 0], plane.convolution.weight[:, :, 0]
    product = torch.einsum("oml,mchw->oclhw", first, second)
    torch.testing.assert_close(line(plane(x)), conv3d(x, product, padding=1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("pool", ["average", "flatten"])
@pytest.mark.parametrize("units", [0, 5])
def test_the_head_is_pooling_summary_and_dense_layers(pool: str, units: int) -> None:
    torch.manual_seed(3)
    head = VolumeHead(2, 3, size=(2, 3, 4), pool=pool, dense=units, summary=2)
    x, summary = torch.randn(5, 2, 2, 3, 4), 3 * torch.randn(5, 2) + 1
    cells = np.moveaxis(x.numpy(), 1, 4)  # layers, rows, columns, channels
    pooled = cells.reshape(5, -1) if pool == "flatten" else cells.mean((1, 2, 3))
    deviation = (summary.var(0, correction=0) + 1e-5).sqrt()
    y = torch.cat([torch.from_numpy(pooled), (summary - summary.mean(0)) / deviation], dim=1)
    if units:
        y = (y @ head.hidden.weight.T + head.hidden.bias).clamp(min=0)
    torch.testing.assert_close(head(x, summary), y @ head.output.weight.T + head.output.bias, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (4, 2), (3, 1)])
def test_a_residual_block_is_a_shortcut_and_a_branch(version: int, channels: int, stride: int) -> None:
    torch.manual_seed(4)
    block, x = ResidualBlock(channels, 4, stride, version), torch.randn(2, channels, 5, 4, 4)
    start = normal(x).clamp(min=0) if version == 2 else x
    y = normal(conv3d(start, block.convolution1.weight, stride=stride, padding=1)).clamp(min=0)
    y = conv3d(y, block.convolution2.weight, padding=1)
    short = x
    if (channels, stride) != (4, 1):
        short = conv3d(start, block.shortcut.weight, stride=stride)
        short = normal(short) if version == 1 else short
    expected = (short + normal(y)).clamp(min=0) if version == 1 else short + y
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


def test_a_silent_branch_leaves_the_first_version_the_activation_of_its_input() -> None:
    torch.manual_seed(5)
    block, x = ResidualBlock(4, 4, 1, version=1), torch.randn(2, 4, 3, 3, 3)
    torch.nn.init.zeros_(block.norm2.weight)
    assert torch.equal(block(x), x.clamp(min=0))


def test_flattened_cells_need_the_size_and_their_mean_does_not() -> None:
    with pytest.raises(ValueError, match="size of the volume"):
        VolumeHead(2, 3, pool="flatten")
    assert VolumeHead(2, 3, dense=0).output.in_features == 2
