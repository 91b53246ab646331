"""Recipes of the package are found by name from any folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.core.errors import ConfigError
from hitforge.recipe.recipe import read_recipe
from hitforge.recipe.shipped import find_recipe, shipped


def test_names_are_folder_and_file() -> None:
    names = shipped()
    assert {"electron_photon/demo", "hgcal/electron", "showers/one_stage", "tracking/ttbar_20"} <= set(names)
    assert all(find_recipe(name).is_file() for name in names)


@pytest.mark.parametrize(
    "text", ["electron_photon/demo", "electron_photon/demo.yaml", "recipes/electron_photon/demo.yaml"]
)
def test_a_name_is_found_from_any_folder(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_recipe(text, network=False).name == "demo"


def test_a_file_goes_before_a_shipped_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = Path("electron_photon/demo")
    mine.parent.mkdir()
    mine.write_text("mine")
    assert find_recipe("electron_photon/demo") == mine


def test_a_missing_recipe_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"did you mean 'electron_photon/demo'.*tracking/ttbar_20"):
        find_recipe("electron_photon/dmo")
    with pytest.raises(ConfigError, match="got: the folder"):
        find_recipe(tmp_path)


def test_what_is_there_beside_a_missing_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "cnn").mkdir()
    with pytest.raises(ConfigError, match=r"no file or folder .*cnnn; do: look at .*cnn, which is there"):
        find_recipe(tmp_path / "cnnn")
