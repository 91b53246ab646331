"""The vision transformer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.layers.torch_transformer import StochasticDepth

sys.path.insert(0, str(Path(__file__).parent))
from images import INPUTS, assert_every_parameter_learns, assert_summary_counts, images, network, tensor

SMALL = {"name": "vision_transformer", "patch": 3, "width": 8, "depth": 2, "heads": 2}


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_gives_outputs_and_learns(pool: str) -> None:
    module = network({**SMALL, "pool": pool})
    assert module(image=tensor(images())).shape == (6, 3)
    assert_every_parameter_learns(module)


def test_patches_without_positions_may_be_exchanged() -> None:
    module = network({**SMALL, "pool": "token"}).eval()
    torch.nn.init.zeros_(module.position)  # type: ignore[arg-type]
    array = images()
    swapped = array.copy()
    swapped[:, :3], swapped[:, 3:6] = array[:, 3:6], array[:, :3]
    with torch.inference_mode():
        torch.testing.assert_close(module(image=tensor(array)), module(image=tensor(swapped)), rtol=1e-4, atol=1e-5)


def test_stochastic_depth_keeps_the_mean_and_rests_in_evaluation() -> None:
    torch.manual_seed(1)
    layer, x = StochasticDepth(0.25), torch.ones(20_000, 1, 1)
    y = layer(x)
    assert y.mean().item() == pytest.approx(1, abs=0.02)
    assert y.unique().tolist() == pytest.approx([0, 4 / 3])
    assert torch.equal(layer.eval()(x), x)


def test_dropout_and_stochastic_depth_are_random_only_in_training() -> None:
    module = network({**SMALL, "dropout": 0.3, "stochastic_depth": 0.3})
    x = tensor(images())
    assert not torch.equal(module(image=x), module(image=x))
    module.eval()
    assert torch.equal(module(image=x), module(image=x))


def test_settings_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match="must tile the image"):
        MODELS.build({**SMALL, "patch": 5}, where="test").check(INPUTS)
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**SMALL, "width": 9}, where="test")
    assert MODELS.build(SMALL, where="test").engines() == ["torch"]


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(SMALL)
