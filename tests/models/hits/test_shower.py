"""What networks on hits of a calorimeter share: the size of their encoder, and what they take."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.hits._shower import ShowerHitsConfig, ShowerHitsModel

HITS = {"nodes": (9,), "place": (3,), "energy": (), "layer": (), "event": (), "kind": ()}
NAMES = ["hit_transformer", "mask_transformer"]


@pytest.mark.parametrize("name", NAMES)
def test_both_networks_take_hits_with_places_alone(name: str) -> None:
    model = MODELS.build(name, where="test")
    assert isinstance(model, ShowerHitsModel)
    model.check(HITS)
    for changed in ({**HITS, "place": (4,)}, {key: HITS[key] for key in HITS if key != "layer"}, {"image": (8, 8, 2)}):
        with pytest.raises(ConfigError, match=f"'{name}' takes hits of a calorimeter with their places"):
            model.check(changed)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"width": 10, "heads": 4}, "multiple of heads, but 10 is none of 4"),
        ({"orders": []}, "at least 1 item"),
        ({"orders": ["third"]}, "'plane', 'first' or 'second'"),
        ({"cell": [1.0, 0.0, 1.0]}, "greater than 0"),
        ({"dropout": 1.0}, "less than 1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        ShowerHitsConfig.read(settings, "test")
