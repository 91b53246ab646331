"""The small recipe that tests of several rooms run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hitforge.recipe.recipe import Recipe, resolve

TINY: dict[str, Any] = {
    "title": "tiny",
    "detector": {"name": "crystal_barrel"},
    "source": {
        "name": "particle_gun", "train": 300, "validation": 100, "test": 200, "shard_size": 100,
        "tracker_material": "none",
    },
    "representation": {"name": "image", "rows": 8, "columns": 8, "channels": ["log_energy", "gated_time"]},
    "model": {"name": "plain_cnn"},
    "task": {"name": "classify"},
    "training": {"epochs": 2, "batch_size": 50, "precision": "fp32"},
    "evaluation": {
        "baselines": [{"name": "boosted_trees", "rounds": 20}],
        "compare": [{"label": "energy only", "set": {"representation.channels": ["energy"]}}],
        "saliency": 2,
    },
}  # fmt: skip


def tiny(**blocks: Any) -> Recipe:
    """The small recipe with other blocks."""
    return resolve({**TINY, **blocks}, "tiny", Path())
