from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.models.tracks import FEATURES, assert_empty_graphs_are_fine, assert_graph_model, graph, network

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS

HITS: dict[str, tuple[int, ...]] = {"nodes": (FEATURES,), "layer": (), "event": (), "kind": ()}
SMALL: dict[str, Any] = {"name": "window_transformer", "width": 16, "heads": 2, "block": 4, "reach": 3}
SMALL |= {"place": [0, 1, 2, 3], "pairs": 4}


@pytest.mark.parametrize("block", [{}, {"orders": ["phi"], "blocks": 2}, {"pairs": 0, "waves": 0, "block": 64}])
def test_behaves_as_a_network_on_hits(block: dict[str, Any]) -> None:
    assert_graph_model({**SMALL, **block}, HITS)


def test_empty_batches_are_fine() -> None:
    assert_empty_graphs_are_fine(SMALL, HITS)


def test_orders_are_phi_bent_forth_and_back_and_the_slope() -> None:
    module, batch = network({**SMALL, "bend": 0.5}), graph()
    place = batch["nodes"]
    values = module._orders(place)
    phi = torch.atan2(place[:, 1], place[:, 0])
    for name, sign in (("phi", 0.0), ("bend", 0.5), ("back", -0.5)):
        turn = values[name] - (phi + sign * place[:, 2])
        torch.testing.assert_close(turn.cos(), torch.ones(len(turn)))
        assert ((values[name] >= 0) & (values[name] < 6.2832)).all()
    torch.testing.assert_close(values["eta"], place[:, 3] / place[:, 2].clamp(min=1e-3))


def test_a_hit_far_away_in_every_order_is_not_seen() -> None:
    module, count = network({**SMALL, "blocks": 1, "orders": ["phi"]}).eval(), 64
    phi = torch.arange(count) / count * 6.2832
    nodes = torch.stack([phi.cos(), phi.sin(), torch.ones(count), torch.zeros(count)], dim=1)
    batch = {"nodes": nodes, "layer": torch.zeros(count).int(), "event": torch.zeros(count).int()}
    changed = {**batch, "layer": batch["layer"].index_fill(0, torch.tensor([20]), 1)}
    far = (module(**batch) - module(**changed)).abs().amax(1) > 1e-6
    seen = torch.nonzero(far)[:, 0].tolist()
    assert 20 in seen
    assert 7 <= len(seen) <= 12
    assert all(abs(hit - 20) <= 10 for hit in seen)


@pytest.mark.parametrize(
    ("block", "inputs", "message"),
    [
        ({"place": [0, 1, 2, 4]}, HITS, "cos.phi.*azimuth"),
        ({"place": [-2, -1, 0, 1]}, {"nodes": (3,)}, "cos.phi.*azimuth"),
        ({}, {"image": (4, 4, 1)}, "takes hits of a tracker"),
    ],
)
def test_wrong_inputs_are_refused(block: dict[str, Any], inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS.build({**SMALL, **block}, where="test").check(inputs)


def test_width_must_be_a_multiple_of_heads() -> None:
    with pytest.raises(ConfigError, match="multiple of heads"):
        MODELS.build({**SMALL, "heads": 3}, where="test")
