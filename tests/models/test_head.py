"""Settings of what stands behind feature maps: bounds, and what each does to the network."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models._head import HeadConfig


def test_usual_settings() -> None:
    assert HeadConfig().model_dump() == {"pool": "average", "dense": 0, "dropout": 0.0}


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"pool": "max"}, "'average' or 'flatten'"), ({"dense": -1}, "dense"), ({"dropout": 1.0}, "less than 1")],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        HeadConfig.read(settings, "test")


@pytest.mark.parametrize("name", ["plain_cnn", "residual", "plain_cnn_3d", "residual_3d"])
def test_networks_of_images_and_volumes_have_them(name: str) -> None:
    config = MODELS.get(name).Config
    assert issubclass(config, HeadConfig)
    shape = {"image": (16, 16, 2)} if not name.endswith("3d") else {"volume": (8, 8, 8, 2)}
    small = MODELS.build({"name": name}, where="test").torch(shape, 3)
    dense = MODELS.build({"name": name, "dense": 5}, where="test").torch(shape, 3)
    sizes = [sum(parameter.numel() for parameter in network.parameters()) for network in (small, dense)]
    last = [list(network.parameters())[-2].shape for network in (small, dense)]
    assert sizes[0] != sizes[1]
    assert last[1] == (3, 5)
    assert last[0] != (3, 5)
