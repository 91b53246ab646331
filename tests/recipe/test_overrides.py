"""Settings are changed by their dotted key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.core.errors import ConfigError
from hitforge.recipe.overrides import override
from hitforge.recipe.recipe import read_recipe
from tests.recipe.of_images import RAW, changed


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
