from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
import torch

from hitforge.models import MODELS
from hitforge.tasks.mask_showers import MaskShowers
from tests.tasks.shower_hits import blobs, one_event


def build(**values: object) -> MaskShowers:
    return MaskShowers(MaskShowers.Config.read({"min_energy": 0.0, **values}, where="test"))


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def sample(queries: int = 4) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    truth, random = tensors(blobs(2, 3, 1, hits=8)[1]), torch.Generator().manual_seed(2)
    truth["objects"][0, 2] = 0.0
    truth["fraction"][truth["event"] == 0, 2] = 0.0
    truth["objects"][:, 1, 13] = 0.5
    objects = torch.randn(2, queries, 4, generator=random)
    return {"objects": objects, "masks": torch.randn(len(truth["event"]), queries, generator=random)}, truth


def brute(task: MaskShowers, outputs: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> float:
    """The formulas, pair by pair, and the best of all matchings."""
    c, queries = task.config, outputs["objects"].shape[1]
    wrong = counted = total = norm = 0.0
    for b, particles in enumerate(truth["objects"]):
        rows = truth["event"] == b
        energy, answer, count = truth["energy"][rows], outputs["objects"][b], int(particles[:, 0].sum())
        chance = np.exp(answer[:, :3]) / np.exp(answer[:, :3]).sum(1, keepdims=True)
        weight, cost, fits = energy / energy.sum(), np.zeros((queries, count)), np.zeros((queries, count))
        for q in range(queries):
            m = outputs["masks"][rows, q]
            p = 1 / (1 + np.exp(-m))
            for k in range(count):
                f = truth["fraction"][rows, k]
                entropy = -(weight * (f * np.log(p) + (1 - f) * np.log(1 - p))).sum()
                both, sizes = (weight * p * f).sum(), (weight * (p**2 + f**2)).sum()
                cost[q, k] = c.mask * entropy + c.dice * (1 - (2 * both + 1e-4) / (sizes + 1e-4))
                fits[q, k] = chance[q, int(particles[k, 1])]
        matching = min(
            permutations(range(queries), count),
            key=lambda chosen: sum(cost[q, k] - c.classes * fits[q, k] for k, q in enumerate(chosen)),
        )
        label, each = np.full(queries, 2), np.full(queries, c.nothing_weight)
        for k, q in enumerate(matching):
            label[q], each[q] = particles[k, 1], particles[k, 13]
            raw = (energy / (1 + np.exp(-outputs["masks"][rows, q]))).sum()
            wanted = np.clip(np.log(particles[k, 2] / raw), -1.5, 1.5)
            total += particles[k, 13] * (cost[q, k] + c.correction * abs(answer[q, 3] - wanted))
            norm += particles[k, 13]
        wrong -= (each * np.log(chance[np.arange(queries), label])).sum()
        counted += each.sum()
    return float(c.classes * wrong / counted + total / norm)


def test_loss_is_that_of_the_best_matching() -> None:
    task = build(classes=1.3, nothing_weight=0.4, mask=2.0, dice=1.5, correction=0.7)
    outputs, truth = sample()
    outputs = {name: value.requires_grad_() for name, value in outputs.items()}
    loss = task.torch_loss(outputs, truth)
    arrays = [{name: value.detach().double().numpy() for name, value in part.items()} for part in (outputs, truth)]
    assert loss.item() == pytest.approx(brute(task, *arrays), rel=1e-4)
    loss.backward()
    for value in outputs.values():
        assert value.grad is not None
        assert value.grad.isfinite().all()
    assert (outputs["objects"].grad[..., :3].abs().sum(2) > 0).all()


def test_loss_is_the_mean_over_layers() -> None:
    task, (outputs, truth), (other, _) = build(), sample(), sample(6)
    both = {**outputs, "objects_0": other["objects"], "masks_0": other["masks"]}
    expected = (task.torch_loss(outputs, truth) + task.torch_loss(other, truth)) / 2
    torch.testing.assert_close(task.torch_loss(both, truth), expected)


def test_loss_does_not_depend_on_the_order_of_hits_or_queries() -> None:
    task, (outputs, truth) = build(), sample()
    order = torch.randperm(len(truth["event"]), generator=torch.Generator().manual_seed(1))
    turned = {name: value if name == "objects" else value[order] for name, value in truth.items()}
    moved = {"objects": outputs["objects"].flip(1), "masks": outputs["masks"][order].flip(1)}
    torch.testing.assert_close(task.torch_loss(moved, turned), task.torch_loss(outputs, truth))


def test_true_masks_cost_nothing_but_their_entropy() -> None:
    task, (outputs, truth) = build(mask=0.0, dice=1.0, classes=0.0, correction=0.0), sample(3)
    outputs["masks"] = torch.logit(truth["fraction"], eps=1e-6)
    assert task.torch_loss(outputs, truth).item() == pytest.approx(0.0, abs=1e-4)


def test_more_particles_than_queries_and_none_at_all() -> None:
    outputs, truth = sample(2)
    assert build().torch_loss(outputs, truth).isfinite()
    for most in (0, 3):
        none = {**truth, "objects": torch.zeros(2, most, 14), "fraction": truth["fraction"][:, :most] * 0}
        value = outputs["objects"].clone().requires_grad_()
        build().torch_loss({**outputs, "objects": value}, none).backward()
        assert value.grad is not None
        assert (value.grad[..., 2] < 0).all()  # more nothing, less loss


def test_events_without_hits_behind_the_others_are_left_out() -> None:
    outputs, truth = sample()
    longer = {**truth, "objects": torch.cat([truth["objects"], torch.zeros(1, 3, 14)])}
    torch.testing.assert_close(build().torch_loss(outputs, longer), build().torch_loss(outputs, truth))


def test_kept_queries_share_hits() -> None:
    objects = np.full((1, 4, 4), -9.0, np.float32)
    objects[0, :, 3] = np.log(1.25)
    objects[0, 0, 0] = objects[0, 1, 1] = objects[0, 3, 0] = 9.0  # electromagnetic, hadron, nothing, electromagnetic
    objects[0, 2, 2] = 9.0
    chance = np.array([[0.9, 0.1, 0.9, 0.01], [0.6, 0.9, 0.9, 0.01], [0.01, 0.8, 0.9, 0.01]])
    masks = np.log(chance / (1 - chance)).astype(np.float32)
    energy = np.array([4.0, 2.0, 1.0])
    found = build().objects({"objects": objects, "masks": masks}, {"energy": energy})
    assert found.count == 2  # the last one's mask is next to nothing: no score, and no hits taken from others
    whole = energy @ chance[:, :2]
    score = energy @ chance[:, :2] ** 2 / whole
    np.testing.assert_allclose(found.parameters["score"], score, rtol=1e-4)
    claim = chance[:, :2] * score**2
    expected = claim / claim.sum(1, keepdims=True) * np.minimum(chance[:, :2].sum(1), 1.0)[:, None]
    expected[expected < 0.05] = 0.0
    share = np.zeros((3, 2))
    share[found.hit, found.member] = found.weight
    np.testing.assert_allclose(share, expected, rtol=1e-3)
    np.testing.assert_allclose(found.parameters["energy"], 1.25 * whole, rtol=1e-3)
    np.testing.assert_allclose(found.parameters["hadron"], [0.0, 1.0], atol=1e-3)


def test_showers_that_hold_less_than_half_of_every_hit_are_found() -> None:
    objects = np.full((1, 2, 4), -9.0, np.float32)
    objects[0, :, 0], objects[0, :, 3] = 9.0, 0.0
    masks = np.log(np.array([[0.7, 0.3], [0.6, 0.4]]) / np.array([[0.3, 0.7], [0.4, 0.6]])).astype(np.float32)
    found = build().objects({"objects": objects, "masks": masks}, {"energy": np.array([50.0, 50.0])})
    np.testing.assert_allclose(found.parameters["energy"], [65.0, 35.0], rtol=1e-4)
    assert found.weight is not None
    np.testing.assert_allclose(np.bincount(found.hit, found.weight), [1.0, 1.0], rtol=1e-5)


def test_no_query_and_no_hit_give_no_showers() -> None:
    nothing = np.zeros((1, 2, 4), np.float32)
    nothing[..., 2] = 20.0
    task, masks = build(), np.full((3, 2), 5.0, np.float32)
    assert task.objects({"objects": nothing, "masks": masks}, {"energy": np.ones(3)}).count == 0
    empty = {"objects": np.zeros((0, 2, 4), np.float32), "masks": np.zeros((0, 2), np.float32)}
    assert task.objects(empty, {"energy": np.zeros(0)}).count == 0


def test_a_network_finds_a_few_blobs() -> None:
    inputs, truth = blobs(4, 3, 7)
    task = build(min_energy=1.0)
    torch.manual_seed(0)
    model = {"name": "mask_transformer", "width": 32, "heads": 2, "blocks": 2, "block": 32, "reach": 8, "waves": 2}
    shapes = {name: value.shape[1:] for name, value in inputs.items()}
    network = MODELS.build({**model, "queries": 6}, where="test").torch(shapes, task.outputs)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    batch, target = tensors(inputs), tensors(truth)
    for _ in range(110):
        optimiser.zero_grad()
        task.torch_loss(network(**batch), target).backward()
        optimiser.step()
    outputs = {name: value.detach().numpy() for name, value in network(**batch).items()}
    for number in range(4):
        rows = inputs["event"] == number
        found = {"objects": outputs["objects"][number : number + 1], "masks": outputs["masks"][rows]}
        assert task.score(found, one_event(truth, number))["overlap"] > 0.5
