"""Clusters of hits as super-nodes of a coarser graph in PyTorch; which hits belong together carries no gradient."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor

from hitforge.models.layers.torch_incidence import Grouped, Incidence

_BINS = 64


class Pooled(NamedTuple):
    """A coarser graph of S super-nodes over H hits; the number S stands where there is no super-node."""

    number: int
    """Super-nodes S."""
    label: Tensor
    """(H,) int64 super-node of each hit."""
    candidates: Tensor
    """(H, K) int64 super-nodes that each hit may belong to: its own and those of its neighbours, the most similar."""
    bundle: Tensor
    """(E,) int64 edge of the coarser graph that each edge of hits is part of, its number of edges where of none."""
    ends: tuple[Tensor, Tensor]
    """Sources and destinations of the edges of the coarser graph, (F,) int64."""


def two_classes(value: Tensor, event: Tensor, events: int) -> Tensor:
    """Split the edges of each event in two classes with the largest variance between the classes (N. Otsu, 1979).

    Args:
        value: (E,) similarities from -1 to 1.
        event: (E,) event of each edge.
        events: Number of events.

    Returns:
        (E,) bool, the class of the larger similarities; edges that are all alike are in it, unless they are near -1.
    """
    step = ((value + 1) * (_BINS / 2)).long().clamp(0, _BINS - 1)  # (E,)
    counts = torch.bincount(event * _BINS + step, minlength=events * _BINS).view(events, _BINS).double()
    below = counts.cumsum(1)  # edges up to this bin
    first = (counts * torch.arange(_BINS, device=value.device)).cumsum(1)
    number, total = below[:, -1:], first[:, -1:]
    between = (total * below - first * number).square() / (below * (number - below)).clamp(min=0.5)
    return step > between.argmax(1)[event] if events else step > 0


def connected_hits(source: Tensor, destination: Tensor, hits: int, min_hits: int) -> tuple[Tensor, int]:
    """Join hits along edges.

    Args:
        source: (E,) one hit of each edge.
        destination: (E,) the other.
        hits: Number of hits H.
        min_hits: Hits that a component must have.

    Returns:
        (H,) int64 component of each hit, or the number of components for hits of smaller ones, and that number.
    """
    ends = source.cpu().numpy(), destination.cpu().numpy()
    if not hits:
        return source.new_zeros(0, dtype=torch.int64), 0
    graph = coo_array((np.ones(len(ends[0]), np.int8), ends), shape=(hits, hits))
    label = connected_components(graph, directed=False)[1]
    large = np.bincount(label) >= min_hits
    number = np.where(large, np.cumsum(large) - 1, large.sum())
    return torch.from_numpy(number[label].astype(np.int64)).to(source.device), int(large.sum())


def cluster_centres(z: Tensor, label: Tensor, count: int) -> Tensor:
    """Unit vectors in the middle of each super-node's hits: (H, D) to (S + 1, D); the last is none's."""
    total: Tensor = Grouped(label, count + 1).total(z)
    return torch.nn.functional.normalize(total, dim=1)


def similarity(z: Tensor, graph: Incidence) -> Tensor:
    """Inner product of the unit vectors (H, D) of an edge's hits, from |z_i + z_j|^2 = 2 + 2 z_i . z_j: (E,)."""
    return graph.expand(torch.cat([z, z], dim=1)).square().sum(1) / 2 - 1


