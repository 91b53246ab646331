from __future__ import annotations

import torch

from hitforge.models.layers.torch_events import padding


def test_hits_are_padded_event_by_event_and_come_back() -> None:
    event = torch.tensor([3, 0, 3, 1, 3]).int()
    rows = torch.arange(10.0).view(5, 2) + 1
    cut = padding(event, 5)
    padded = cut.pad(rows)
    assert padded.shape == (5, 3, 2)
    assert cut.real.sum(1).tolist() == [1, 1, 0, 3, 0]
    assert padded[3].tolist() == rows[[0, 2, 4]].tolist()
    assert (padded[~cut.real] == 0).all()
    assert torch.equal(cut.flat(padded), rows)
    assert len(padding(event).hits) == 4


def test_what_fills_up_gets_no_gradient() -> None:
    event, rows = torch.tensor([0, 0, 1]), torch.ones(3, requires_grad=True)
    padding(event).pad(rows).sum().backward()
    assert rows.grad is not None
    assert rows.grad.tolist() == [1, 1, 1]


def test_no_hits_and_no_events_are_fine() -> None:
    none = torch.zeros(0, dtype=torch.int32)
    assert padding(none, 2).pad(torch.zeros(0, 3)).shape == (2, 0, 3)
    assert padding(none).pad(torch.zeros(0, 3)).shape == (0, 0, 3)
