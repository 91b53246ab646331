"""Attention in windows of sorted hits against plain attention and loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.models.layers.torch_window_attention import PairBias, WindowAttention, WindowBlock, pair_features, windows


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


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.integers(0, 14), min_size=1, max_size=4), st.integers(1, 6), st.integers(0, 5), st.booleans()
)  # fmt: skip
def test_windows_hold_the_block_and_its_neighbours(counts: list[int], block: int, reach: int, periodic: bool) -> None:
    event = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts)).int()
    value = torch.rand(len(event), generator=torch.Generator().manual_seed(sum(counts)))
    near = windows(value, event, block, reach, periodic=periodic)
    assert torch.equal(near.queries.flatten()[near.slots], torch.arange(len(event)))
    for number, count in enumerate(counts):
        own = torch.nonzero(event == number)[:, 0]
        order = own[value[own].argsort()].tolist()
        for place, hit in enumerate(order):
            row = int(near.slots[hit]) // block
            seen = near.keys[row][near.seen[row]].tolist()
            assert len(set(seen)) == len(seen) == min(count, block + 2 * reach)
            assert set(seen) <= set(order)
            first, last = place - reach, place + reach
            for other in range(first, last + 1):
                if periodic or 0 <= other < count:
                    assert order[other % count] in seen


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
    layer, (x, place, event) = WindowAttention(8, 1, pairs=5), hits(20)
    near = windows(place[:, 2], event, 20, 0, periodic=False)
    near = near._replace(pairs=pair_features(place, near))
    order = near.keys[0]
    assert torch.equal(order, near.queries[0])
    query, key, value = layer.query_key_value(x[order]).split(8, dim=1)
    hidden = torch.relu(near.pairs[0] @ layer.bias.hidden.weight.T + layer.bias.hidden.bias)
    bias = (hidden @ layer.bias.output.weight.T)[..., 0]
    expected = (query @ key.T / 8**0.5 + bias).softmax(1) @ value @ layer.output.weight.T + layer.output.bias
    torch.testing.assert_close(layer(x, near)[order], expected, rtol=1e-4, atol=1e-5)


def test_features_of_a_pair_are_those_of_a_straight_line() -> None:
    angle, slope, start = 0.3, 0.7, 0.25
    phi, r = torch.tensor([1.0, 1.0 + angle]), torch.tensor([0.4, 1.4])
    place = torch.stack([phi.cos(), phi.sin(), r, start + slope * r], dim=1)
    near = windows(r, torch.zeros(2, dtype=torch.int32), 2, 0, periodic=False)
    first = pair_features(place, near)[0, 0, 1]
    turn = math.sin(angle)
    z1, z2 = start + slope * 0.4, start + slope * 1.4
    numbers = [turn, turn, turn / slope, start, 1.0, math.asinh(z2 / 1.4) - math.asinh(z1 / 0.4)]
    expected = [math.asinh(100 * number) / 5 for number in numbers] + [math.cos(angle)]
    torch.testing.assert_close(first, torch.tensor(expected), rtol=1e-3, atol=1e-3)


def test_features_stay_finite_for_hits_at_one_place() -> None:
    place = torch.tensor([[1.0, 0, 0, 0]] * 3)
    near = windows(place[:, 2], torch.zeros(3, dtype=torch.int32), 2, 1, periodic=True)
    features = pair_features(place, near)
    assert features.isfinite().all()
    assert PairBias(2, 4)(features).isfinite().all()


def test_a_block_is_two_branches_beside_shortcuts_and_keeps_no_order() -> None:
    torch.manual_seed(3)
    block, (x, place, event) = WindowBlock(8, 2, 16, 0.0, 0), hits(40)

    def call(rows: torch.Tensor) -> torch.Tensor:
        return block(x[rows], windows(place[rows, 2], event[rows], 8, 4, periodic=True))

    rows, order = torch.arange(40), torch.randperm(40)
    torch.testing.assert_close(call(order), call(rows)[order], rtol=1e-4, atol=1e-5)
    near = windows(place[:, 2], event, 8, 4, periodic=True)
    middle = x + block.attention(block.norm1(x), near)
    y = block.dense1(block.norm2(middle))
    torch.testing.assert_close(block(x, near), middle + block.dense2(y * y.sigmoid()), rtol=1e-4, atol=1e-5)
