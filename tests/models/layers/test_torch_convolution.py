"""Convolutional blocks against sums over cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.models.layers.torch_convolution import ConvolutionNorm, Head, convolution2d, norm2d


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (1, 2), (3, 1), (3, 2), (5, 2)])
def test_a_convolution_is_a_sum_over_a_window_padded_by_half_its_side(kernel: int, stride: int) -> None:
    torch.manual_seed(0)
    layer, x = convolution2d(2, 3, kernel, stride), torch.randn(2, 2, 7, 6)
    assert layer.bias is None
    half = kernel // 2
    wide = np.pad(x.numpy(), ((0, 0), (0, 0), (half, half), (half, half)))
    weight = layer.weight.detach().numpy()
    expected = np.zeros((2, 3, (7 + stride - 1) // stride, (6 + stride - 1) // stride), np.float32)
    for i, j in np.ndindex(*expected.shape[2:]):
        window = wide[:, :, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        expected[:, :, i, j] = np.einsum("bchw,ochw->bo", window, weight)
    np.testing.assert_allclose(layer(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_initial_weights_keep_the_variance_behind_a_relu() -> None:
    torch.manual_seed(1)
    assert convolution2d(64, 100, 3).weight.std().item() == pytest.approx((2 / (9 * 64)) ** 0.5, rel=0.02)


def test_averages_follow_a_tenth_of_a_step() -> None:
    layer, x = norm2d(3), 2 * torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(2)) + 1
    found = layer(x)
    mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    expected = (x - mean[:, None, None]) / (variance[:, None, None] + 1e-5).sqrt()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(layer.running_mean, 0.1 * mean)
    torch.testing.assert_close(layer.running_var, 0.9 + 0.1 * variance * 100 / 99)  # of 100 values, without bias


def test_a_block_normalises_before_it_activates() -> None:
    torch.manual_seed(3)
    block, x = ConvolutionNorm(2, 4), torch.randn(3, 2, 5, 5)
    torch.nn.init.normal_(block.norm.bias)
    y = block.convolution(x)
    mean, variance = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), correction=0, keepdim=True)
    expected = ((y - mean) / (variance + 1e-5).sqrt() + block.norm.bias[:, None, None]).clamp(min=0)
    torch.testing.assert_close(block(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("pool", ["average", "flatten"])
@pytest.mark.parametrize("units", [0, 5])
def test_the_head_is_pooling_summary_and_dense_layers(pool: str, units: int) -> None:
    torch.manual_seed(4)
    head, x = Head(2, 3, size=(3, 4), pool=pool, dense=units, summary=2), torch.randn(5, 2, 3, 4)
    summary = 3 * torch.randn(5, 2) + 1
    cells = np.moveaxis(x.numpy(), 1, 3)  # rows, columns, channels
    pooled = cells.reshape(5, -1) if pool == "flatten" else cells.mean((1, 2))
    normal = (summary - summary.mean(0)) / (summary.var(0, correction=0) + 1e-5).sqrt()
    y = torch.cat([torch.from_numpy(pooled), normal], dim=1)
    if units:
        y = (y @ head.hidden.weight.T + head.hidden.bias).clamp(min=0)
    torch.testing.assert_close(head(x, summary), y @ head.output.weight.T + head.output.bias, rtol=1e-4, atol=1e-5)


def test_flattened_cells_need_the_size_and_their_mean_does_not() -> None:
    with pytest.raises(ValueError, match="size of the image"):
        Head(2, 3, pool="flatten")
    assert Head(2, 3).output.in_features == Head(2, 3, size=(3, 4)).output.in_features == 2
