from __future__ import annotations

import torch

from hitforge.models.layers.torch_shower_hits import (
    MaskedAttention,
    NearBlock,
    ShowerEncoder,
    hit_groups,
    near_hits,
    tokens,
)


def hits(count: int = 40, events: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    event = torch.randint(0, events, (count,), generator=random).int()
    return torch.rand(count, 3, generator=random), event


def test_windows_hold_places_and_no_hit_of_another_event() -> None:
    place, event = hits()
    near = near_hits(place, event, "plane", 4, 2)
    cut = near.windows
    for n in range(len(cut.queries)):
        assert len(set(event[torch.cat([cut.queries[n], cut.keys[n]])].tolist())) == 1
    away = (place[cut.queries][:, :, None] - place[cut.keys][:, None]).norm(dim=-1)
    torch.testing.assert_close((near.asking[:, :, None] - near.seen[:, None]).norm(dim=-1), away)
    torch.testing.assert_close(near.asking.mean(1), torch.zeros(len(near.asking), 3), rtol=0, atol=1e-6)
    assert sorted(cut.queries.flatten()[cut.slots].tolist()) == list(range(40))


def test_block_is_softmax_attention_with_a_bias_of_distance() -> None:
    torch.manual_seed(0)
    block = NearBlock(6, 2, 8, 0.0)
    place, x = torch.rand(5, 3), torch.randn(5, 6)
    near = near_hits(place, torch.zeros(5).int(), "first", 8, 0)
    query, key, value = block.query_key_value(x).view(5, 3, 2, 3).unbind(1)
    squared = torch.cdist(place, place).square()
    parts = []
    for head in range(2):
        logit = query[:, head] @ key[:, head].T / 3**0.5 - block.steep[head].exp() * squared
        parts.append(logit.softmax(1) @ value[:, head])
    torch.testing.assert_close(block._attend(x, near), block.output(torch.cat(parts, 1)), rtol=1e-4, atol=1e-5)


def test_tokens_hold_the_hits_of_a_cell_of_one_event() -> None:
    place, event = hits(200)
    place = 2.0 * place - 1.0  # also below zero
    cell = (0.5, 0.25, 0.4)
    parts = tokens(place, event, cell)
    number = (place / torch.tensor(cell)).floor().int()
    for hit in range(200):
        same = (event == event[hit]) & (number == number[hit]).all(1)
        assert (parts.owner == parts.owner[hit]).tolist() == same.tolist()
        assert (parts.size[parts.owner[hit]], parts.event[parts.owner[hit]]) == (same.sum(), event[hit])
        torch.testing.assert_close(parts.mean(place)[parts.owner[hit]], place[same].mean(0))


def test_hits_of_a_cell_attend_as_one_and_keep_their_own_features() -> None:
    torch.manual_seed(1)
    sizes = {"width": 8, "heads": 2, "blocks": 2, "block": 4, "reach": 2, "pool": 4, "waves": 2}
    encoder = ShowerEncoder(6, **sizes, cell=(0.2, 0.2, 0.2)).eval()
    place, event = hits()
    nodes, layer = torch.rand(40, 6), torch.zeros(40)
    whole = encoder(nodes, place, layer, event)
    own = event == 1
    alone = encoder(nodes[own], place[own], layer[own], torch.zeros(int(own.sum())).int())
    torch.testing.assert_close(alone, whole[own], rtol=1e-4, atol=1e-5)
    changed = nodes.clone()
    changed[0] += 1.0
    other = (encoder(changed, place, layer, event) - whole).abs().amax(1) > 1e-6
    assert other[0]
    assert not other[event != event[0]].any()


def test_groups_are_full_but_for_the_last_of_an_event() -> None:
    place, event = hits()
    event[event == 1] = 2  # an event without hits between others
    parts = hit_groups(place, event, 7)
    assert parts.real.sum((1, 2)).tolist() == torch.bincount(event).tolist()
    counts = parts.real.sum(2)
    for row in counts.tolist():
        full = [c for c in row if c]
        assert all(c == 7 for c in full[:-1])
    for hit in range(len(event)):
        b, t = divmod(int(parts.owner[hit]), parts.real.shape[1])
        assert b == event[hit]
        assert hit in parts.hits[b, t][parts.real[b, t]].tolist()


def test_rows_look_only_where_they_may() -> None:
    torch.manual_seed(0)
    module, x, others = MaskedAttention(4, 2), torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    seen = torch.rand(2, 3, 5) < 0.5
    seen[0, 0] = False
    y = module(x, others, seen)
    torch.testing.assert_close(y[0, 0], module.output.bias)
    changed = others.clone()
    changed[1, 2] += 1.0
    moved = (module(x, changed, seen) - y).abs().amax(2) > 1e-6
    assert torch.equal(moved[1], seen[1, :, 2])
    assert not moved[0].any()
    y.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in module.parameters())


def test_an_event_without_hits_harms_no_other() -> None:
    torch.manual_seed(0)
    encoder = ShowerEncoder(4, width=8, heads=2, block=4, reach=2, blocks=2, pool=4, layers=6, waves=1).train()
    place, event = hits()
    event[event == 1] = 2
    x = encoder(torch.randn(40, 4), place, torch.arange(40) % 9, event)  # layers beyond the last are the last
    x.square().sum().backward()
    assert x.shape == (40, 8)
    assert x.isfinite().all()
    for name, parameter in encoder.named_parameters():
        if parameter.grad is not None:
            assert parameter.grad.isfinite().all(), name
