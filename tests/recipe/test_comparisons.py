"""The other networks of a recipe: each once, on the same events, and named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.core.errors import ConfigError
from hitforge.recipe.comparisons import axes_of, comparisons
from hitforge.recipe.recipe import Recipe, read_recipe, resolve
from tests.recipe.of_images import RAW, changed


def recipe(**evaluation: Any) -> Recipe:
    return resolve(changed(evaluation=evaluation), "test", Path())


def test_nothing_is_compared_where_nothing_is_asked() -> None:
    assert list(comparisons(recipe())) == []
    assert axes_of(recipe()) == {}


def test_a_sweep_leaves_out_the_recipe_itself_and_names_its_place() -> None:
    own = resolve(RAW, "test", Path())
    swept = recipe(sweep={"training.lr": [1e-4, own.training.lr], "representation.rows": [32, 16]})
    assert own.resolved["representation"]["rows"] == 32
    axes = [other.axes for other in comparisons(swept)]
    lr = str(own.training.lr)
    assert axes == [
        {"training.lr": "0.0001", "representation.rows": "32"},
        {"training.lr": "0.0001", "representation.rows": "16"},
        {"training.lr": lr, "representation.rows": "16"},
    ]
    assert axes_of(swept) == {"training.lr": lr, "representation.rows": "32"}
    assert axes_of(recipe(sweep={"training.lr": [1e-4, 1e-5]})) == {}


def test_seeds_and_comparisons_follow_in_order() -> None:
    asked = [{"label": "small", "set": {"model.widths": [4, 8]}}]
    first, second, small = comparisons(recipe(seeds=[5, 7], compare=asked))
    assert [(one.label, one.recipe.training.seed) for one in (first, second)] == [("seed 5", 5), ("seed 7", 7)]
    assert (small.label, small.recipe.resolved["title"], small.axes) == ("small", "small", {})
    assert small.recipe.resolved["model"]["widths"] == [4, 8]
    assert small.recipe.training.seed == 1


def test_another_recipe_beside_this_one(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(changed(model={"name": "plain_cnn"})))
    (tmp_path / "foreign.yaml").write_text(yaml.safe_dump(changed(source={**RAW["source"], "seed": 9})))
    for name in ("other", "foreign"):
        raw = changed(evaluation={"compare": [{"label": "it", "recipe": f"{name}.yaml"}]})
        (tmp_path / f"{name}_main.yaml").write_text(yaml.safe_dump(raw))
    (one,) = comparisons(read_recipe(tmp_path / "other_main.yaml"))
    assert one.recipe.resolved["model"]["name"] == "plain_cnn"
    with pytest.raises(ConfigError, match=r"same detector and source; got: another sample.*comparison 'it'"):
        list(comparisons(read_recipe(tmp_path / "foreign_main.yaml")))


def test_a_comparison_must_look_for_the_same() -> None:
    tracks = {
        "detector": {"name": "silicon_barrel_endcap"},
        "source": {"name": "fatras"},
        "representation": {"name": "track_graph"},
        "model": {"name": "interaction_network"},
        "task": {"name": "classify_edges"},
        "training": {"monitor": "edge_auc", "batch_size": 1},
        "evaluation": {"compare": [{"label": "pixels", "set": {"target.subsystems": "pixel"}}]},
    }
    with pytest.raises(ConfigError, match=r"same target.*another target.*comparison 'pixels'"):
        list(comparisons(resolve(tracks, "test", Path())))
