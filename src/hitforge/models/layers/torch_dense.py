"""Dense layers and the normalisation of inputs in PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def linear(features: int, units: int, gain: float, *, bias: bool = True) -> nn.Linear:
    """Dense layer with weights of variance ``gain`` over the number of features, and zero bias or none."""
    layer = nn.Linear(features, units, bias=bias)
    nn.init.normal_(layer.weight, std=(gain / features) ** 0.5)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer


class InputNorm(nn.Module):
    """Subtracts the mean and divides by the deviation of the training sample, feature by feature, without parameters.

    In training both are those of the batch, and running averages keep 0.9 of their value in a step; in evaluation they
    are the averages. Rows that are not real do not count.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(features))
        self.register_buffer("running_var", torch.ones(features))

    def forward(self, x: Tensor, real: Tensor | None = None) -> Tensor:
        """(..., F) to the same shape in float32.

        Args:
            x: Features.
            real: (..., 1) bool, rows that count; those that do not become zero.
        """
        x = x.float()
        mean, variance = self._moments(x, real) if self.training else (self.running_mean, self.running_var)
        x = (x - mean) * torch.rsqrt(variance + 1e-5)
        return x if real is None else torch.where(real, x, 0.0)

    def _moments(self, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """Mean and variance of each feature, (F,), which the running averages follow."""
        rows = x.reshape(-1, x.shape[-1])  # (N, F)
        if real is None:
            mean, variance = rows.mean(0), rows.var(0, correction=0)
        else:
            counts = real.reshape(-1, 1)  # (N, 1)
            number = counts.sum().clamp(min=1)
            mean = torch.where(counts, rows, 0.0).sum(0) / number
            variance = torch.where(counts, (rows - mean).square(), 0.0).sum(0) / number
        with torch.no_grad():
            self.running_mean.lerp_(mean, 0.1)
            self.running_var.lerp_(variance, 0.1)
        return mean, variance


def with_summary(x: Tensor, summary: Tensor | None, norm: InputNorm | None) -> Tensor:
    """Append the normalised summary (B, S) to features (B, F), where the network takes one."""
    if norm is None or summary is None:
        return x
    return torch.cat([x, norm(summary).to(x.dtype)], dim=1)  # (B, F + S)
