"""hitforge inspect."""

from __future__ import annotations

from pathlib import Path

from .conftest import hitforge


def test_recipes_and_datasets_are_shown(recipe: Path, dataset: Path) -> None:
    assert "shard_size: 100" in hitforge("inspect", recipe).stdout
    assert "every shard is as it was written" in hitforge("inspect", dataset, "--verify").stdout
