from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.models import MODELS
from hitforge.tasks.condense_showers import CondenseShowers
from tests.tasks.shower_hits import blobs, one_event


def build(**values: object) -> CondenseShowers:
    return CondenseShowers(CondenseShowers.Config.read({"dimensions": 2, "min_energy": 0.0, **values}, where="test"))


def tensors(arrays: dict[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(value) for name, value in arrays.items()}


def sample(events: int = 2) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    truth = tensors(blobs(events, 3, 1, hits=8)[1])
    truth["objects"][0, 2] = 0.0
    truth["fraction"][truth["event"] == 0, 2] = 0.0
    truth["objects"][:, 1, 13] = 0.5
    return torch.randn(len(truth["event"]), 5, generator=torch.Generator().manual_seed(2)), truth


def brute(task: CondenseShowers, outputs: np.ndarray, truth: dict[str, np.ndarray]) -> float:
    """The formulas, hit by hit."""
    c = task.config
    beta = 1 / (1 + np.exp(-outputs[:, 0]))
    charge, place, weight = np.arctanh(beta) ** 2 + c.q_min, outputs[:, 1:3], truth["energy"] ** c.power
    share, event = truth["fraction"], truth["event"]
    noise = (share.max(1) <= 0) | (share.max(1) < 1 - share.sum(1))
    total = norm = 0.0
    for b, particles in enumerate(truth["objects"]):
        for k, particle in enumerate(particles):
            mine = np.flatnonzero(event == b)
            own = [j for j in mine if not noise[j] and share[j].argmax() == k]
            if particle[0] == 0 or not own:
                continue
            alpha = max(own, key=lambda j: charge[j])
            size = sum(weight[j] * share[j, k] for j in mine)
            value = 0.0
            for j in mine:
                d = np.hypot(*(place[j] - place[alpha]))
                pull = c.attract * share[j, k] * d**2 + c.repel * (1 - share[j, k]) * max(0, 1 - d)
                value += charge[alpha] * weight[j] * charge[j] * pull / size
            value += c.beta_loss * (1 - beta[alpha])
            voice = [weight[j] * charge[j] * share[j, k] for j in mine]
            said = np.average(outputs[mine, 3:], axis=0, weights=voice)
            value += c.classes * np.logaddexp(0, -said[0] if particle[1] else said[0])
            value += c.correction * abs(said[1] - np.log(particle[2] / particle[3]))
            total, norm = total + particle[13] * value, norm + particle[13]
    return float(total / norm + c.beta_loss * c.noise * np.average(beta[noise], weights=weight[noise]))


def test_loss_is_the_sum_of_potentials() -> None:
    task = build(attract=1.3, repel=0.7, beta_loss=0.9, noise=0.4, q_min=0.2, power=0.8)
    outputs, truth = sample()
    outputs.requires_grad_()
    loss = task.torch_loss(outputs, truth)
    expected = brute(
        task, outputs.detach().double().numpy(), {name: value.double().numpy() for name, value in truth.items()}
    )
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert (outputs.grad[:, 0] != 0).all()


def test_loss_does_not_depend_on_the_order_of_hits() -> None:
    task, (outputs, truth) = build(), sample()
    order = torch.randperm(len(outputs), generator=torch.Generator().manual_seed(1))
    turned = {name: value if name == "objects" else value[order] for name, value in truth.items()}
    torch.testing.assert_close(task.torch_loss(outputs[order], turned), task.torch_loss(outputs, truth))


def test_events_do_not_mix() -> None:
    task, (outputs, truth) = build(noise=0.0), sample()
    losses = []
    for number, weight in ((0, 1.5), (1, 2.5)):  # summed weights of the events' particles
        rows = truth["event"] == number
        part = {name: value[rows] for name, value in truth.items() if name != "objects"}
        part |= {"event": part["event"] * 0, "objects": truth["objects"][number : number + 1]}
        losses.append(weight * task.torch_loss(outputs[rows], part))
    torch.testing.assert_close(task.torch_loss(outputs, truth), sum(losses) / 4.0)


def test_a_shared_hit_rests_between_its_points() -> None:
    task = build(dimensions=1, power=0.0, noise=0.0, classes=0.0, correction=0.0)
    truth = {
        "fraction": torch.tensor([[1.0, 0], [0, 1], [0.5, 0.5]]), "energy": torch.ones(3), "event": torch.zeros(3),
        "place": torch.zeros(3, 3), "objects": torch.ones(1, 2, 14),
    }  # fmt: skip
    outputs = torch.zeros(3, 4)
    outputs[:2, 0], outputs[:, 1] = 3.0, torch.tensor([0.0, 1.0, 0.2])
    outputs.requires_grad_()
    for _ in range(300):
        (slope,) = torch.autograd.grad(task.torch_loss(outputs, truth), outputs)
        with torch.no_grad():
            outputs[2, 1] -= 0.02 * slope[2, 1].sign()
    assert outputs[2, 1].item() == pytest.approx(0.5, abs=0.05)


def test_nothing_to_find_still_pulls_noise_down() -> None:
    outputs = torch.zeros(4, 5, requires_grad=True)
    for max_showers in (0, 2):
        truth = {
            "fraction": torch.zeros(4, max_showers), "energy": torch.ones(4), "event": torch.zeros(4).int(),
            "place": torch.zeros(4, 3), "objects": torch.zeros(1, max_showers, 14),
        }  # fmt: skip
        (slope,) = torch.autograd.grad(build().torch_loss(outputs, truth), outputs)
        assert (slope[:, 0] > 0).all()
    none = {"fraction": torch.zeros(0, 1), "energy": torch.zeros(0), "event": torch.zeros(0).int(),
            "place": torch.zeros(0, 3), "objects": torch.zeros(1, 1, 14)}  # fmt: skip
    assert build().torch_loss(torch.zeros(0, 5), none).item() == 0.0
    assert build().objects(np.zeros((0, 5), np.float32), {"energy": np.zeros(0)}).count == 0
    assert build(beta=0.6).objects(np.zeros((4, 5), np.float32), {"energy": np.ones(4)}).count == 0


def test_hits_between_two_points_are_shared() -> None:
    outputs = np.zeros((6, 4), np.float32)
    outputs[:, 0] = [4.0, 3.0, -4, -4, -4, -4]
    outputs[:, 1] = [0.0, 1.0, 0.5, 0.4, 0.05, 3.0]
    outputs[:, 2], outputs[:, 3] = [2.0, -2, 0, 0, 0, 0], np.log(1.5)
    energy = np.array([4.0, 2.0, 1.0, 1.0, 1.0, 9.0])
    found = build(dimensions=1, softness=0.3, distance=0.6, min_share=0.0).objects(outputs, {"energy": energy})
    share = np.zeros((6, 2))
    share[found.hit, found.member] = found.weight
    ratio = np.exp(-(0.6**2 - 0.4**2) / (2 * 0.3**2))
    np.testing.assert_allclose(share[2], [0.5, 0.5], rtol=1e-5)
    np.testing.assert_allclose(share[3], [1 / (1 + ratio), ratio / (1 + ratio)], rtol=1e-5)
    assert share[4, 0] > 0.99
    assert (share[5] == 0).all()
    np.testing.assert_allclose(found.parameters["energy"], 1.5 * (energy @ share), rtol=1e-5)
    np.testing.assert_allclose(found.parameters["score"], 1 / (1 + np.exp([-4.0, -3.0])), rtol=1e-5)
    assert found.parameters["hadron"][0] > 0.5 > found.parameters["hadron"][1]


def test_only_the_two_nearest_points_share_a_hit() -> None:
    outputs = np.zeros((4, 5), np.float32)
    outputs[:, 0] = [4, 3, 2, -4]
    outputs[:, 1:3] = [[0, 0], [0.8, 0], [0, 0.9], [0.3, 0.3]]
    found = build(min_share=0.0).objects(outputs, {"energy": np.ones(4)})
    assert found.count == 3
    assert sorted(found.member[found.hit == 3].tolist()) == [0, 1]


def test_no_more_showers_begin_than_are_asked_for() -> None:
    outputs = np.zeros((40, 5), np.float32)
    outputs[:, 0], outputs[:, 1] = np.linspace(0, 3, 40), 5.0 * np.arange(40)  # far from each other
    energy = np.ones(40)
    assert build().objects(outputs, {"energy": energy}).count == 40
    few = build(max_showers=3).objects(outputs, {"energy": energy})
    assert few.hit.tolist() == [39, 38, 37]  # the best


def test_a_network_finds_a_few_blobs() -> None:
    inputs, truth = blobs(4, 3, 7)
    task = build(min_energy=1.0)
    torch.manual_seed(0)
    model = {"name": "hit_transformer", "width": 32, "heads": 2, "blocks": 2, "block": 32, "reach": 8, "waves": 2}
    shapes = {name: value.shape[1:] for name, value in inputs.items()}
    network = MODELS.build(model, where="test").torch(shapes, task.outputs)
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    batch, target = tensors(inputs), tensors(truth)
    for _ in range(90):
        optimiser.zero_grad()
        task.torch_loss(network(**batch), target).backward()
        optimiser.step()
    outputs = network(**batch).detach().numpy()
    rows = [inputs["event"] == number for number in range(4)]
    scores = [task.score(outputs[row], one_event(truth, number)) for number, row in enumerate(rows)]
    assert np.mean([score["overlap"] for score in scores]) > 0.7
    assert min(score["overlap"] for score in scores) > 0.5
