"""Recipes are checked as a whole, and every error says where, what came and what would fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.core.errors import ConfigError
from hitforge.recipe.recipe import read_recipe, resolve
from tests.recipe.of_images import RAW, changed


def test_defaults_are_filled_in_and_stay_the_same_when_read_again() -> None:
    recipe = resolve(RAW, "test", Path())
    assert recipe.resolved["training"]["epochs"] == 12
    again = resolve(yaml.safe_load(recipe.yaml()), "test", Path())
    assert again.resolved == recipe.resolved
    assert again.hash() == recipe.hash()


def test_hash_follows_settings_but_not_the_title() -> None:
    assert resolve(changed(title="another"), "a", Path()).hash() == resolve(RAW, "b", Path()).hash()
    assert resolve(changed(training={"seed": 2}), "a", Path()).hash() != resolve(RAW, "a", Path()).hash()


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"trainig": {}}, "did you mean 'training'"),
        ({"training": {"epoch": 3}}, "did you mean 'epochs'"),
        ({"training": {"epochs": 0}}, "greater than or equal to 1, but got 0"),
        ({"training": {"lr": "fast"}}, "valid number.*but got 'fast'"),
        ({"training": {"lr": float("nan")}}, "finite"),
        ({"training": {"engine": "jax"}}, "'torch' or 'keras'"),
        ({"model": {"name": "residul"}}, "did you mean 'residual'"),
        ({"model": {"name": "residual", "width": 3}}, "did you mean 'widths'"),
        ({"model": {"name": "residual", "version": 3}}, "but got 3"),
        ({"model": {}}, "must have a 'name'"),
        ({"model": 3}, "valid dictionary"),
        ({"detector": {"name": "pixel_grid"}}, "crystal_barrel"),
        ({"source": {"name": "particle_gum"}}, "did you mean 'particle_gun'"),
        ({"source": {"name": "particle_gun", "pdg": [13]}}, "the gun knows 11"),
        ({"representation": {"name": "features"}}, "takes one image"),
        ({"representation": None}, "must have a 'representation'"),
        ({"model": None}, "must have a 'model' or 'evaluation.baselines'"),
        ({"model": {"name": "convnext"}, "training": {"engine": "keras"}}, "can be trained by torch"),
        ({"model": {"name": "residual", "widths": [4] * 7}}, "at least 64 x 64"),
        ({"expect": {}}, "unmeasured"),
        ({"expect": {"minimum": {"loss": 0.0}, "wall_s": 3}}, "must name in 'device' the unit"),
        ({"evaluation": {"metrics": ["auc"]}}, "known: "),
        ({"evaluation": {"baselines": ["boosted_trees", "boosted_trees"]}}, "must differ"),
        ({"evaluation": {"seeds": [2, 2]}}, "must differ"),
        ({"evaluation": {"tile": 200}}, "only representations of showers look at tiles"),
        ({"evaluation": {"seeds": [1]}}, "'training.seed'"),
        ({"evaluation": {"compare": [{"label": "++"}]}}, "must differ"),
        ({"training": {"monitor": "roc_acu"}}, "did you mean 'roc_auc'"),
        ({"evaluation": {"reference": {"label": "r", "detector": {"name": "x"}, "source": {}}}}, "no plug-in 'x'"),
        (
            {"model": None, "representation": None, "evaluation": {"baselines": ["boosted_trees"], "seeds": [2]}},
            "need a 'model'",
        ),
        ({"evaluation": {"compare": [{"label": "a b"}, {"label": "A-b"}]}}, "labels of comparisons"),
    ],
)
def test_wrong_recipe_says_what_would_fit(blocks: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(changed(**blocks), "test", Path())


def test_error_names_file_and_block() -> None:
    with pytest.raises(ConfigError, match="my_recipe: model"):
        resolve(changed(model={"name": "residual", "depth": 1}), "my_recipe", Path())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "stands twice"),
        ("a: [", "valid YAML"),
        ("- 1", "mapping"),
        ("!!python/object:os.system {}", "YAML"),
    ],
)
def test_wrong_yaml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_recipe(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be a YAML file or the name of a shipped one"):
        read_recipe(tmp_path / "none.yaml")


def test_other_keeps_the_sample_and_drops_comparisons() -> None:
    recipe = resolve(changed(evaluation={"seeds": [2], "baselines": ["boosted_trees"]}), "test", Path())
    other = recipe.but({"training.seed": 2})
    assert other.training.seed == 2
    assert not other.evaluation.seeds
    assert not other.baselines
    assert other.hash("detector", "source") == recipe.hash("detector", "source")


def test_a_network_has_a_label_and_a_recipe_knows_what_changed_it(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(changed(title="A question")))
    plain = read_recipe(path)
    assert (plain.label, plain.settings) == (plain.model.name.replace("_", " "), ())  # type: ignore[union-attr]
    named = read_recipe(path, ["label=with time", "training.epochs=2"])
    assert (named.label, named.settings) == ("with time", ("label=with time", "training.epochs=2"))
    assert named.resolved["label"] == "with time"
    assert named.but({}).settings == named.settings
    assert named.but({}).label == plain.label
    assert plain.hash("model") == named.hash("model")
    assert "label" not in plain.resolved
