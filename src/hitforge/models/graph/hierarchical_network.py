"""A network on two levels: hits, and clusters of hits that it finds itself."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from hitforge.core.errors import ConfigError
from hitforge.models.graph import require_graph
from hitforge.models.graph._messages import MessageConfig, MessageModel
from hitforge.models.graph._pooling import Links, cluster_centres, coarse_graph, pool, similarity
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_incidence import Grouped, Incidence
from hitforge.models.layers.torch_interaction import (
    EdgeHead,
    EdgeUpdate,
    Encoder,
    Gate,
    HitHead,
    InteractionStep,
    NodeUpdate,
    run_step,
    steps,
)
from hitforge.representations import Shapes


class Hierarchical(MessageModel):
    """Message passing on hits and on super-nodes (after Liu et al., arXiv 2303.01640).

    Flat rounds as in ``interaction_network`` give each hit i a unit vector z_i. Edges of an event are split in two
    classes by z_i . z_j with the largest variance between classes; components of the more similar ones are super-nodes,
    c_s the direction of the sum of their z. Super-nodes are joined where an edge joins their hits. A hit is linked to
    its own super-node and to those of its neighbours, the most similar first, with the weight sigmoid(a z_i . c_s + b).
    Then messages pass on hits, on super-nodes, and along the links. At last the shares p_is, a softmax over
    a z_i . c_s + b + x_i A y_s and 0 for none, say to which super-node a hit belongs. An edge's answer knows the
    probability that its hits share one, sum_s p_is p_js, and a multiple of z_i . z_j is added to it, by which the
    pooling learns first of all; a hit's answer knows sum_s p_is y_s.
    """

    class Config(MessageConfig):
        """Size of the network."""

        iterations: int = Field(3, ge=1, le=64, description="rounds of message passing on hits alone")
        rounds: int = Field(2, ge=1, le=64, description="rounds of message passing on both levels, after these")
        embedding: int = Field(8, ge=2, le=256, description="length of the vector by which hits are clustered")
        renamed: ClassVar[dict[str, str]] = {"least": "min_hits"}

        min_hits: int = Field(3, ge=1, le=1000, description="hits that a super-node must have")
        choices: int = Field(3, ge=1, le=64, description="super-nodes that a hit may belong to")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are a graph of hits that know their event."""
        require_graph(self, inputs)
        if "event" not in inputs:
            raise ConfigError(
                f"the model '{self.name}' needs the number of the event of each hit",
                came=inputs,
                do="use the representation 'track_graph'",
            )

    def _network(self) -> type[nn.Module]:
        return HierarchicalNetwork


class Assignment(NamedTuple):
    """Which hits belong to which super-nodes, K pairs for each hit."""

    super_node: Tensor
    """(H, K) int64, or the number of super-nodes where there is none."""
    probability: Tensor
    """(H, K) float32; one minus the sum is the probability that the hit belongs to none of them."""


class HierarchicalStep(nn.Module):
    """One message passing on hits, on super-nodes, and between both along weighted links."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.edge, self.gate = EdgeUpdate(width), Gate(width)
        self.super_edge, self.super_gate = EdgeUpdate(width), Gate(width)
        self.node, self.super_node = NodeUpdate(width, 3 * width), NodeUpdate(width, 3 * width)

    def forward(
        self,
        fine: tuple[Tensor, Tensor, Incidence],
        coarse: tuple[Tensor, Tensor, Incidence],
        links: Links,
        weight: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Update hits, edges, super-nodes and their edges.

        Args:
            fine: Hits (H, W), edges (E, W), and their graph.
            coarse: Super-nodes (S, W), edges (F, W), and their graph.
            links: Which hits may belong to which super-nodes.
            weight: (H, K) how much they do.
        """
        (x, e, graph), (y, f, super_graph) = fine, coarse
        e, f = self.edge(x, e, graph), self.super_edge(y, f, super_graph)
        brought = torch.cat([self.gate(e, graph), links.down(y, weight)], dim=1)  # (H, 3 W)
        lifted = torch.cat([self.super_gate(f, super_graph), links.up(x, weight)], dim=1)  # (S, 3 W)
        return self.node(x, brought), e, self.super_node(y, lifted), f


class Lift(nn.Module):
    """Mean over the members of each group, through a dense layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.dense, self.norm = linear(width, width, gain=1.0), nn.LayerNorm(width)

    def forward(self, x: Tensor, members: Grouped) -> Tensor:
        """Rows (R, W) to groups (G - 1, W): the last group is none's."""
        bounds = members.members[1]
        count = bounds.diff()[:-1, None]  # (G - 1, 1)
        return self.norm(self.dense(members.total(x)[:-1] / count.clamp(min=1).to(x.dtype)))  # type: ignore[no-any-return]


