"""Networks that answer for each hit: what they see of it, and what they do not."""

from __future__ import annotations

import pytest
import torch

from hitforge.models.hit_encoder import HitEncoder
from hitforge.models.layers.torch_hits import HitInput, HitNetwork, WindowNetwork
from hitforge.models.window_transformer import WindowTransformer

PLACE = 5  # r, z, eta, cos and sin of phi


def hits(count: int, seed: int = 1) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    phi = 6.28 * torch.rand(count, generator=random)
    rest = torch.rand(count, 3, generator=random)
    return {
        "nodes": torch.cat([rest, phi.cos()[:, None], phi.sin()[:, None]], 1),
        "layer": torch.randint(0, 48, (count,), generator=random, dtype=torch.int32),
        "event": torch.zeros(count, dtype=torch.int32),
        "kind": torch.zeros(count, dtype=torch.int32),
    }


def test_waves_tell_fine_differences() -> None:
    torch.manual_seed(0)
    start = HitInput(2, 48, 3, waves=4).eval()
    x, layer = torch.tensor([[0.1, -0.3], [0.1, -0.3]]), torch.tensor([0, 7], dtype=torch.int32)
    seen = start(x, layer)
    assert seen.shape == (2, start.features) == (2, 2 + 2 * 2 * 4 + 3)
    scaled = seen[:, :2]
    angle = (scaled[:, :, None] * torch.tensor([2.0, 4.0, 8.0, 16.0])).flatten(1)
    torch.testing.assert_close(seen[:, 2:10], angle.sin())
    torch.testing.assert_close(seen[:, 10:18], angle.cos())
    assert torch.equal(seen[0, :18], seen[1, :18])
    assert not torch.equal(seen[0, 18:], seen[1, 18:])  # only the layers differ


@pytest.mark.parametrize("training", [True, False])
def test_no_hits_no_answers(training: bool) -> None:
    networks = (
        HitNetwork(PLACE, 3, HitEncoder.Config(width=8, depth=2)),
        WindowNetwork(PLACE, 3, WindowTransformer.Config(width=8, heads=2, blocks=2, block=8, reach=4)),
    )
    for network in networks:
        answer = network.train(training)(**hits(0))
        assert answer.shape == (0, 3)
        assert all(torch.isfinite(values).all() for values in network.state_dict().values())


def test_no_hit_of_an_encoder_knows_of_another() -> None:
    torch.manual_seed(1)
    network, some = HitNetwork(PLACE, 4, HitEncoder.Config(width=8, depth=3)).eval(), hits(20)
    whole = network(**some)
    half = network(**{name: values[::2] for name, values in some.items()})
    torch.testing.assert_close(whole[::2], half)
    assert whole.std(0).min() > 0


def test_hits_of_other_events_change_nothing_in_windows() -> None:
    torch.manual_seed(2)
    network = WindowNetwork(PLACE, 4, WindowTransformer.Config(width=8, heads=2, blocks=3, block=8, reach=4)).eval()
    one, other = hits(30, 3), hits(17, 4)
    both = {name: torch.cat([one[name], other[name]]) for name in one}
    both["event"][30:] = 1
    torch.testing.assert_close(network(**both)[:30], network(**one), atol=1e-5, rtol=1e-4)
    moved = {name: values.clone() for name, values in one.items()}
    moved["nodes"][0, 0] += 0.5
    assert not torch.allclose(network(**moved)[1:], network(**one)[1:])  # hits of its own event do


def test_orders_run_around_the_beam() -> None:
    network = WindowNetwork(
        PLACE, 1, WindowTransformer.Config(width=8, heads=2, blocks=2, orders=("phi", "bend", "back", "eta"))
    )
    place = torch.tensor([[1.0, 0.0, 0.2, 0.4], [0.0, -1.0, 0.2, 0.4]])  # cos, sin, radius, z
    orders = network._orders(place)
    torch.testing.assert_close(orders["phi"], torch.tensor([0.0, 1.5 * torch.pi]))
    bend = network.config.bend * 0.2
    torch.testing.assert_close(orders["bend"], (orders["phi"] + bend).remainder(2 * torch.pi))
    torch.testing.assert_close(orders["back"], (orders["phi"] - bend).remainder(2 * torch.pi))
    torch.testing.assert_close(orders["eta"], torch.tensor([2.0, 2.0]))
