"""Comparisons that the tests of all networks on volumes make."""

from __future__ import annotations

from typing import Any

import torch

from hitforge.models import MODELS

SHAPE, SUMMARY = (7, 8, 8, 2), 5
INPUTS: dict[str, tuple[int, ...]] = {"volume": SHAPE, "summary": (SUMMARY,)}


def network(block: dict[str, Any], outputs: int = 3, summary: bool = True) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build(block, where="test").torch(INPUTS if summary else {"volume": SHAPE}, outputs)


def volumes(count: int = 6, summary: bool = True, seed: int = 0) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    found = {"volume": torch.randn(count, *SHAPE, generator=random).movedim(-1, 1)}
    return {**found, "summary": torch.randn(count, SUMMARY, generator=random)} if summary else found


def assert_volume_model(block: dict[str, Any], summary: bool = True) -> None:
    """Outputs for each event, each event by itself; the summary counts; every parameter learns."""
    module, inputs = network(block, summary=summary), volumes(summary=summary)
    module(**inputs)  # moves the running averages
    module.eval()
    outputs = module(**inputs)
    assert outputs.shape == (6, 3)
    for name, value in inputs.items():
        assert not torch.allclose(module(**{**inputs, name: value.flip(0)}), outputs), name
    alone = module(**{name: value[2:3] for name, value in inputs.items()})
    torch.testing.assert_close(alone[0], outputs[2], rtol=1e-4, atol=1e-5)
    module.train()
    module(**inputs).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def maps(network: torch.nn.Module, size: tuple[int, int, int]) -> tuple[int, ...]:
    """Shape of what reaches the head, for two volumes."""
    seen: list[tuple[int, ...]] = []
    network.head.register_forward_pre_hook(lambda _, given: seen.append(tuple(given[0].shape)))
    outputs = network(volume=torch.randn(2, 2, *size))
    assert outputs.shape == (2, 3)
    return seen[0]
