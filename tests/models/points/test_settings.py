"""Settings that all networks on points have."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.points._settings import PointsConfig


@pytest.mark.parametrize("name", ["edge_conv", "gravnet", "message_passing"])
def test_networks_on_points_have_them(name: str) -> None:
    assert issubclass(MODELS.get(name).Config, PointsConfig)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool": ["mean", "mean"]}, "must differ from each other"),
        ({"pool": []}, "at least 1 item"),
        ({"pool": ["median"]}, "'mean', 'max', 'sum' or 'attention'"),
        ({"norm": "group"}, "'layer', 'batch' or 'none'"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        PointsConfig.read(settings, "test")
    with pytest.raises(ConfigError, match=message):
        MODELS.build({"name": "edge_conv", **settings}, where="test")


def test_the_order_of_pooling_stays() -> None:
    assert PointsConfig.read({"pool": ["sum", "mean"]}, "test").pool == ("sum", "mean")
