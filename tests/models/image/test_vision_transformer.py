"""The vision transformer."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.image.vision_transformer import (
    StochasticDepth,
    TokenAttention,
    TransformerBlock,
    TransformerNetwork,
)
from tests.models.image.images import (
    assert_every_parameter_learns,
    assert_same_in_keras,
    assert_summary_counts,
    images,
    network,
    tensor,
)

SMALL = {"name": "vision_transformer", "patch": 3, "width": 8, "depth": 2, "heads": 2}


@pytest.mark.parametrize("stem", [[], [4, 5]])
@pytest.mark.parametrize("pool", ["mean", "token"])
def test_gives_outputs_and_learns(pool: str, stem: list[int]) -> None:
    module = network({**SMALL, "pool": pool, "stem": stem})
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
    with pytest.raises(ConfigError, match="one image"):
        MODELS.build(SMALL, where="test").check({"points": (12, 4)})
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**SMALL, "width": 9}, where="test")


def test_zeros_fill_the_last_patches() -> None:
    module, x = network({**SMALL, "patch": 5}, shape=(7, 9, 2)).eval(), tensor(images(shape=(7, 9, 2)))
    assert module.position.shape == (4, 8)  # type: ignore[union-attr]
    wide = network({**SMALL, "patch": 5}, shape=(10, 10, 2)).eval()
    wide.load_state_dict(module.state_dict())
    torch.testing.assert_close(module(image=x), wide(image=torch.nn.functional.pad(x, (0, 1, 0, 3))))


@pytest.mark.parametrize("kind", [{}, {"pool": "token"}, {"patch": 4}, {"stem": [4, 5], "expansion": 0.5}])
def test_keras_has_the_same_network(kind: dict[str, Any]) -> None:
    pytest.importorskip("keras")
    assert_same_in_keras({**SMALL, **kind}, shape=(6, 9, 2))


def test_keras_has_the_same_network_with_a_summary() -> None:
    pytest.importorskip("keras")
    assert_same_in_keras(SMALL, summary=4)


def test_a_stem_lets_a_patch_see_beyond_its_border() -> None:
    array = images()
    changed = array.copy()
    changed[:, 3:] += 1  # rows of the patches below
    for stem, same in (([], True), ([4], False)):
        module = network({**SMALL, "stem": stem}).eval()
        first, second = (module.patches(module.stem(tensor(x)))[:, :, 0] for x in (array, changed))  # type: ignore[operator]
        assert torch.equal(first, second) == same


def test_a_summary_joins_the_features() -> None:
    assert_summary_counts(SMALL)


def spread(module: torch.nn.Module) -> None:
    """Weights of order one, so that no part of a formula is too small to be seen."""
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)


@pytest.mark.parametrize("heads", [1, 2, 3])
def test_attention_is_the_softmax_of_scaled_products(heads: int) -> None:
    torch.manual_seed(0)
    layer, x, size = TokenAttention(6, heads, 0.0), torch.randn(2, 5, 6), 6 // heads
    spread(layer)
    query, key, value = layer.query_key_value(x).split(6, dim=2)
    parts = []
    for head in range(heads):
        own = slice(head * size, (head + 1) * size)
        share = (query[..., own] @ key[..., own].mT / size**0.5).softmax(2)
        parts.append(share @ value[..., own])
    expected = torch.cat(parts, dim=2) @ layer.output.weight.T + layer.output.bias
    torch.testing.assert_close(layer(x), expected)


def test_a_block_treats_all_tokens_alike() -> None:
    torch.manual_seed(1)
    block, x, order = TransformerBlock(8, 2, 16, 0.0, 0.0), torch.randn(2, 5, 8), torch.tensor([3, 0, 4, 1, 2])
    spread(block)
    found = block(x)
    torch.testing.assert_close(block(x[:, order]), found[:, order], rtol=1e-4, atol=1e-4)
    changed = x.clone()
    changed[:, 0] += torch.randn(8)
    assert not torch.allclose(block(changed)[:, 1:], found[:, 1:], atol=1e-3)


def test_a_block_is_two_branches_beside_shortcuts() -> None:
    torch.manual_seed(2)
    block, x = TransformerBlock(8, 2, 16, 0.0, 0.0), torch.randn(2, 5, 8)
    spread(block)
    middle = x + block.attention(block.norm1(x))
    y = block.dense1(block.norm2(middle))
    y = y * 0.5 * (1 + torch.erf(y / 2**0.5))
    torch.testing.assert_close(block(x), middle + block.dense2(y), rtol=1e-4, atol=1e-5)
    for layer in (block.attention.output, block.dense2):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    assert torch.equal(block(x), x)


def test_stochastic_depth_drops_whole_events_and_scales_the_others() -> None:
    torch.manual_seed(3)
    x = torch.randn(400, 3, 2)
    found = StochasticDepth(0.25)(x)
    dropped = (found == 0).flatten(1).all(1)
    assert 60 < dropped.sum() < 140
    torch.testing.assert_close(found[~dropped], x[~dropped] / 0.75)
    unchanged = StochasticDepth(0.0)
    assert unchanged(x) is x


def test_stochastic_depth_grows_from_none_to_its_rate() -> None:
    settings = {"patch": 2, "width": 8, "heads": 2, "depth": 4, "stochastic_depth": 0.3}
    rates = [block.skip.rate for block in TransformerNetwork(1, 2, size=(4, 4), **settings).blocks]
    assert rates == pytest.approx([0.0, 0.1, 0.2, 0.3])


@pytest.mark.parametrize("pool", ["mean", "token"])
def test_patches_are_tokens_row_by_row(pool: str) -> None:
    torch.manual_seed(4)
    settings = {"patch": 2, "width": 8, "heads": 2, "depth": 1, "pool": pool}
    network, x = TransformerNetwork(3, 2, size=(4, 6), **settings), torch.randn(2, 3, 4, 6)
    spread(network)
    matrix = network.patches.weight.flatten(1)  # (W, C * 2 * 2)
    tokens = [
        x[:, :, i : i + 2, j : j + 2].flatten(1) @ matrix.T + network.patches.bias for i in (0, 2) for j in (0, 2, 4)
    ]
    if pool == "token":
        tokens.insert(0, network.token.expand(2, 8))
    assert network.position.shape == (len(tokens), 8)
    y = network.blocks(torch.stack(tokens, dim=1) + network.position)
    y = y[:, 0] if pool == "token" else y.sum(1) / 6
    torch.testing.assert_close(network(image=x), network.output(network.norm(y)), rtol=1e-4, atol=1e-4)


def test_initial_weights_keep_the_scale() -> None:
    torch.manual_seed(5)
    block = TransformerBlock(64, 4, 128, 0.0, 0.0)
    assert block.attention.query_key_value.weight.std().item() == pytest.approx(64**-0.5, rel=0.03)
    assert block.dense1.weight.std().item() == pytest.approx((2 / 64) ** 0.5, rel=0.03)
    assert block.dense2.weight.std().item() == pytest.approx(128**-0.5, rel=0.03)
