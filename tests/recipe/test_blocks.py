"""Blocks of a recipe refuse what cannot be meant, before any plug-in is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.recipe.blocks import NETWORK, Blocks, EvaluationConfig, Expect
from tests.recipe.of_images import changed


def test_a_network_is_made_by_blocks_that_exist() -> None:
    assert set(NETWORK) <= set(Blocks.model_fields)
    assert not {"detector", "source", "evaluation", "expect"} & set(NETWORK)  # the same network on other events


def test_usual_settings() -> None:
    blocks = Blocks.read(changed(), "test")
    assert (blocks.title, blocks.depends_on, blocks.target, blocks.expect) == ("", {}, None, None)
    assert (blocks.evaluation.fields, blocks.evaluation.saliency, blocks.evaluation.tile) == (["pt", "eta"], 6, 0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": None}, "must have a 'model' or 'evaluation.baselines'"),
        ({"representation": None}, "must have a 'representation'"),
        ({"depends_on": {"filter": "filter"}}, "must be named by its recipe, a .yaml file"),
        ({"needs": {"filter": "filter.yaml"}}, "'depends_on'"),
        ({"evaluation": {"reference": {"label": "r", "detector": {}, "source": {}, "split": "all"}}}, "'validation'"),
        ({"evaluation": {"compare": [{"label": ""}]}}, "at least 1 character"),
        ({"evaluation": {"tile": -1}}, "greater than or equal to 0"),
    ],
)
def test_wrong_blocks_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Blocks.read(changed(**changes), "test")


def test_a_recipe_of_classical_algorithms_needs_no_network() -> None:
    alone = changed(model=None, representation=None, evaluation={"baselines": ["boosted_trees"]})
    assert Blocks.read(alone, "test").model is None


@pytest.mark.parametrize(
    "values",
    [
        {"metrics": {"test.roc_auc": {"value": 0.9, "tolerance": 0.01}}},
        {"minimum": {"test.roc_auc": 0.9}, "wall_s": 3, "device": "two cores"},
        {"unmeasured": "the files are not here"},
    ],
)
def test_expectations_say_something(values: dict[str, Any]) -> None:
    assert Expect.read(values, "test").seed == 1


@pytest.mark.parametrize("values", [{}, {"wall_s": 3, "device": "two cores"}, {"minimum": {"a": 1.0}, "wall_s": 3}])
def test_expectations_without_a_number_or_a_device_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"'expect' must hold metrics|must name in 'device'"):
        Expect.read(values, "test")


def test_an_axis_of_a_sweep_is_not_empty() -> None:
    with pytest.raises(ConfigError, match="at least 1 item"):
        EvaluationConfig.read({"sweep": {"training.lr": []}}, "test")


def test_a_bare_name_is_a_block() -> None:
    named = {name: f"my_{name}" for name in ("detector", "source", "representation", "model", "task")}
    blocks = Blocks.read(named, "test")
    assert [getattr(blocks, name) for name in named] == [{"name": value} for value in named.values()]
