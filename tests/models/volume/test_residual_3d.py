"""The residual 3D network."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch.nn.functional import batch_norm

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.volume.residual_3d import ResidualVolume
from tests.models.volume.volumes import INPUTS, assert_volume_model, maps, network

RESIDUAL = {"name": "residual_3d", "widths": [4, 6], "blocks": 2, "dense": 5}


@pytest.mark.parametrize(("kind", "summary"), [({"version": 1}, True), ({"version": 2, "pool": "flatten"}, False)])
def test_gives_outputs_and_everything_learns(kind: dict[str, Any], summary: bool) -> None:
    assert_volume_model({**RESIDUAL, **kind}, summary)


def test_a_silent_branch_leaves_the_pre_activation_block_an_identity() -> None:
    block = network(RESIDUAL).blocks[0]  # type: ignore[index]
    torch.nn.init.zeros_(block.convolution2.weight)
    x = torch.randn(2, 4, 5, 5, 5)
    assert torch.equal(block(x), x)


def test_a_volume_that_is_too_small_is_refused() -> None:
    with pytest.raises(ConfigError, match="3 halvings need at least 8"):
        MODELS.build({**RESIDUAL, "widths": [4] * 3}, where="test").check(INPUTS)
    assert MODELS.build(RESIDUAL, where="test").engines() == ["torch"]


def normal(x: torch.Tensor) -> torch.Tensor:
    """Batch normalisation with the weights of the start."""
    return batch_norm(x, None, None, training=True, eps=1e-5)


def test_volumes_halve_and_the_head_knows() -> None:
    """Flattened features fit the head only where the network foresees its shapes."""
    size = (7, 9, 12)
    for version in (1, 2):
        network = ResidualVolume(2, 3, size=size, widths=(3, 4), version=version, pool="flatten")
        assert maps(network, size) == (2, 4, 2, 3, 3)


@pytest.mark.parametrize("version", [1, 2])
def test_normalisation_stands_where_the_version_wants_it(version: int) -> None:
    torch.manual_seed(6)
    network = ResidualVolume(2, 3, widths=(3, 4), version=version)
    x = torch.randn(2, 2, 6, 6, 6)
    y = network.stem(x)
    y = network.blocks(normal(y).clamp(min=0) if version == 1 else y)
    y = normal(y).clamp(min=0) if version == 2 else y
    torch.testing.assert_close(network(volume=x), network.head(y, None), rtol=1e-4, atol=1e-5)
