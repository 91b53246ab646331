"""The separable 3D network."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.volume.separable_3d import SeparableVolume
from tests.models.volume.volumes import INPUTS, assert_volume_model, maps, network, volumes

SEPARABLE = {"name": "separable_3d", "widths": [4, 6], "dense": 5}


@pytest.mark.parametrize(
    ("kind", "summary"), [({}, True), ({"stem_depth": 2, "stem": 3, "pool": "flatten"}, False), ({"norm": False}, True)]
)
def test_gives_outputs_and_everything_learns(kind: dict[str, Any], summary: bool) -> None:
    assert_volume_model({**SEPARABLE, **kind}, summary)


def test_what_the_stem_does_not_divide_is_filled_up_not_cut() -> None:
    """7 layers in pairs: the last layer still counts, as if an eighth and empty one followed."""
    module, inputs = network({**SEPARABLE, "stem_depth": 2}).eval(), volumes()
    full = torch.cat([inputs["volume"], torch.zeros(6, 2, 1, 8, 8)], dim=2)
    outputs = module(**inputs)
    torch.testing.assert_close(module(**{**inputs, "volume": full}), outputs)
    changed = inputs["volume"].clone()
    changed[:, :, 6] += 1
    assert not torch.allclose(module(**{**inputs, "volume": changed}), outputs)


def test_a_volume_that_is_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="2 halvings need at least 4"):
        MODELS.build({**SEPARABLE, "widths": [4] * 3, "stem": 4}, where="test").check(INPUTS)
    assert MODELS.build(SEPARABLE, where="test").engines() == ["torch"]


def test_volumes_halve_and_the_head_knows() -> None:
    """Flattened features fit the head only where the network foresees its shapes."""
    size = (7, 9, 12)
    network = SeparableVolume(2, 3, size=size, stem=2, stem_depth=3, widths=(3, 4), pool="flatten")
    assert maps(network, size) == (2, 4, 2, 3, 3)
