"""Comparisons that the tests of all networks on points make."""

from __future__ import annotations

from typing import Any

import torch

from hitforge.models import MODELS

POINTS, FEATURES, NEIGHBOURS, SUMMARY = 9, 4, 3, 5
INPUTS: dict[str, tuple[int, ...]] = {
    "points": (POINTS, FEATURES),
    "position": (POINTS, 3),
    "mask": (POINTS, 1),
    "neighbours": (POINTS, NEIGHBOURS),
    "momentum": (POINTS, 4),
    "summary": (SUMMARY,),
}


def network(block: dict[str, Any], outputs: int = 3, without: tuple[str, ...] = ()) -> torch.nn.Module:
    torch.manual_seed(0)
    inputs = {name: shape for name, shape in INPUTS.items() if name not in without}
    return MODELS.build(block, where="test").torch(inputs, outputs)


def events(count: int = 6, without: tuple[str, ...] = (), seed: int = 0) -> dict[str, torch.Tensor]:
    """Events of 9, 8, ... points, padded to 9; neighbours are real points other than the point itself."""
    random = torch.Generator().manual_seed(seed)
    real = POINTS - torch.arange(count) % (POINTS - NEIGHBOURS)  # (B,)
    mask = (torch.arange(POINTS) < real[:, None]).float()[..., None]  # (B, P, 1)
    neighbours = torch.zeros(count, POINTS, NEIGHBOURS, dtype=torch.int32)
    for i, most in enumerate(real.tolist()):
        for j in range(most):
            other = torch.randperm(most - 1, generator=random)[:NEIGHBOURS]
            neighbours[i, j] = (other + (other >= j)).int()
    found = {
        "points": torch.randn(count, POINTS, FEATURES, generator=random) * mask,
        "position": torch.randn(count, POINTS, 3, generator=random) * mask,
        "mask": mask,
        "neighbours": neighbours,
        "summary": torch.randn(count, SUMMARY, generator=random),
        "momentum": momenta(count, random) * mask,
    }
    return {name: value for name, value in found.items() if name not in without}


def momenta(count: int, random: torch.Generator) -> torch.Tensor:
    """px, py, pz and an energy above them, (count, POINTS, 4)."""
    value = torch.randn(count, POINTS, 3, generator=random)
    return torch.cat([value, value.norm(dim=2, keepdim=True) + 0.1], dim=2)


def padded(inputs: dict[str, torch.Tensor], more: int = 4) -> dict[str, torch.Tensor]:
    """Longer events, whose padding holds numbers that must not matter."""
    random = torch.Generator().manual_seed(9)
    found = dict(inputs)
    real = torch.cat([inputs["mask"], inputs["mask"].new_zeros(len(inputs["mask"]), more, 1)], 1)
    for name in ("points", "position", "neighbours", "momentum"):
        if name in inputs:
            value = inputs[name]
            junk = torch.randint(0, POINTS, (len(value), value.shape[1] + more, value.shape[2]), generator=random)
            longer = torch.cat([value, value.new_zeros(len(value), more, value.shape[2])], 1)
            found[name] = torch.where(real > 0, longer, junk.to(value.dtype))
    return {**found, "mask": real}


def shuffled(inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same points in another order, the same in each event."""
    order = torch.randperm(POINTS, generator=torch.Generator().manual_seed(3))
    found = {name: value[:, order] if value.ndim == 3 else value for name, value in inputs.items()}
    if "neighbours" in inputs:
        place = order.argsort().int()
        found["neighbours"] = place[found["neighbours"].long()]
    return found


def assert_points_model(block: dict[str, Any], without: tuple[str, ...] = ()) -> None:
    """Outputs for each event; neither padding nor order matter, in training and in evaluation; everything learns."""
    module, inputs = network(block, without=without), events(without=without)
    for training in (True, False):
        module.train(training)
        outputs = module(**inputs)
        assert outputs.shape == (6, 3)
        torch.testing.assert_close(module(**padded(inputs)), outputs, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(module(**shuffled(inputs)), outputs, rtol=1e-4, atol=1e-5)
    for name in inputs:
        unused = name == "momentum" and block["name"] != "particle_transformer"
        if name not in ("mask", "neighbours") and not unused:
            changed = {
                **inputs,
                name: inputs[name] + inputs["mask"] * torch.randn_like(inputs[name])
                if inputs[name].ndim == 3
                else inputs[name] * 2 + 1,
            }
            assert not torch.allclose(module(**changed), outputs), name
    module.train()
    module(**inputs).square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().sum() > 0, name


def assert_empty_events_are_finite(block: dict[str, Any]) -> None:
    module, inputs = network(block), events()
    inputs["mask"] = inputs["mask"] * torch.tensor([1.0, 0.0, 1.0, 0.0, 1.0, 1.0])[:, None, None]
    for training in (True, False):
        outputs = module.train(training)(**inputs)
        assert outputs.isfinite().all()
        outputs.square().sum().backward()
        assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
