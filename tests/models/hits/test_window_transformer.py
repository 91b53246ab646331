from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.hits.window_transformer import WindowAttention, WindowBlock, WindowNetwork
from hitforge.models.layers.torch_windows import windows
from hitforge.representations.hits import AROUND, PAIR_FEATURES, pair_features, sorting
from tests.models.graph.tracks import FEATURES, assert_empty_graphs_are_fine, assert_graph_model, network

HITS: dict[str, tuple[int, ...]] = {"nodes": (FEATURES,), "place": (4,), "layer": (), "event": (), "kind": ()}
SMALL: dict[str, Any] = {"name": "window_transformer", "width": 16, "heads": 2, "block": 4, "reach": 3}
SMALL |= {"pairs": 4}


@pytest.mark.parametrize("block", [{}, {"orders": ["phi"], "blocks": 2}, {"pairs": 0, "waves": 0, "block": 64}])
def test_behaves_as_a_network_on_hits(block: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **block}, HITS)


def test_empty_batches_are_fine() -> None:
    assert_empty_graphs_are_fine(SMALL, HITS)


def test_a_hit_far_away_in_every_order_is_not_seen() -> None:
    module, count = network({**SMALL, "blocks": 1, "orders": ["phi"]}, inputs=HITS).eval(), 64
    phi = torch.arange(count) / count * 6.2832
    nodes = torch.stack([phi.cos(), phi.sin(), torch.ones(count), torch.zeros(count)], dim=1)
    batch = {"nodes": nodes, "place": nodes, "layer": torch.zeros(count).int(), "event": torch.zeros(count).int()}
    changed = {**batch, "layer": batch["layer"].index_fill(0, torch.tensor([20]), 1)}
    far = (module(**batch) - module(**changed)).abs().amax(1) > 1e-6
    seen = torch.nonzero(far)[:, 0].tolist()
    assert 20 in seen
    assert 7 <= len(seen) <= 12
    assert all(abs(hit - 20) <= 10 for hit in seen)


@pytest.mark.parametrize(
    ("block", "inputs", "message"),
    [
        ({}, {"nodes": (3,)}, "cos_phi, sin_phi, r, z.*azimuth"),
        ({}, {**HITS, "place": (3,)}, "cos_phi, sin_phi, r, z.*azimuth"),
        ({"orders": ["theta"]}, HITS, "orders"),
        ({}, {"image": (4, 4, 1)}, "takes hits of a tracker"),
    ],
)
def test_wrong_inputs_are_refused(block: dict[str, Any], inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build({**SMALL, **block}, where="test").check(inputs)


def test_width_must_be_a_multiple_of_heads() -> None:
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**SMALL, "heads": 3}, where="test")


