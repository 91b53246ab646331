from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.tasks import TASKS
from hitforge.tasks import _hits as module
from hitforge.tasks.condense_hits import CondenseHits
from tests.targets import target as asked
from tests.tasks.helices import helices


def build(min_track_hits: int = 5, **values: object) -> CondenseHits:
    object_kind = asked("track", min_track_hits=min_track_hits)
    return CondenseHits(CondenseHits.Config.read(values, where="test"), object_kind=object_kind)


def sample(hits: int = 40, outputs: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(5)
    target = torch.ones(hits, 9)
    target[:, 0] = torch.randint(-1, 5, (hits,), generator=random)
    target[:, 5] = 9
    target[target[:, 0] == 4, 5] = 2  # too short to be a track
    target[:, 6] = 0.5 + (target[:, 0] % 2) * 0.25
    return torch.randn(hits, outputs, generator=random), target


def brute(task: CondenseHits, outputs: np.ndarray, target: np.ndarray) -> float:
    """The formula, hit by hit."""
    c = task.config
    beta, place = 1 / (1 + np.exp(-outputs[:, 0])), outputs[:, 1 : 1 + c.dimensions]
    charge = np.arctanh(beta) ** 2 + c.q_min
    real = (target[:, 0] >= 0) & (target[:, 5] >= task.truth_hits)
    potential = shy = total = 0.0
    for particle in np.unique(target[real, 0]):
        own = real & (target[:, 0] == particle)
        alpha = max(np.flatnonzero(own), key=lambda i: charge[i])
        energy = 0.0
        for j in range(len(outputs)):
            d = np.sqrt(((place[j] - place[alpha]) ** 2).sum())
            energy += charge[j] * (c.attract * d**2 if own[j] else c.repel * max(0, 1 - d))
        weight = target[alpha, 6]
        potential += weight * charge[alpha] * energy / own.sum()
        shy += weight * (1 - beta[alpha])
        total += weight
    return float(potential / total + c.beta_loss * (shy / total + c.noise * beta[~real].mean()))


@pytest.mark.parametrize("chunk", [1, 2**24])
def test_loss_is_the_sum_of_potentials(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    task = build(dimensions=3, attract=1.3, repel=0.7, beta_loss=0.9, noise=0.4, q_min=0.2)
    outputs, target = sample()
    outputs.requires_grad_()
    loss = task.torch_loss(outputs, target)
    expected = brute(task, outputs.detach().double().numpy(), target.double().numpy())
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert outputs.grad.isfinite().all()
    assert (outputs.grad[:, 0] != 0).all()


def test_loss_does_not_depend_on_the_order_of_hits() -> None:
    task, (outputs, target) = build(dimensions=3), sample()
    order = torch.randperm(len(outputs), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(task.torch_loss(outputs[order], target[order]), task.torch_loss(outputs, target))


def test_parameters_add_errors_weighed_by_charge() -> None:
    outputs, target = sample(outputs=6)
    plain, more = build(dimensions=3), build(dimensions=3, parameters=0.5)
    real = (target[:, 0] >= 0) & (target[:, 5] >= 3)
    share = torch.atanh(outputs[:, 0].sigmoid()).square() * target[:, 6]
    error = (outputs[:, 4] - target[:, 2].log()).abs() + (outputs[:, 5] - target[:, 3]).abs()
    extra = 0.5 * (share * error)[real].sum() / share[real].sum()
    torch.testing.assert_close(
        more.torch_loss(outputs, target), plain.torch_loss(outputs[:, :4], target) + extra, rtol=1e-4, atol=1e-5
    )
    assert (plain.outputs, more.outputs) == (4, 6)


def ideal(target: np.ndarray, random: np.random.Generator, columns: int = 0) -> np.ndarray:
    """Outputs that put each particle in a place of its own, noise far away with a low beta."""
    places = np.array([(i % 8, i // 8, 0) for i in range(64)], float) * 2
    outputs = np.zeros((len(target), 4 + columns), np.float32)
    owner = target[:, 0].astype(int)
    outputs[:, 0] = np.where(owner >= 0, random.uniform(0, 4, len(target)), -5)
    outputs[:, 1:4] = np.where(owner[:, None] >= 0, places[owner] + random.normal(0, 0.01, (len(target), 3)), 99)
    return outputs


def test_ideal_outputs_give_the_true_tracks_with_their_parameters() -> None:
    inputs, target = helices(30, 40, 1)
    task = build(dimensions=3, parameters=1.0)
    outputs = ideal(target, np.random.default_rng(0), columns=2)
    outputs[:, 4] = np.log(np.maximum(target[:, 2], 0.1))
    objects = task.objects(outputs, inputs)
    assert objects.count == 30
    assert len(objects.hit) == 300
    assert task.score(outputs, target) == {"efficiency": 1.0, "fakes": 0.0}
    owner = target[objects.hit, 0]
    assert all(len(set(owner[objects.member == k])) == 1 for k in range(30))
    np.testing.assert_allclose(objects.parameters["pt"][objects.member], target[objects.hit, 2], rtol=1e-5)


def test_clusters_begin_at_the_best_free_hit() -> None:
    outputs = np.zeros((6, 2), np.float32)
    outputs[:, 0], outputs[:, 1] = [1, 3, 2, -9, 0.5, -9], [0.0, 0.4, 0.8, 0.7, 2.0, 5.0]
    objects = build(1, dimensions=1, distance=0.5, beta=0.1).objects(outputs, {})
    assert {(int(m), int(h)) for m, h in zip(objects.member, objects.hit, strict=True)} == {
        (0, 0), (0, 1), (0, 2), (0, 3), (1, 4),
    }  # fmt: skip


def test_small_clusters_and_empty_events_give_no_tracks() -> None:
    assert build(dimensions=1).objects(np.array([[5, 0], [5, 0.1]], np.float32), {}).count == 0
    task = TASKS.build({"name": "condense_hits", "dimensions": 2}, where="test")
    assert task.objects(np.zeros((0, 3), np.float32), {}).count == 0
    assert task.torch_loss(torch.zeros(0, 3), torch.zeros(0, 9)).item() == 0.0
    noise = torch.full((4, 9), -1.0)
    outputs = torch.zeros(4, 3, requires_grad=True)
    task.torch_loss(outputs, noise).backward()
    assert (outputs.grad[:, 0] > 0).all()


def test_certain_hits_keep_a_finite_charge() -> None:
    outputs, target = sample()
    outputs[:, 0] = 60.0
    outputs.requires_grad_()
    loss = build(dimensions=3).torch_loss(outputs, target)
    loss.backward()
    assert loss.isfinite()
    assert outputs.grad.isfinite().all()