class HierarchicalNetwork(nn.Module):
    """Flat rounds, pooling, rounds on both levels, assignment of hits to super-nodes, outputs for edges or hits.

    Args:
        features: Of a hit, F.
        edge: Features of an edge, G.
        outputs: Numbers to give for each edge or hit, K.
        width: Features of a hit and of an edge inside the network.
        layers: Layers that the network knows apart.
        readout: What the network answers for: edge or hit.
        iterations: Rounds of message passing on hits alone.
        shared: All rounds have the same weights.
        checkpoint: Compute the inside of each round again in the backward pass: less memory, more time.
        rounds: Rounds of message passing on both levels, after these.
        embedding: Length of the vector by which hits are clustered.
        min_hits: Hits that a super-node must have.
        choices: Super-nodes that a hit may belong to.
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
        iterations: int = 3,
        shared: bool = False,
        checkpoint: bool = False,
        rounds: int = 2,
        embedding: int = 8,
        min_hits: int = 3,
        choices: int = 3,
    ) -> None:
        super().__init__()
        self.saving, self.min_hits, self.choices = checkpoint, min_hits, choices
        self.node, self.edge = Encoder(features, width, layers), Encoder(edge, width)
        self.flat = steps(lambda: InteractionStep(width), iterations, shared=shared)
        self.embed = linear(width, embedding, gain=1.0)
        self.lift, self.lift_edge = Lift(width), Lift(width)
        self.sharpness = nn.Parameter(torch.tensor([4.0, -2.0]))  # a and b of the weights of links
        self.both = steps(lambda: HierarchicalStep(width), rounds, shared=shared)
        self.own, self.other = linear(width, width, gain=0.1), linear(width, width, gain=0.1, bias=False)
        self.bring = linear(1 if readout == "edge" else width, width, gain=0.7, bias=False)
        self.edge_head = EdgeHead(width, outputs) if readout == "edge" else None
        self.alike = nn.Parameter(torch.full((outputs,), 4.0)) if readout == "edge" else None
        self.hit_head = HitHead(width, outputs) if readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``hitforge.models.graph`` says to (E, K) or (H, K)."""
        (x, e, graph), similar, y, links, share = self._message(inputs)
        if self.edge_head is not None and self.alike is not None:
            same = links.together(share, inputs["source"], inputs["destination"])[:, None]  # (E, 1)
            return self.edge_head(x, e, graph, self.bring(same)) + self.alike * similar[:, None]  # type: ignore[no-any-return]
        assert self.hit_head is not None
        return self.hit_head(x + self.bring(links.down(y, share)))  # type: ignore[no-any-return]

    def assign(self, **inputs: Tensor) -> Assignment:
        """Say which hits of a batch belong to which super-nodes."""
        _, _, _, links, share = self._message(inputs)
        return Assignment(links.pooled.candidates, share)

    def _message(
        self, inputs: dict[str, Tensor]
    ) -> tuple[tuple[Tensor, Tensor, Incidence], Tensor, Tensor, Links, Tensor]:
        """Hits, edges and their graph, z_i . z_j (E,), super-nodes (S, W), links, the share of each link (H, K)."""
        source, destination = inputs["source"], inputs["destination"]
        graph = Incidence(source, destination, len(inputs["nodes"]))
        x, e = self.node(inputs["nodes"], inputs["layer"]), self.edge(inputs["edges"])
        for step in self.flat:
            x, e = run_step(step, self.saving, x, e, graph)
        z = functional.normalize(self.embed(x).float(), dim=1)  # (H, D)
        similar = similarity(z, graph)  # (E,)
        pooled = pool(z, similar, inputs["event"], source, destination, self.min_hits, self.choices)
        links, (super_graph, members, bundles) = Links(pooled), coarse_graph(pooled)
        y, f = self.lift(x, members), self.lift_edge(e, bundles)
        centre = cluster_centres(z, pooled.label, pooled.number)[:-1]
        near = self._similarity(z, centre, links)  # (H, K)
        weight = torch.where(links.real, torch.sigmoid(self.sharpness[0] * near + self.sharpness[1]), 0.0)
        for step in self.both:
            x, e, y, f = run_step(step, self.saving, (x, e, graph), (y, f, super_graph), links, weight)
        scale = x.shape[1] ** -0.5
        agree = self._similarity(self.own(x), self.other(y), links) * scale
        logit = torch.where(links.real, self.sharpness[0] * near + self.sharpness[1] + agree.float(), -torch.inf)
        share = torch.cat([logit, torch.zeros_like(logit[:, :1])], dim=1).softmax(1)[:, :-1]  # the last is none
        return (x, e, graph), similar, y, links, share

    @staticmethod
    def _similarity(x: Tensor, y: Tensor, links: Links) -> Tensor:
        """Inner product of hits (H, D) and their possible super-nodes, rows of (S, D): (H, K)."""
        there = links.spread(y)  # (H, K, D)
        return (x[:, None] * there).sum(2)
