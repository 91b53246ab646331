"""What networks see of a hit."""

from __future__ import annotations

import torch

from hitforge.models.layers.torch_hits import HitInput


def test_waves_tell_fine_differences() -> None:
    torch.manual_seed(0)
    start = HitInput(2, 48, 3, waves=4).eval()
    x, layer = torch.tensor([[0.1, -0.3], [0.1, -0.3]]), torch.tensor([0, 7], dtype=torch.int32)
    seen = start(x, layer)
    assert seen.shape == (2, start.features) == (2, 2 + 2 * 2 * 4 + 3)
    scaled = seen[:, :2]
    angle = (scaled[:, :, None] * torch.tensor([2.0, 4.0, 8.0, 16.0])).flatten(1)
    torch.testing.assert_close(seen[:, 2:10], angle.sin())
    torch.testing.assert_close(seen[:, 10:18], angle.cos())
    assert torch.equal(seen[0, :18], seen[1, :18])
    assert not torch.equal(seen[0, 18:], seen[1, 18:])  # only the layers differ
