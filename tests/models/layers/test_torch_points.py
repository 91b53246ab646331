"""Blocks of the networks on points: what is not real influences nothing."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_points import BatchNormPoints, PointNorm, PointPool, PointsHead, PointsInput

REAL = (torch.arange(6) < torch.tensor([[6], [3], [1], [0]]))[..., None]  # (4, 6, 1)


def points(padding: float, seed: int = 0) -> torch.Tensor:
    """Points (4, 6, 5) with a number where there are none."""
    torch.manual_seed(seed)
    return torch.where(REAL, torch.randn(4, 6, 5) - 1, padding)


def test_inputs_are_joined_and_normalised_over_the_real_points() -> None:
    x, position = points(99.0), points(-50.0, seed=1)[..., :3]
    found, real = PointsInput(5)(x, position, REAL.float())
    assert torch.equal(real, REAL)
    rows = torch.cat([x, position], dim=2)[REAL[..., 0]]  # (10, 8)
    expected = (rows - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt()
    torch.testing.assert_close(found[REAL[..., 0]], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(found[~REAL[..., 0]], torch.zeros(14, 8))


def test_batch_normalisation_scales_and_shifts_the_normal_points() -> None:
    layer, x = BatchNormPoints(5), points(99.0)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    rows = x[REAL[..., 0]]
    expected = (rows - rows.mean(0)) / (rows.var(0, correction=0) + 1e-5).sqrt() * layer.weight + layer.bias
    torch.testing.assert_close(layer(x, REAL)[REAL[..., 0]], expected, rtol=1e-4, atol=1e-5)
    assert layer(x.bfloat16(), REAL).dtype == torch.bfloat16


def test_the_kind_names_the_normalisation() -> None:
    x = points(0.5)
    assert PointNorm("none", 5)(x, REAL) is x
    centred = x - x.mean(2, keepdim=True)
    expected = centred / (centred.square().mean(2, keepdim=True) + 1e-5).sqrt()
    torch.testing.assert_close(PointNorm("layer", 5)(x, REAL), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(PointNorm("batch", 5)(x, REAL), BatchNormPoints(5)(x, REAL))


@pytest.mark.parametrize("padding", [0.0, 1e4, -1e4])
def test_pooling_is_a_sum_over_the_real_points_of_each_event(padding: float) -> None:
    torch.manual_seed(2)
    pool, x = PointPool(5, ("mean", "sum", "max", "attention")), points(padding)
    assert pool.features == 20
    expected = torch.zeros(4, 20)
    for i, count in enumerate([6, 3, 1]):  # the last event is empty
        rows = x[i, :count]
        share = (rows @ pool.score.weight[0]).softmax(0)
        parts = [rows.mean(0), rows.sum(0) / 100, rows.max(0).values, share @ rows]
        expected[i] = torch.cat(parts)
    torch.testing.assert_close(pool(x, REAL), expected)


def test_pools_come_in_the_order_of_their_names() -> None:
    x = points(0.0)
    both, turned = PointPool(5, ("max", "mean"))(x, REAL), PointPool(5, ("mean", "max"))(x, REAL)
    assert not torch.equal(both, turned)
    assert torch.equal(both, turned.roll(5, dims=1))
    assert PointPool(5, ("mean",)).score is None


@pytest.mark.parametrize("units", [0, 7])
def test_the_head_is_pooling_summary_and_dense_layers(units: int) -> None:
    torch.manual_seed(3)
    head = PointsHead(5, 2, pool=("mean", "max"), dense=units, summary=3)
    x, summary = points(7.0), torch.randn(4, 3) * 2 + 1
    normal = (summary - summary.mean(0)) / (summary.var(0, correction=0) + 1e-5).sqrt()
    expected = torch.cat([head.pool(x, REAL), normal], dim=1)
    if units:
        expected = (expected @ head.hidden.weight.T + head.hidden.bias).clamp(min=0)
    expected = expected @ head.output.weight.T + head.output.bias
    torch.testing.assert_close(head(x, REAL, summary), expected, rtol=1e-4, atol=1e-5)
