from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.tasks import TASKS
from hitforge.tasks.embed_hits import EmbedHits


def build(**values: object) -> EmbedHits:
    return EmbedHits(EmbedHits.Config.read(values, where="test"))


def sample(hits: int = 40, dimensions: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(5)
    target = torch.ones(hits, 9)
    target[:, 0] = torch.randint(-1, 6, (hits,), generator=random)
    target[:, 1] = torch.where(target[:, 0] < 0, -1, torch.randint(0, 4, (hits,), generator=random))
    target[:, 6] = torch.rand(hits, generator=random)
    return torch.randn(hits, dimensions, generator=random), target


def brute(task: EmbedHits, place: np.ndarray, target: np.ndarray) -> float:
    """Loss without random negatives, pair by pair; every hit is searched."""
    c, true, weights, hard = task.config, 0.0, 0.0, []
    for i in range(len(place)):
        others = [(((place[i] - place[j]) ** 2).sum(), j) for j in range(len(place)) if j != i]
        for squared, j in others:
            if target[i, 0] >= 0 and target[i, 0] == target[j, 0] and target[j, 1] == target[i, 1] + 1:
                true, weights = true + target[i, 6] * squared, weights + target[i, 6]
        for squared, j in sorted(others)[: c.neighbours]:
            if squared < c.margin**2 and (target[i, 0] != target[j, 0] or target[i, 0] < 0):
                hard.append(c.margin**2 - squared)
    return float(c.positive * true / weights + np.mean(hard))


@pytest.mark.parametrize("neighbours", [3, 1000])
def test_loss_is_the_sum_over_pairs(neighbours: int) -> None:
    task = build(dimensions=3, margin=1.5, random=0, neighbours=neighbours, positive=1.7)
    place, target = sample()
    expected = brute(task, place.double().numpy(), target.double().numpy())
    assert task.torch_loss(place, target).item() == pytest.approx(expected, rel=1e-5)


def test_loss_does_not_depend_on_the_order_of_hits() -> None:
    task, (place, target) = build(dimensions=3, margin=1.5, random=0), sample()
    order = torch.randperm(len(place), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(task.torch_loss(place[order], target[order]), task.torch_loss(place, target))


def test_random_pairs_push_what_no_search_finds() -> None:
    place, target = sample()
    far, near = build(dimensions=3, random=4.0, neighbours=1, searched=1), build(dimensions=3, random=0.0)
    big = {"margin": 4.0}
    pushing = build(dimensions=3, random=4.0, neighbours=1, searched=40, **big)
    quiet = build(dimensions=3, random=0.0, neighbours=1, searched=40, **big)
    difference = pushing.torch_loss(place, target) - quiet.torch_loss(place, target)
    assert difference > 1.0
    assert pushing.torch_loss(place, target) == pushing.torch_loss(place, target)  # outside a training it repeats
    assert far.outputs == near.outputs == 3


def test_descent_draws_particles_together_and_apart() -> None:
    task = build(dimensions=2, margin=1.0)
    target = torch.ones(24, 9)
    target[:, 0], target[:, 1] = torch.arange(24) // 6, torch.arange(24) % 6
    torch.manual_seed(0)
    place = torch.nn.Parameter(torch.randn(24, 2) * 0.3)
    before = task.score(place.detach().numpy(), target.numpy())
    optimizer = torch.optim.Adam([place], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        task.torch_loss(place, target).backward()
        optimizer.step()
    after = task.score(place.detach().numpy(), target.numpy())
    assert after["edge_efficiency"] == 1.0
    assert after["edge_purity"] > before["edge_purity"]
    groups = place.detach().view(4, 6, 2).mean(1)
    assert torch.pdist(groups).min() > 0.5


def test_score_counts_pairs_within_the_margin() -> None:
    task = build(dimensions=2, margin=0.1)
    place = np.array([[0, 0], [0.05, 0], [1, 1], [0, 0.05], [3, 3]], np.float32)
    target = np.ones((5, 9), np.float32)
    target[:, 0], target[:, 1] = [0, 0, 0, -1, -1], [0, 1, 2, -1, -1]
    # pairs within the margin: 0-1, 0-3, 1-3, of which 0-1 is true; true pairs: 0-1, 1-2
    assert task.score(place, target) == pytest.approx({"edge_efficiency": 0.5, "edge_purity": 1 / 3})


def test_a_batch_without_particles_or_hits_gives_numbers() -> None:
    task = TASKS.build({"name": "embed_hits", "dimensions": 4}, where="test")
    place = torch.randn(6, 4, requires_grad=True)
    target = torch.full((6, 9), -1.0)
    target[:, 6] = 1
    loss = task.torch_loss(place, target)
    loss.backward()
    assert loss.isfinite()
    assert task.torch_loss(torch.zeros(0, 4), torch.zeros(0, 9)).item() == 0.0
    assert np.isnan(list(task.score(place.detach().numpy(), target.numpy()).values())).all()
