"""Every shipped recipe parses, is finished, and says what it expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.recipe.recipe import read_recipe

RECIPES = sorted((Path(__file__).parents[2] / "src" / "hitforge" / "recipes").rglob("*.yaml"))


def test_there_are_recipes() -> None:
    assert len(RECIPES) >= 7


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_is_finished(path: Path) -> None:
    recipe = read_recipe(path)
    assert recipe.title
    assert recipe.expect is not None
    if not recipe.expect.unmeasured:
        assert recipe.expect.device
        assert recipe.expect.wall_s > 0
        assert recipe.expect.metrics
