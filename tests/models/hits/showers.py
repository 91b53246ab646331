"""Batches that the tests of networks on hits of a calorimeter share."""

from __future__ import annotations

from typing import Any

import torch

from hitforge.models import MODELS

INPUTS: dict[str, tuple[int, ...]] = {"nodes": (4,), "place": (3,), "energy": (), "layer": (), "event": (), "kind": ()}
SMALL: dict[str, Any] = {"width": 16, "heads": 2, "block": 4, "reach": 3, "pool": 5, "layers": 6, "waves": 2}
Batch = dict[str, torch.Tensor]


def network(block: dict[str, Any], outputs: int = 2) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({**SMALL, **block}, where="test").torch(INPUTS, outputs)


def event(hits: int = 30, seed: int = 0) -> Batch:
    random = torch.Generator().manual_seed(seed)
    return {
        "nodes": torch.randn(hits, 4, generator=random),
        "place": torch.rand(hits, 3, generator=random),
        "energy": torch.rand(hits, generator=random),
        "layer": torch.randint(0, 6, (hits,), generator=random).int(),
        "event": torch.zeros(hits, dtype=torch.int32),
        "kind": torch.zeros(hits, dtype=torch.int32),
    }


def joined(parts: list[Batch]) -> Batch:
    found = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    found["event"] = torch.cat([torch.full((len(p["event"]),), i) for i, p in enumerate(parts)]).int()
    return found
