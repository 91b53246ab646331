"""An interaction network over several graphs of the same hits, such as a geometric and an embedded one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hitforge.core.errors import ConfigError
from hitforge.models.graph import require_graph
from hitforge.models.graph._messages import MessageConfig, MessageModel
from hitforge.models.layers.torch_edge_sets import EdgeSetsStep
from hitforge.models.layers.torch_incidence import Incidence
from hitforge.models.layers.torch_interaction import EdgeHead, Encoder, HitHead, run_step, steps
from hitforge.representations import Shapes


class MultiTopology(MessageModel):
    """Rounds of messages as in ``interaction_network``, along every set of edges with its own weights.

    A hit adds what all sets bring it. The first set, ``edges``, gets answers; the others, ``edges_1`` with ``source_1``
    and ``destination_1`` and so on, only carry messages: they may join what the first set does not.
    """

    class Config(MessageConfig):
        """Size of the network."""

    config: Config

    def _network(self) -> type[nn.Module]:
        return MultiTopologyNetwork

    def _edges(self, inputs: Shapes) -> list[int]:
        """Features of an edge of each set."""
        found, number = [require_graph(self, inputs)[1]], 1
        while number == 1 or f"edges_{number}" in inputs:
            missing = [
                name for part in ("edges", "source", "destination") if (name := f"{part}_{number}") not in inputs
            ]
            if missing:
                raise ConfigError(
                    f"the model '{self.name}' takes two or more sets of edges, but {', '.join(missing)} of set "
                    f"{number + 1} came not",
                    came=sorted(inputs),
                    do="let the representation give another set of edges, or use the model 'interaction_network'",
                )
            found.append(inputs[f"edges_{number}"][0])
            number += 1
        return found


class MultiTopologyNetwork(nn.Module):
    """Encoders and message passing for each set of edges, and outputs for the first set, or for hits.

    Args:
        features: Of a hit, F.
        edges: Features of an edge of each set.
        outputs: Numbers to give for each edge or hit, K.
        width: Features of a hit and of an edge inside the network.
        layers: Layers that the network knows apart.
        readout: What the network answers for: edge or hit.
        iterations: Rounds of message passing.
        shared: All rounds have the same weights.
        checkpoint: Compute the inside of each round again in the backward pass: less memory, more time.
    """

    def __init__(
        self,
        features: int,
        edges: Sequence[int],
        outputs: int,
        *,
        width: int = 48,
        layers: int = 48,
        readout: str = "edge",
        iterations: int = 5,
        shared: bool = False,
        checkpoint: bool = False,
    ) -> None:
        super().__init__()
        self.saving = checkpoint
        self.suffixes = [f"_{i}" if i else "" for i in range(len(edges))]
        self.node = Encoder(features, width, layers)
        self.edge = nn.ModuleList([Encoder(number, width) for number in edges])
        self.steps = steps(lambda: EdgeSetsStep(width, len(edges), 1), iterations, shared=shared)
        self.edge_head = EdgeHead(width, outputs) if readout == "edge" else None
        self.hit_head = HitHead(width, outputs) if readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs, with further sets as ``edges_1``, ``source_1``, ``destination_1``, to (E, K) or (H, K)."""
        hits = len(inputs["nodes"])
        graphs = [Incidence(inputs[f"source{i}"], inputs[f"destination{i}"], hits) for i in self.suffixes]
        x = self.node(inputs["nodes"], inputs["layer"])
        e = [encode(inputs[f"edges{i}"]) for encode, i in zip(self.edge, self.suffixes, strict=True)]
        for step in self.steps:
            x, e = run_step(step, self.saving, x, e, graphs, [hits])
        if self.edge_head is not None:
            return self.edge_head(x, e[0], graphs[0])  # type: ignore[no-any-return]
        assert self.hit_head is not None
        return self.hit_head(x)  # type: ignore[no-any-return]
