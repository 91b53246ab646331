"""What the networks on graphs of hits have in common."""

from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError
from hitforge.models import MODELS
from hitforge.models.graph._messages import GraphConfig, MessageConfig

INPUTS = {"nodes": (3,), "layer": (), "event": (), "kind": (), "edges": (9,), "source": (), "destination": ()}
MESSAGES = ("interaction_network", "hierarchical_network", "heterogeneous_network")


def test_sizes_have_bounds() -> None:
    for wrong in ({"width": 0}, {"layers": 0}, {"layers": 70_000}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            GraphConfig.read(wrong, where="test")
    for wrong in ({"iterations": 0}, {"readout": "event"}, {"width": 5000}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            MessageConfig.read(wrong, where="test")


@pytest.mark.parametrize("name", MESSAGES)
def test_networks_of_messages_answer_for_what_their_readout_says(name: str) -> None:
    for readout in ("edge", "hit"):
        model = MODELS.build({"name": name, "readout": readout}, where="test")
        assert model.per == readout
        assert isinstance(model.config, MessageConfig)
        model.check(INPUTS)


@pytest.mark.parametrize("name", MESSAGES)
def test_inputs_without_edges_are_one_clear_line(name: str) -> None:
    model = MODELS.build(name, where="test")
    with pytest.raises(ConfigError, match="edges"):
        model.check({key: shape for key, shape in INPUTS.items() if key not in ("edges", "source", "destination")})
