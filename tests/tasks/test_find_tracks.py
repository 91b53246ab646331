from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.tasks import TASKS
from hitforge.tasks import _hits as module
from hitforge.tasks.find_tracks import FindTracks
from tests.tasks.helices import helices


def build(**values: object) -> FindTracks:
    return FindTracks(FindTracks.Config.read({"dimensions": 3, **values}, where="test"))


def sample(hits: int = 30) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(5)
    target = torch.ones(hits, 9)
    target[:, 0] = torch.randint(-1, 4, (hits,), generator=random)
    target[:, 1] = torch.randint(0, 6, (hits,), generator=random)
    target[:, 5] = 9
    target[target[:, 0] == 3, 5] = 2  # too short to be a track
    target[:, 6] = 0.5 + (target[:, 0] % 2) * 0.25
    return torch.randn(hits, 9, generator=random), target


def softplus(x: float) -> float:
    return float(np.logaddexp(0, x))


def brute(task: FindTracks, outputs: np.ndarray, target: np.ndarray) -> float:
    """The formula, mask by mask."""
    c, hits = task.config, range(len(outputs))
    logit, found, shift, momentum = outputs[:, 0], outputs[:, 1:4], outputs[:, 4:7], outputs[:, 7:]
    mask = c.sharpness * (1 - ((found[:, None] + shift[:, None] - found[None]) ** 2).sum(2))
    real = (target[:, 0] >= 0) & (target[:, 5] >= task.truth_hits)
    label, total, weights = np.zeros(len(outputs)), 0.0, 0.0
    for particle in np.unique(target[real, 0]):
        own = real & (target[:, 0] == particle)
        cost = {
            i: -logit[i] + np.mean([softplus(-mask[i, j]) for j in hits if own[j]]) + c.first * target[i, 1]
            for i in hits
            if own[i]
        }
        query = min(cost, key=lambda i: cost[i])
        label[query] = 1
        entropy = sum(softplus(-mask[query, j] if own[j] else mask[query, j]) for j in hits) / own.sum()
        chance = 1 / (1 + np.exp(-mask[query]))
        dice = 1 - 2 * chance[own].sum() / (own.sum() + chance.sum())
        error = abs(momentum[query, 0] - np.log(target[query, 2])) + abs(momentum[query, 1] - target[query, 3])
        weight = target[query, 6]
        total += weight * (c.mask * entropy + c.dice * dice + c.parameters * error)
        weights += weight
    weight = target[:, 6] * (1 + (c.positive - 1) * label)
    entropy = [softplus(-logit[i] if label[i] else logit[i]) for i in hits]
    return float(c.classes * np.average(entropy, weights=weight) + total / weights)


@pytest.mark.parametrize("chunk", [1, 2**24])
def test_loss_is_the_sum_over_masks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(module, "_CHUNK", chunk)
    task = build(sharpness=1.5, mask=0.7, dice=1.3, parameters=0.4, positive=3.0, classes=0.8)
    outputs, target = sample()
    outputs.requires_grad_()
    loss = task.torch_loss(outputs, target)
    assert loss.item() == pytest.approx(
        brute(task, outputs.detach().double().numpy(), target.double().numpy()), rel=1e-4
    )
    loss.backward()
    assert outputs.grad.isfinite().all()
    assert (outputs.grad[:, 1:4].abs().sum(1) > 0).all()  # every hit is in or out of some mask


def test_loss_does_not_depend_on_the_order_of_hits() -> None:
    task, (outputs, target) = build(), sample()
    order = torch.randperm(len(outputs), generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(task.torch_loss(outputs[order], target[order]), task.torch_loss(outputs, target))


def ideal(target: np.ndarray) -> np.ndarray:
    places = np.array([(i % 8, i // 8, 0) for i in range(64)], float) * 3
    outputs = np.zeros((len(target), 9), np.float32)
    owner = target[:, 0].astype(int)
    outputs[:, 0] = np.where(target[:, 1] == 0, 3, -3)
    outputs[:, 1:4] = np.where(owner[:, None] >= 0, places[owner], 99)
    outputs[:, 7], outputs[:, 8] = np.log(np.maximum(target[:, 2], 0.1)), target[:, 3]
    return outputs


@pytest.mark.parametrize("shared", [False, True])
def test_ideal_outputs_give_the_true_tracks_with_their_parameters(shared: bool) -> None:
    inputs, target = helices(30, 40, 1)
    task, outputs = build(shared=shared), ideal(target)
    objects = task.objects(outputs, inputs)
    assert (objects.count, len(objects.hit)) == (30, 300)
    assert task.score(outputs, target) == {"efficiency": 1.0, "fakes": 0.0}
    np.testing.assert_allclose(objects.parameters["pt"][objects.member], target[objects.hit, 2], rtol=1e-5)
    np.testing.assert_allclose(objects.parameters["eta"][objects.member], target[objects.hit, 3], rtol=1e-5)


def test_a_query_in_the_mask_of_a_better_one_is_dropped() -> None:
    _, target = helices(30, 0, 1)
    outputs = ideal(target)
    outputs[target[:, 1] == 1, 0] = 2.0  # a second query of each particle
    objects = build().objects(outputs, {})
    assert (objects.count, len(objects.hit)) == (30, 300)


def test_a_hit_between_two_tracks_goes_to_the_nearer_or_to_both() -> None:
    outputs = np.zeros((7, 9), np.float32)
    outputs[:, 1] = [0, 0, 0.8, 1.6, 1.6, 1.6, 1.6]
    outputs[:, 0], outputs[3, 4] = [5, -5, -5, 5, -5, -5, -5], -0.1
    alone = build().objects(outputs, {})
    assert alone.member.tolist() == [0, 0, 0, 0, 0]
    assert alone.hit.tolist() == [2, 3, 4, 5, 6]  # the other track keeps two hits, too few
    both = build(shared=True).objects(outputs, {})
    assert both.member.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    assert both.hit.tolist() == [0, 1, 2, 2, 3, 4, 5, 6]


def test_noise_alone_and_empty_events_give_no_tracks() -> None:
    task = TASKS.build({"name": "find_tracks", "dimensions": 3}, where="test")
    assert task.objects(np.zeros((0, 9), np.float32), {}).count == 0
    assert task.objects(np.full((3, 9), -4, np.float32), {}).count == 0
    assert task.torch_loss(torch.zeros(0, 9), torch.zeros(0, 9)).item() == 0.0
    noise, outputs = torch.full((4, 9), -1.0), torch.zeros(4, 9, requires_grad=True)
    noise[:, 6] = 1
    task.torch_loss(outputs, noise).backward()
    assert (outputs.grad[:, 0] > 0).all()
