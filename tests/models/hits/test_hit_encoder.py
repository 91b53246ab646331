from __future__ import annotations

import pytest
import torch

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.hits.hit_encoder import HitNetwork
from tests.models.graph.tracks import FEATURES, assert_empty_graphs_are_fine, assert_graph_model, graph, network

HITS: dict[str, tuple[int, ...]] = {"nodes": (FEATURES,), "layer": ()}


@pytest.mark.parametrize("block", [{}, {"depth": 1, "waves": 3}, {"width": 16, "depth": 5}])
def test_behaves_as_a_network_on_hits(block: dict[str, int]) -> None:
    assert_graph_model({"name": "hit_encoder", **block}, HITS)


def test_empty_batches_are_fine() -> None:
    assert_empty_graphs_are_fine({"name": "hit_encoder", "width": 8}, HITS)


def test_no_hit_knows_of_another() -> None:
    module, batch = network({"name": "hit_encoder"}).eval(), graph()
    alone = module(nodes=batch["nodes"][3:4], layer=batch["layer"][3:4])
    torch.testing.assert_close(alone, module(**batch)[3:4])


def test_answers_are_exact_also_where_the_engine_wants_half_precision() -> None:
    module, batch = network({"name": "hit_encoder"}).eval(), graph()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(**batch), network({"name": "hit_encoder"}).eval()(**batch))
        found = module(**batch)
    assert found.dtype == torch.float32
    assert torch.equal(found, module(**batch))


def test_needs_hits() -> None:
    with pytest.raises(ConfigError, match="takes hits of a tracker"):
        MODELS.build("hit_encoder", where="test").check({"image": (4, 4, 1)})


def test_no_hit_of_the_network_knows_of_another() -> None:
    torch.manual_seed(1)
    network, some = HitNetwork(FEATURES, 4, width=8, depth=3).eval(), graph(20)
    some = {name: some[name] for name in ("nodes", "layer", "event")}
    whole = network(**some)
    half = network(**{name: values[::2] for name, values in some.items()})
    torch.testing.assert_close(whole[::2], half)
    assert whole.std(0).min() > 0
