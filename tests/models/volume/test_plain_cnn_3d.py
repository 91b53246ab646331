"""The plain 3D network."""

from __future__ import annotations

from typing import Any

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.volume.plain_cnn_3d import PlainVolume
from tests.models.volume.volumes import INPUTS, assert_volume_model, maps, network

CNN = {"name": "plain_cnn_3d", "widths": [4, 6], "dense": 5}


@pytest.mark.parametrize(
    ("kind", "summary"), [({}, True), ({"pool": "flatten", "dense": 0}, False), ({"norm": False}, True)]
)
def test_gives_outputs_and_everything_learns(kind: dict[str, Any], summary: bool) -> None:
    assert_volume_model({**CNN, **kind}, summary)


def test_number_of_parameters() -> None:
    """Two convolutions of 3 x 3 x 3 in each of two stages, two numbers a channel to normalise, two dense layers."""
    count = sum(parameter.numel() for parameter in network(CNN, summary=False).parameters())
    assert count == 27 * (2 * 4 + 4 * 4 + 4 * 6 + 6 * 6) + 2 * (4 + 4 + 6 + 6) + (6 + 1) * 5 + (5 + 1) * 3


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 8 layers, rows and columns"):
        MODELS.build({**CNN, "widths": [4] * 3}, where="test").check(INPUTS)
    with pytest.raises(ConfigError, match="takes one volume"):
        MODELS.build(CNN, where="test").check({"image": (8, 8, 2)})
    assert MODELS.build(CNN, where="test").engines() == ["torch"]


def test_volumes_halve_and_the_head_knows() -> None:
    """Flattened features fit the head only where the network foresees its shapes."""
    size = (7, 9, 12)
    network = PlainVolume(2, 3, size=size, widths=(3, 4), convolutions=2, pool="flatten")
    assert maps(network, size) == (2, 4, 2, 3, 3)
