from __future__ import annotations

import torch

from hitforge.models.layers.torch_curves import along_curve, cells, hilbert


def square(bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    side = torch.arange(2**bits)
    x, y = torch.meshgrid(side, side, indexing="ij")
    return x.flatten(), y.flatten()


def test_curve_visits_each_cell_once_and_walks_from_side_to_side() -> None:
    for bits in (1, 2, 5):
        x, y = square(bits)
        length = hilbert(x, y, bits)
        order = length.argsort()
        assert length[order].tolist() == list(range(4**bits))
        step = x[order].diff().abs() + y[order].diff().abs()
        assert (step == 1).all()
        assert (x[order[0]], y[order[0]]) == (0, 0)
        assert (x[order[-1]], y[order[-1]]) == (2**bits - 1, 0)


def test_cells_fill_the_range_of_each_event() -> None:
    value = torch.tensor([0.0, 1.0, 0.5, 10.0, 30.0, 29.9, 7.0])
    event = torch.tensor([0, 0, 0, 2, 2, 2, 3]).int()
    assert cells(value, event, 2).tolist() == [0, 3, 2, 0, 3, 3, 0]
    assert len(cells(value[:0], event[:0], 2)) == 0


def test_rank_is_unique_and_ties_follow_the_third_coordinate() -> None:
    place = torch.tensor([[2.0, 0, 0], [0.0, 0, 0], [1.0, 0, 0], [0.0, 9, 9], [5.0, 9, 0]])
    rank = along_curve(place, (1, 2), torch.zeros(5).int())
    assert rank.tolist() == [2, 0, 1, 3, 4]
    order = torch.randperm(5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(along_curve(place[order], (1, 2), torch.zeros(5).int()), rank[order])


def test_neighbours_in_order_are_neighbours_in_space() -> None:
    place = torch.rand(2000, 3, generator=torch.Generator().manual_seed(0))
    order = along_curve(place, (0, 2), torch.zeros(2000).int()).argsort()
    step = place[order][:, [0, 2]].diff(dim=0).norm(dim=1)
    assert step.mean() < 0.03
