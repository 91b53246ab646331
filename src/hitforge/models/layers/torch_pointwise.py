"""Convolutions of kernel 1, which take the places that a stride leaves before they look at them.

On a processor with AVX2 alone, oneDNN of PyTorch 2.13 writes outside its memory in the backward pass of such a layer
with a stride, 2 to 7 input channels and channels last (docs/install.md). Without a stride it does not.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class _Thinned:
    """Takes every stride-th place first, and convolves what is left with stride 1: the same sums."""

    stride: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.step, self.stride = self.stride, (1,) * len(self.stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, *S) to (B, width, *S / stride)."""
        places: Any = (..., *(slice(None, None, step) for step in self.step))
        found: Tensor = super().forward(x[places])  # type: ignore[misc]
        return found


class Pointwise2d(_Thinned, nn.Conv2d):
    """``nn.Conv2d`` of kernel 1: arguments, weights and their initial values are its own."""


class Pointwise3d(_Thinned, nn.Conv3d):
    """``nn.Conv3d`` of kernel 1: arguments, weights and their initial values are its own."""
