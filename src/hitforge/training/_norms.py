"""Batch normalisation where several processes share a batch: each uses mean and variance of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from hitforge.models.layers.torch_dense import InputNorm


@contextmanager
def shared_norms(network: nn.Module) -> Iterator[None]:
    """Let the batch normalisations of a network that is trained see the whole batch.

    PyTorch's own ``SyncBatchNorm`` knows GPUs only.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    rows = [module for module in network.modules() if isinstance(module, InputNorm)]
    for norm in norms:
        norm.forward = partial(_normalised, norm)  # type: ignore[method-assign]
    for row in rows:
        row._moments = partial(_moments, row)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward
        for row in rows:
            del row._moments


def _moments(norm: InputNorm, x: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
    """Mean and variance of each feature over the whole batch's rows that are real; see ``InputNorm``."""
    rows = x.reshape(-1, x.shape[-1])  # (N, F)
    kept = torch.ones_like(rows[:, :1], dtype=torch.bool) if real is None else real.reshape(-1, 1)
    number = _total(kept.sum().to(rows.dtype)).clamp(min=1)
    mean = _total(torch.where(kept, rows, 0.0).sum(0)) / number
    variance = _total(torch.where(kept, (rows - mean).square(), 0.0).sum(0)) / number
    with torch.no_grad():
        norm.running_mean.lerp_(mean, 0.1)
        norm.running_var.lerp_(variance, 0.1)
    return mean, variance


def _normalised(norm: Any, x: Tensor) -> Tensor:
    """What ``norm`` gives for the whole batch, of which ``x``, (B, C, ...), is this process's share."""
    if not norm.training:
        plain: Tensor = type(norm).forward(norm, x)
        return plain
    axes, shape = [0, *range(2, x.ndim)], [1, -1, *(1 for _ in range(2, x.ndim))]
    wide = x.float()
    count = _total(wide.new_tensor(x.numel() / x.shape[1]))
    mean = _total(wide.sum(axes)) / count  # (C,)
    away = wide - mean.view(shape)
    variance = _total(away.square().sum(axes)) / count  # (C,)
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * count / (count - 1), norm.momentum)
    y = away * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        y = y * norm.weight.view(shape) + norm.bias.view(shape)
    same: Tensor = y.to(x.dtype)
    return same


def _total(x: Tensor) -> Tensor:
    """Sum over all processes."""
    result: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return result


class _Sum(torch.autograd.Function):
    """Sum over all processes; so is the gradient, as each of them depends on every term."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total
