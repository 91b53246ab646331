"""Edge builders that ask a network of another run."""

from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError, RunError
from hitforge.representations.graph.edges import EDGES
from hitforge.representations.hits.track_hits import TrackHits
from tests.toy_tracker import ToyTracker


@pytest.mark.parametrize(("name", "network"), [("embedding", "embedding"), ("filtered", "filter")])
def test_one_network_is_needed_held_and_no_other_taken(name: str, network: str) -> None:
    detector = ToyTracker()
    builder, hits = EDGES.build(name, detector, where="test"), TrackHits(TrackHits.Config(), detector)
    assert builder.depends_on == (network,)
    with pytest.raises(RunError, match=f"'{name}' needs the network '{network}'"):
        builder.given()
    with pytest.raises(ConfigError):
        builder.provide("another", lambda inputs: inputs["nodes"], hits)

    def answer(inputs: dict) -> object:
        return inputs["nodes"]

    builder.provide(network, answer, hits)
    assert builder.given() == (answer, hits)
