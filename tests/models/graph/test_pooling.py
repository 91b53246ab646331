"""Clusters of hits as super-nodes."""

from __future__ import annotations

import torch

from hitforge.models.graph._pooling import (
    Links,
    Pooled,
    cluster_centres,
    coarse_graph,
    connected_hits,
    pool,
    similarity,
    two_classes,
)
from hitforge.models.layers.torch_incidence import Incidence

NONE = 2
POOLED = Pooled(
    number=NONE,
    label=torch.tensor([0, 0, 1, 1, NONE]),
    candidates=torch.tensor([[0, NONE], [0, 1], [1, 0], [1, NONE], [NONE, NONE]]),
    bundle=torch.tensor([1, 0, 1, 1]),
    ends=(torch.tensor([0]), torch.tensor([1])),
)


def test_two_classes_are_split_between_two_heaps_in_each_event_by_itself() -> None:
    random = torch.Generator().manual_seed(0)
    low, high = -0.5 + 0.05 * torch.randn(40, generator=random), 0.4 + 0.05 * torch.randn(60, generator=random)
    shifted = torch.cat([low, high]) + 0.5
    value, event = torch.cat([low, high, shifted]), torch.arange(2).repeat_interleave(100)
    expected = (torch.arange(100) >= 40).repeat(2)
    assert torch.equal(two_classes(value, event, 2), expected)


def test_two_classes_have_the_largest_variance_between_them() -> None:
    """Against a search over all cuts between bins, by the definition."""
    value = torch.rand(200, generator=torch.Generator().manual_seed(1)) ** 3
    found, step = two_classes(value, torch.zeros(200, dtype=torch.int64), 1), ((value + 1) * 32).long().double()

    def between(above: torch.Tensor) -> float:
        share = above.double().mean()
        return float(share * (1 - share) * (step[above].mean() - step[~above].mean()) ** 2)

    best = max(between(step > cut) for cut in range(int(step.min()), int(step.max())))
    assert abs(between(found) - best) < 1e-9


def test_edges_that_are_all_alike_make_one_class() -> None:
    event = torch.zeros(5, dtype=torch.int64)
    assert two_classes(torch.full((5,), 0.3), event, 1).all()
    assert not two_classes(torch.full((5,), -1.0), event, 1).any()
    assert not len(two_classes(torch.empty(0), torch.empty(0, dtype=torch.int64), 0))


def test_components_that_are_too_small_are_none() -> None:
    source, destination = torch.tensor([0, 4, 2, 5]), torch.tensor([1, 3, 1, 6])
    label, number = connected_hits(source, destination, 8, min_hits=3)
    assert number == 1
    assert label.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    label, number = connected_hits(source, destination, 8, min_hits=2)
    assert number == 3
    assert label.tolist() == [0, 0, 0, 1, 1, 2, 2, 3]
    assert connected_hits(source[:0], source[:0], 0, 1)[1] == 0


def test_centres_are_directions_of_sums() -> None:
    z = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, -1.0], [0.6, 0.8], [1.0, 0.0]])
    found = cluster_centres(z, POOLED.label, NONE)
    torch.testing.assert_close(found[0], torch.tensor([0.5, 0.5]) ** 0.5)
    torch.testing.assert_close(found[1], torch.tensor([0.6, -0.2]) / 0.4**0.5)


def test_pooling_joins_similar_hits_and_bundles_edges_between_super_nodes() -> None:
    """Two chains of three hits that point apart, with two edges across, and a lonely hit beside the first chain."""
    angle = torch.tensor([0.0, 0.1, 0.0, 3.0, 3.1, 3.0, 2.2])
    z = torch.stack([angle.cos(), angle.sin()], dim=1)
    source, destination = torch.tensor([0, 1, 3, 4, 0, 1, 6]), torch.tensor([1, 2, 4, 5, 3, 4, 0])
    similar = similarity(z, Incidence(source, destination, 7))
    torch.testing.assert_close(similar, (z[source] * z[destination]).sum(1))
    found = pool(z, similar, torch.zeros(7), source, destination, min_hits=3, choices=2)
    assert found.number == 2
    assert found.label.tolist() == [0, 0, 0, 1, 1, 1, 2]
    assert found.bundle.tolist() == [1, 1, 1, 1, 0, 0, 1]
    assert [end.tolist() for end in found.ends] == [[0], [1]]
    assert found.candidates.tolist() == [[0, 1], [0, 1], [0, 2], [1, 0], [1, 0], [1, 2], [0, 2]]
    only = pool(z, similar, torch.zeros(7), source, destination, min_hits=3, choices=1).candidates
    assert only.tolist() == [[0], [0], [0], [1], [1], [1], [0]]


def test_links_carry_weighted_sums_down_and_weighted_means_up() -> None:
    torch.manual_seed(0)
    links, x, y = Links(POOLED), torch.randn(5, 3), torch.randn(2, 3)
    weight = torch.where(links.real, torch.rand(5, 2), 0.0)
    down = torch.stack([weight[0, 0] * y[0], weight[1] @ y, weight[2] @ y.flip(0), weight[3, 0] * y[1], 0 * y[0]])
    torch.testing.assert_close(links.down(y, weight), down)
    first = (weight[0, 0] * x[0] + weight[1, 0] * x[1] + weight[2, 1] * x[2]) / (weight[:2, 0].sum() + weight[2, 1])
    torch.testing.assert_close(links.up(x, weight)[0], first)
    assert torch.equal(links.spread(y)[1], y)
    assert not links.spread(y)[4].any()


def test_probability_that_hits_share_a_super_node() -> None:
    links = Links(POOLED)
    share = torch.tensor([[0.5, 0.0], [0.3, 0.6], [0.2, 0.7], [0.9, 0.0], [0.0, 0.0]])
    found = links.together(share, torch.tensor([0, 1, 0, 3, 4]), torch.tensor([1, 2, 3, 2, 4]))
    torch.testing.assert_close(found, torch.tensor([0.15, 0.3 * 0.7 + 0.6 * 0.2, 0.0, 0.9 * 0.2, 0.0]))


def test_coarse_graph_groups_hits_and_edges() -> None:
    graph, members, bundles = coarse_graph(POOLED)
    assert (graph.nodes, graph.edges) == (2, 1)
    x = torch.arange(5.0)[:, None]
    assert members.total(x).view(-1).tolist() == [1.0, 5.0, 4.0]
    assert bundles.total(x[:4]).view(-1).tolist() == [1.0, 5.0]
