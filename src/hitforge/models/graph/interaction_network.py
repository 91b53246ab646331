"""An interaction network on the graph of an event's hits: tracks are found by the edges that it keeps."""

from __future__ import annotations

from torch import Tensor, nn

from hitforge.models.graph._messages import MessageConfig, MessageModel
from hitforge.models.layers.torch_incidence import Incidence, connected
from hitforge.models.layers.torch_interaction import EdgeHead, Encoder, HitHead, InteractionStep, run_step, steps


class Interaction(MessageModel):
    """Rounds of messages between hits and edges (Battaglia et al., arXiv 1612.00222; tracking: arXiv 2103.06995).

    In each round an edge learns from both of its hits, and a hit from the gated sums of the edges that leave and that
    reach it; both add to what they were. An edge's answer comes from itself and both hits, a hit's from itself.
    """

    class Config(MessageConfig):
        """Size of the network."""

    config: Config

    def _network(self) -> type[nn.Module]:
        return InteractionNetwork


class InteractionNetwork(nn.Module):
    """Encoders, message passing, and outputs for edges or hits.

    Args:
        features: Of a hit, F.
        edge: Features of an edge, G.
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
        edge: int,
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
        self.node, self.edge = Encoder(features, width, layers), Encoder(edge, width)
        self.steps = steps(lambda: InteractionStep(width), iterations, shared=shared)
        self.edge_head = EdgeHead(width, outputs) if readout == "edge" else None
        self.hit_head = HitHead(width, outputs) if readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``hitforge.models.graph`` says to (E, K) or (H, K)."""
        if self.edge_head is not None:
            inputs = connected(inputs)
        graph = Incidence(inputs["source"], inputs["destination"], len(inputs["nodes"]))
        x, e = self.node(inputs["nodes"], inputs["layer"]), self.edge(inputs["edges"])
        for step in self.steps:
            x, e = run_step(step, self.saving, x, e, graph)
        if self.edge_head is not None:
            return self.edge_head(x, e, graph)  # type: ignore[no-any-return]
        assert self.hit_head is not None
        return self.hit_head(x)  # type: ignore[no-any-return]
