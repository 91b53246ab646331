"""The catalogue tells what there is."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hitforge.core.registry import Registry
from hitforge.models import MODELS
from hitforge.recipe.catalogue import REGISTRIES, packages_of, settings_of, settings_of_block, summary
from hitforge.recipe.recipe import read_recipe
from hitforge.representations import REPRESENTATIONS
from hitforge.tasks import TASKS


def test_every_room_with_plugins_is_there() -> None:
    rooms = (
        "detectors simulation readers representations representations.points.graphs "
        "representations.graph.edges models objects tasks tasks.track_building tasks.track_fitting baselines metrics"
    )
    assert set(REGISTRIES) == set(rooms.split())


def test_summary_and_settings() -> None:
    assert summary(MODELS, "residual").startswith("A residual network")
    settings = {key: default for key, _, default, _ in settings_of(MODELS, "residual")}
    assert settings["version"] in ("1", "2")


def test_blocks_of_recipes() -> None:
    training = {row[0]: row for row in settings_of_block("training")}
    assert training["lr"][1:3] == ("number, above 0", "0.002")
    assert {"compare[].label", "baselines"} <= {row[0] for row in settings_of_block("evaluation")}
    assert "metrics.NAME.tolerance" in {row[0] for row in settings_of_block("expect")}
    assert "tower" in {row[0] for row in settings_of_block("region")}
    assert {"track: min_pt", "shower: min_deposited"} <= {row[0] for row in settings_of_block("target")}
    assert {"fatras: mu", "shower_gun: pileup.mu"} <= {row[0] for row in settings_of_block("pileup")}


def test_settings_of_plugins_in_plugins() -> None:
    points = {row[0]: row for row in settings_of(REPRESENTATIONS, "points")}
    assert points["graph"][1].startswith("plug-in of representations.points.graphs: k_nearest, ")
    assert points["graph.k"][1:3] == ("int, 1 to 128", "8")
    assert "region.tower" not in points  # the recipe's own block
    edges = {row[0]: row for row in settings_of(TASKS, "classify_edges")}
    assert edges["quality_cut.fit.scattering"][1] == "true or false"


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=list(REGISTRIES))
def test_each_type_is_readable(registry: Registry[Any]) -> None:
    for name in registry.names():
        for key, kind, default, _ in settings_of(registry, name):
            assert not re.search(r"[<{}|]|typing|class ", kind), (name, key, kind)
            assert "PydanticUndefined" not in default, (name, key)


def test_packages_of_a_recipe_of_ours() -> None:
    assert packages_of(read_recipe("electron_photon/demo", network=False).parts) == {}
