"""Message passing on hits and on clusters of them in PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models.layers.torch_dense import dense
from hitforge.models.layers.torch_incidence import Grouped, Incidence
from hitforge.models.layers.torch_interaction import (
    EdgeHead,
    EdgeUpdate,
    Encoder,
    Gate,
    HitHead,
    InteractionStep,
    NodeUpdate,
    run,
    steps,
)
from hitforge.models.layers.torch_pooling import Links, centres, coarse_graph, pool, similarity

if TYPE_CHECKING:
    from hitforge.models.hierarchical_network import HierarchicalNetwork as Plugin


class Assignment(NamedTuple):
    """Which hits belong to which super-nodes, K pairs for each hit."""

    super_node: Tensor
    """(H, K) int64, or the number of super-nodes where there is none."""
    probability: Tensor
    """(H, K) float32; what is missing from 1 says that the hit belongs to none of them."""


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
        self.dense, self.norm = dense(width, width, gain=1.0), nn.LayerNorm(width)

    def forward(self, x: Tensor, members: Grouped) -> Tensor:
        """Rows (R, W) to groups (G - 1, W): the last group is none's."""
        bounds = members.members[1]
        count = bounds.diff()[:-1, None]  # (G - 1, 1)
        return self.norm(self.dense(members.total(x)[:-1] / count.clamp(min=1).to(x.dtype)))  # type: ignore[no-any-return]


class HierarchicalNetwork(nn.Module):
    """Flat rounds, pooling, rounds on both levels, assignment of hits to super-nodes, outputs for edges or hits."""

    def __init__(self, features: int, edge: int, outputs: int, config: Plugin.Config) -> None:
        super().__init__()
        width = config.width
        self.saving, self.least, self.choices = config.checkpoint, config.least, config.choices
        self.node, self.edge = Encoder(features, config, layer=True), Encoder(edge, config)
        self.flat = nn.ModuleList(steps(InteractionStep, config))
        self.embed = dense(width, config.embedding, gain=1.0)
        self.lift, self.lift_edge = Lift(width), Lift(width)
        self.sharpness = nn.Parameter(torch.tensor([4.0, -2.0]))  # a and b of the weights of links
        both = [HierarchicalStep(width)] * config.rounds if config.shared else None
        self.both = nn.ModuleList(both or [HierarchicalStep(width) for _ in range(config.rounds)])
        self.own, self.other = dense(width, width, gain=0.1), dense(width, width, gain=0.1, bias=False)
        self.bring = dense(1 if config.readout == "edge" else width, width, gain=0.7, bias=False)
        self.edge_head = EdgeHead(width, outputs) if config.readout == "edge" else None
        self.alike = nn.Parameter(torch.full((outputs,), 4.0)) if config.readout == "edge" else None
        self.hit_head = HitHead(width, outputs) if config.readout == "hit" else None

    def forward(self, **inputs: Tensor) -> Tensor:
        """A batch of graphs as ``Model.torch`` says to (E, K) or (H, K)."""
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
            x, e = run(step, self.saving, x, e, graph)
        z = functional.normalize(self.embed(x).float(), dim=1)  # (H, D)
        similar = similarity(z, graph)  # (E,)
        pooled = pool(z, similar, inputs["event"], source, destination, self.least, self.choices)
        links, (super_graph, members, bundles) = Links(pooled), coarse_graph(pooled)
        y, f = self.lift(x, members), self.lift_edge(e, bundles)
        centre = centres(z, pooled.label, pooled.number)[:-1]
        near = self._similarity(z, centre, links)  # (H, K)
        weight = torch.where(links.real, torch.sigmoid(self.sharpness[0] * near + self.sharpness[1]), 0.0)
        for step in self.both:
            x, e, y, f = run(step, self.saving, (x, e, graph), (y, f, super_graph), links, weight)
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
