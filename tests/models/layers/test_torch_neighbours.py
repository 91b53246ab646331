"""Neighbours of points: search, gathering, maxima and weighted sums against plain loops."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.layers.torch_neighbours import flat_index, gather, gather_max, nearest_points, others, weighted_sum


def test_indices_within_events_become_rows_of_all_points() -> None:
    neighbours = torch.randint(0, 5, (3, 5, 2), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    found = flat_index(neighbours)
    assert found.dtype == torch.int64
    for i in range(3):
        assert torch.equal(found.view(3, 5, 2)[i], neighbours[i].long() + 5 * i)


@pytest.mark.parametrize("count", [3, 7, 12])
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_the_nearest_are_the_nearest_other_real_points(count: int, offset: float) -> None:
    torch.manual_seed(1)
    space, real = torch.randn(3, 9, 2) + offset, torch.arange(9) < torch.tensor([[9], [5], [1]])
    space = torch.where(real[..., None], space, offset)  # what pads lies in the middle of the real points
    found = nearest_points(space, real[..., None], count)
    assert found.shape == (27, count)
    for event in range(3):
        for i in range(9):
            row, there = 9 * event + i, real[event].nonzero()[:, 0].tolist()
            near = [j for j in there if j != i] if real[event, i] else []
            near.sort(key=lambda j: float((space[event, j] - space[event, i]).square().sum()))
            expected = [9 * event + j for j in near[:count]]
            assert sorted(found[row].tolist()) == sorted(expected + [row] * (count - len(expected)))


def test_a_point_on_the_same_place_is_a_neighbour_but_never_the_point_itself() -> None:
    space = torch.tensor([[[0.0], [0.0], [5.0], [6.0]]])
    found = nearest_points(space, torch.ones(1, 4, 1, dtype=torch.bool), 1)
    assert found[:, 0].tolist() == [1, 0, 3, 2]


def test_others_are_all_but_the_point_itself() -> None:
    found = others(torch.tensor([[0, 1], [0, 1], [2, 2]]))
    assert found.tolist() == [[False, True], [True, False], [False, False]]


def test_gathering_is_indexing() -> None:
    x, index = torch.randn(6, 4), torch.randint(0, 6, (6, 3), generator=torch.Generator().manual_seed(2))
    assert torch.equal(gather(x, index), x[index])
    assert torch.equal(gather_max(x, index, 6), x[index].amax(1))


def test_the_short_way_to_the_maximum_gives_the_same_values_and_gradients() -> None:
    """In bf16 the winner's index travels in the lower half of a float32; here no two points are equal."""
    torch.manual_seed(3)
    values = (torch.randperm(10 * 4) - 20).view(10, 4).bfloat16()  # whole numbers, exact in bf16
    index = flat_index(torch.stack([torch.arange(5)[:, None] + torch.tensor([1, 3, 4])] * 2) % 5)
    weights = torch.randint(1, 9, (10, 4)).bfloat16()
    short, plain = values.clone().requires_grad_(), values.float().requires_grad_()
    found, expected = gather_max(short, index, 5), plain[index].amax(1)
    assert "GatherMax" in type(found.grad_fn).__name__
    assert found.dtype == torch.bfloat16
    assert torch.equal(found.float(), expected)
    (found * weights).sum().backward()
    (expected * weights).sum().backward()
    assert torch.equal(short.grad.float(), plain.grad)


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_each_head_weighs_its_own_share_of_the_features(heads: int) -> None:
    torch.manual_seed(4)
    x, weights, size = torch.randn(5, 4, 6), torch.rand(5, heads, 4), 6 // heads
    expected = torch.zeros(5, 6)
    for i in range(5):
        for feature in range(6):
            expected[i, feature] = sum(weights[i, feature // size, k] * x[i, k, feature] for k in range(4))
    torch.testing.assert_close(weighted_sum(x, weights), expected)