def hits(count: int, events: int = 1, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Features (H, 8), places (H, 4) and events (H,)."""
    random = torch.Generator().manual_seed(seed)
    phi, r = torch.rand(count, generator=random) * 6.28, torch.rand(count, generator=random) + 0.1
    place = torch.stack([phi.cos(), phi.sin(), r, torch.randn(count, generator=random)], dim=1)
    event = torch.randint(0, events, (count,), generator=random).sort().values.int()
    return torch.randn(count, 8, generator=random), place, event


def full(layer: WindowAttention, x: torch.Tensor) -> torch.Tensor:
    """Attention of each hit to all hits."""
    size, parts = x.shape[1] // layer.heads, []
    query, key, value = layer.query_key_value(x).split(x.shape[1], dim=1)
    for head in range(layer.heads):
        own = slice(head * size, (head + 1) * size)
        parts.append((query[:, own] @ key[:, own].T / size**0.5).softmax(1) @ value[:, own])
    return torch.cat(parts, dim=1) @ layer.output.weight.T + layer.output.bias


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("block", "reach"), [(30, 0), (7, 12), (4, 40)])
def test_a_window_over_all_is_full_attention(block: int, reach: int, periodic: bool) -> None:
    torch.manual_seed(0)
    layer, (x, place, event) = WindowAttention(8, 2), hits(30)
    near = windows(place[:, 2], event, block, reach, periodic=periodic)
    torch.testing.assert_close(layer(x, near), full(layer, x), rtol=1e-4, atol=1e-5)


def test_a_small_window_differs_from_full_attention_and_events_do_not_mix() -> None:
    torch.manual_seed(1)
    layer, (x, place, event) = WindowAttention(8, 2), hits(50, events=3)
    wide = layer(x, windows(place[:, 2], event, 8, 50, periodic=True))
    for number in range(3):
        own = event == number
        torch.testing.assert_close(wide[own], full(layer, x[own]), rtol=1e-4, atol=1e-5)
    narrow = layer(x, windows(place[:, 2], event, 4, 2, periodic=True))
    assert not torch.allclose(narrow, wide, atol=1e-3)


def test_the_bias_of_pairs_is_added_to_the_scores() -> None:
    torch.manual_seed(2)
    layer, (x, place, event) = WindowAttention(8, 1, pairs=5, features=len(PAIR_FEATURES)), hits(20)
    near = windows(place[:, 2], event, 20, 0, periodic=False)
    near = near._replace(pairs=pair_features(place[near.queries][:, :, None], place[near.keys][:, None]))
    order = near.keys[0]
    assert torch.equal(order, near.queries[0])
    query, key, value = layer.query_key_value(x[order]).split(8, dim=1)
    hidden = torch.relu(near.pairs[0] @ layer.bias.hidden.weight.T + layer.bias.hidden.bias)
    bias = (hidden @ layer.bias.output.weight.T)[..., 0]
    expected = (query @ key.T / 8**0.5 + bias).softmax(1) @ value @ layer.output.weight.T + layer.output.bias
    torch.testing.assert_close(layer(x, near)[order], expected, rtol=1e-4, atol=1e-5)


def test_a_block_is_two_branches_beside_shortcuts_and_keeps_no_order() -> None:
    torch.manual_seed(3)
    block, (x, place, event) = WindowBlock(8, 2, 16, 0.0), hits(40)

    def call(rows: torch.Tensor) -> torch.Tensor:
        return block(x[rows], windows(place[rows, 2], event[rows], 8, 4, periodic=True))

    rows, order = torch.arange(40), torch.randperm(40)
    torch.testing.assert_close(call(order), call(rows)[order], rtol=1e-4, atol=1e-5)
    near = windows(place[:, 2], event, 8, 4, periodic=True)
    middle = x + block.attention(block.norm1(x), near)
    y = block.dense1(block.norm2(middle))
    torch.testing.assert_close(block(x, near), middle + block.dense2(y * y.sigmoid()), rtol=1e-4, atol=1e-5)


def track_hits(count: int, seed: int = 1) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    phi = 6.28 * torch.rand(count, generator=random)
    rest = torch.rand(count, 3, generator=random)
    nodes = torch.cat([rest, phi.cos()[:, None], phi.sin()[:, None]], 1)  # r, z, eta, cos and sin of phi
    return {
        "nodes": nodes,
        "place": nodes[:, [3, 4, 0, 1]],
        "layer": torch.randint(0, 48, (count,), generator=random, dtype=torch.int32),
        "event": torch.zeros(count, dtype=torch.int32),
        "kind": torch.zeros(count, dtype=torch.int32),
    }


def plain(outputs: int, **settings: Any) -> WindowNetwork:
    """The network without a recipe, on the places of a tracker."""
    sizes = {"width": 8, "heads": 2, "block": 8, "reach": 4, "orders": ("phi", "bend", "back", "eta"), **settings}
    return WindowNetwork(5, outputs, sort=partial(sorting, bend=0.15), around=AROUND, **sizes)


@pytest.mark.parametrize("training", [True, False])
def test_no_hits_no_answers(training: bool) -> None:
    network = plain(3, blocks=2)
    answer = network.train(training)(**track_hits(0))
    assert answer.shape == (0, 3)
    assert all(torch.isfinite(values).all() for values in network.state_dict().values())


def test_hits_of_other_events_change_nothing_in_windows() -> None:
    torch.manual_seed(2)
    network = plain(4, blocks=3).eval()
    one, other = track_hits(30, 3), track_hits(17, 4)
    both = {name: torch.cat([one[name], other[name]]) for name in one}
    both["event"][30:] = 1
    torch.testing.assert_close(network(**both)[:30], network(**one), atol=1e-5, rtol=1e-4)
    moved = {name: values.clone() for name, values in one.items()}
    moved["nodes"][0, 0] += 0.5
    assert not torch.allclose(network(**moved)[1:], network(**one)[1:])  # hits of its own event do


def test_a_network_needs_no_recipe_and_no_tracker() -> None:
    """Hits on a line, sorted by their one coordinate, whose pairs are told apart by their distance."""
    torch.manual_seed(4)
    network = WindowNetwork(
        2,
        1,
        sort=lambda place: {"x": place[:, 0]},
        orders=("x",),
        pair_features=lambda one, other: one - other,
        pair_size=1,
        pairs=3,
        width=4,
        heads=1,
        blocks=1,
        block=2,
        reach=1,
    ).eval()
    line = torch.arange(9.0)[:, None]
    batch = {"nodes": torch.randn(9, 2), "layer": torch.zeros(9).int(), "event": torch.zeros(9).int()}
    found = network(place=line, **batch)
    changed = {**batch, "nodes": batch["nodes"].index_fill(0, torch.tensor([8]), 5.0)}
    moved = (network(place=line, **changed) != found)[:, 0]
    # two hits share a window, which holds one more on either side
    assert torch.equal(moved, line[:, 0] >= 6)