def pool(
    z: Tensor, similar: Tensor, event: Tensor, source: Tensor, destination: Tensor, min_hits: int, choices: int
) -> Pooled:
    """Make super-nodes: components of the edges that join similar hits.

    Args:
        z: (H, D) unit vectors of the hits.
        similar: (E,) inner product of each edge's hits.
        event: (H,) event of each hit.
        source: (E,) hit at which an edge begins.
        destination: (E,) hit at which it ends.
        min_hits: Hits that a super-node must have.
        choices: Super-nodes K that a hit may belong to.
    """
    with torch.no_grad():
        z, event, source, destination = z.detach(), event.long(), source.long(), destination.long()
        hits = len(z)
        keep = two_classes(similar, event[source], int(event.max()) + 1 if hits else 0)
        label, count = connected_hits(source[keep], destination[keep], hits, min_hits)
        a, b = label[source], label[destination]  # (E,)
        across = (a != b) & (a < count) & (b < count)
        code, inverse = torch.unique(a[across] * count + b[across], return_inverse=True)
        bundle = torch.full_like(a, len(code))
        bundle[across] = inverse
        number = torch.arange(hits, device=z.device)
        owner, near = torch.cat([number, source, destination]), torch.cat([label, b, a])
        candidates = _most_similar(z, cluster_centres(z, label, count), owner, near, choices)
        return Pooled(count, label, candidates, bundle, (code // max(count, 1), code % max(count, 1)))


def _most_similar(z: Tensor, centre: Tensor, owner: Tensor, near: Tensor, choices: int) -> Tensor:
    """Of the pairs of a hit and a super-node, keep the most similar for each hit: (H, K), filled up with none."""
    none = len(centre) - 1
    code = torch.unique((owner * len(centre) + near)[near < none])
    owner, near = code // len(centre), code % len(centre)  # sorted by hit
    order = torch.sort((z[owner] * centre[near]).sum(1), descending=True, stable=True).indices
    order = order[torch.sort(owner[order], stable=True).indices]
    owner, near = owner[order], near[order]
    rank = torch.arange(len(owner), device=z.device) - torch.searchsorted(owner, owner)
    table = torch.full((len(z), choices), none, device=z.device)
    first = rank < choices
    table[owner[first], rank[first]] = near[first]
    return table


class Links:
    """Sums along the pairs of hits and the super-nodes that they may belong to."""

    def __init__(self, pooled: Pooled) -> None:
        self.pooled, self.real = pooled, pooled.candidates < pooled.number  # (H, K)
        self._pairs = Grouped(pooled.candidates.reshape(-1), pooled.number + 1)

    def spread(self, y: Tensor) -> Tensor:
        """Super-nodes (S, W) that each hit may belong to, zeros for none: (H, K, W)."""
        given = self._pairs.spread(torch.cat([y, y.new_zeros(1, y.shape[1])]))  # (H K, W)
        return given.view(*self.real.shape, y.shape[1])

    def down(self, y: Tensor, weight: Tensor) -> Tensor:
        """Weighted sum of super-nodes (S, W) for each hit, with weights (H, K): (H, W)."""
        return (self.spread(y) * weight[:, :, None].to(y.dtype)).sum(1)

    def up(self, x: Tensor, weight: Tensor) -> Tensor:
        """Weighted mean of hits (H, W) for each super-node: (S, W)."""
        given = (x[:, None] * weight[:, :, None].to(x.dtype)).view(-1, x.shape[1])  # (H K, W)
        total, share = self._pairs.total(given), self._pairs.total(weight.reshape(-1, 1))
        return (total / share.clamp(min=1e-3).to(x.dtype))[: self.pooled.number]

    def together(self, share: Tensor, source: Tensor, destination: Tensor) -> Tensor:
        """Probability that both hits of an edge belong to the same super-node, (E,), for shares (H, K)."""
        table = torch.where(self.real, self.pooled.candidates, -1)
        a, b = (table.index_select(0, end) for end in (source, destination))  # (E, K)
        same = (a[:, :, None] == b[:, None]) & (a[:, :, None] >= 0)  # (E, K, K)
        both = share.index_select(0, source)[:, :, None] * share.index_select(0, destination)[:, None]
        return torch.where(same, both, 0.0).sum((1, 2))


def coarse_graph(pooled: Pooled) -> tuple[Incidence, Grouped, Grouped]:
    """Graph of the super-nodes, hits in each of them, edges of hits in each of its edges; the last group is none's."""
    graph = Incidence(*pooled.ends, pooled.number)
    return graph, Grouped(pooled.label, pooled.number + 1), Grouped(pooled.bundle, graph.edges + 1)
