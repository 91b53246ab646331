"""The region is said once, and all parts that count from it have it."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin
from hitforge.recipe.recipe import Recipe, read_recipe, resolve
from hitforge.representations.region import RegionSettings


def read(name: str, *settings: str) -> Recipe:
    return read_recipe(f"hgcal/{name}", settings, network=False)


def regions(recipe: Recipe) -> list[Any]:
    parts = (recipe.representation, recipe.task, *recipe.baselines)
    return [part.config.region for part in parts if hasattr(part.config, "region")]


def test_all_parts_have_the_region_of_the_recipe() -> None:
    recipe = read("electron", "region.radius=90", "region.core=20")
    assert regions(recipe) == [RegionSettings(radius=90, core=20)] * 2  # representation and task
    images = {"name": "voxels", "layout": "channels", "rows": 16, "columns": 16, "merge": 2}
    other = recipe.but({"representation": images, "model": {"name": "plain_cnn"}})
    assert regions(other) == regions(recipe)


def test_the_representation_of_a_classical_algorithm_has_it_too() -> None:
    recipe = read("identity", "region.radius=70")
    (trees,) = recipe.baselines
    assert trees.config.representation["region"]["radius"] == 70
    assert "region" not in recipe.parts["evaluation"]["baselines"][0]["representation"]


def test_a_recipe_without_a_region_has_the_usual_one() -> None:
    assert regions(read("graphs")) == [RegionSettings()] * 2


@pytest.mark.parametrize(("name", "radius"), [("pileup_60", 70), ("graphs", 150)])
def test_a_resolved_recipe_reads_as_itself(name: str, radius: float) -> None:
    recipe = read(name)
    again = resolve(recipe.parts | {"model": recipe.raw["model"]}, "again", recipe.folder, network=False)
    assert again.parts == recipe.parts
    assert again.parts["region"]["radius"] == radius


@pytest.mark.parametrize(
    "setting",
    [
        "representation.region.radius=70",
        "task.region.radius=70",
        "evaluation.baselines=[{name: boosted_trees, representation: {name: shower_features, region: {radius: 70}}}]",
    ],
)
def test_a_region_of_one_part_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"the region must be said once.*a block 'region' of the recipe"):
        read("electron", setting)


def test_a_wrong_or_useless_region_is_refused() -> None:
    with pytest.raises(ConfigError, match="did you mean 'radius'"):
        read("electron", "region.radios=70")
    with pytest.raises(ConfigError, match="a sweep may only change"):
        read("graphs", "evaluation.sweep={region.radius: [70, 90]}")
    with pytest.raises(ConfigError, match="needs a part that counts from it"):
        read_recipe("electron_photon/demo", ["region.radius=70"], network=False)


def test_another_setting_of_this_name_is_left_alone() -> None:
    recipe = read("electron")
    assert "region" not in recipe.parts["task"]
    assert "region" not in recipe.parts["representation"]

    class Site(Plugin):
        class Config(config.Config):
            region: int = 3

    assert Site(Site.Config()).block["region"] == 3
