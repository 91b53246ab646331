"""Recipes are checked as a whole, and every error says where, what came and what would fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.core.errors import ConfigError
from hitforge.recipe.overrides import override
from hitforge.recipe.recipe import read_recipe, resolve
from hitforge.recipe.sweep import combinations, slug

RAW: dict[str, Any] = {
    "detector": {"name": "crystal_barrel"},
    "source": {"name": "particle_gun", "train": 100, "validation": 20, "test": 20},
    "representation": {"name": "image", "channels": ["energy", "gated_time"]},
    "model": {"name": "residual"},
    "task": {"name": "classify"},
}


def changed(**blocks: Any) -> dict[str, Any]:
    return {**RAW, **blocks}


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
        ({"model": "residual"}, "valid dictionary"),
        ({"detector": {"name": "pixel_grid"}}, "crystal_barrel"),
        ({"source": {"name": "particle_gum"}}, "did you mean 'particle_gun'"),
        ({"source": {"name": "particle_gun", "pdg": [13]}}, "the gun knows 11"),
        ({"representation": {"name": "features"}}, "takes one image"),
        ({"representation": None}, "must have a 'representation'"),
        ({"model": None}, "must have a 'model' or 'evaluation.baselines'"),
        ({"model": {"name": "vision_transformer"}, "training": {"engine": "keras"}}, "can be trained by torch"),
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


def test_overrides_are_read_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(RAW))
    recipe = read_recipe(path, ["training.lr=1e-3", "model.widths=[8, 8]", "evaluation.baselines=[boosted_trees]"])
    assert recipe.training.lr == 1e-3
    assert recipe.resolved["model"]["widths"] == [8, 8]
    assert [b.name for b in recipe.baselines] == ["boosted_trees"]


@pytest.mark.parametrize("text", ["training.lr", "=3", "title.a.b=3"])
def test_wrong_override(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(yaml.safe_dump(changed(title="t")))
    with pytest.raises(ConfigError):
        read_recipe(path, [text])


def test_override_reaches_into_lists_and_bare_names() -> None:
    raw: dict[str, Any] = {"evaluation": {"compare": [{"label": "a"}], "baselines": ["trees"]}, "model": "residual"}
    override(raw, "evaluation.compare.0.label", "b")
    override(raw, "evaluation.baselines.0.rounds", 5)
    override(raw, "model.blocks", 2)
    assert raw["evaluation"] == {"compare": [{"label": "b"}], "baselines": [{"name": "trees", "rounds": 5}]}
    assert raw["model"] == {"name": "residual", "blocks": 2}
    with pytest.raises(ConfigError, match="index below 1"):
        override(raw, "evaluation.compare.1.label", "c")


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
    with pytest.raises(ConfigError, match="readable"):
        read_recipe(tmp_path / "none.yaml")


def test_other_keeps_the_sample_and_drops_comparisons() -> None:
    recipe = resolve(changed(evaluation={"seeds": [2], "baselines": ["boosted_trees"]}), "test", Path())
    other = recipe.but({"training.seed": 2})
    assert other.training.seed == 2
    assert not other.evaluation.seeds
    assert not other.baselines
    assert other.hash("detector", "source") == recipe.hash("detector", "source")


def test_sweep_gives_every_combination_once() -> None:
    points = combinations({"representation.rows": [8, 16], "model": [{"name": "residual"}, {"name": "plain_cnn"}]})
    assert [point.label for point in points] == ["8, residual", "8, plain_cnn", "16, residual", "16, plain_cnn"]
    assert points[2].axes == {"representation.rows": "16", "model": "residual"}
    recipe = resolve(RAW, "test", Path()).but(points[3].settings)
    assert recipe.resolved["representation"]["rows"] == 16
    assert recipe.resolved["model"]["name"] == "plain_cnn"
    assert combinations({}) == []


def test_points_of_a_sweep_with_one_name_are_told_apart_by_their_settings() -> None:
    points = combinations({"model": [{"name": "residual"}, {"name": "plain_cnn"}, {"name": "plain_cnn", "dense": 8}]})
    assert [point.label for point in points] == ["residual", "plain_cnn", "plain_cnn dense=8"]


@pytest.mark.parametrize(
    ("sweep", "message"),
    [({"source.seed": [1, 2]}, "a sweep may only change"), ({"model": []}, "at least 1")],
)
def test_sweep_keeps_the_sample_and_is_not_empty(sweep: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve(changed(evaluation={"sweep": sweep}), "test", Path())


def test_labels_of_a_sweep_must_differ_from_the_others() -> None:
    evaluation = {"sweep": {"training.lr": [0.1]}, "compare": [{"label": "0.1", "set": {"training.lr": 0.2}}]}
    with pytest.raises(ConfigError, match="must differ"):
        resolve(changed(evaluation=evaluation), "test", Path())


def test_slug_is_a_folder_name() -> None:
    assert slug("Energy only (v2)") == "energy_only__v2"
