"""A recipe of images, as it is written."""

from __future__ import annotations

from typing import Any

RAW: dict[str, Any] = {
    "detector": {"name": "crystal_barrel"},
    "source": {"name": "particle_gun", "train": 100, "validation": 20, "test": 20},
    "representation": {"name": "image", "channels": ["energy", "gated_time"]},
    "model": {"name": "residual"},
    "task": {"name": "classify"},
}


def changed(**blocks: Any) -> dict[str, Any]:
    return {**RAW, **blocks}
