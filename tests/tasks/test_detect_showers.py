"""Showers found in one stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hitforge.core.errors import ConfigError, DataError
from hitforge.models import MODELS
from hitforge.objects.shower.matching import pairwise_iou
from hitforge.tasks import detect_showers as module
from hitforge.tasks.detect_showers import DetectShowers

Array = NDArray[Any]
PARTS = ("heat", "centre", "box", "hadron", "energy", "shares", "overlap")
GRID = (6, 16, 16)


def build(**values: Any) -> DetectShowers:
    return DetectShowers(DetectShowers.Config.read({"masks": 2, **values}, where="test"))


def sample() -> tuple[dict[str, Array], dict[str, Array]]:
    """Two events of two and one particles, 6 x 7 places, 7 and 5 hits."""
    random = np.random.default_rng(3)
    heat = random.normal(size=(2, 6, 7, 16))
    fraction = random.dirichlet([0.5, 0.5, 0.5], 12)[:, :2]
    fraction[7:, 1] = 0
    objects = np.zeros((2, 2, 14))
    objects[0, 0] = [1, 0, 40, 30, 3.2, 2.3, 4.6, 1, 1, 3, 5, 4, 6, 1]
    objects[0, 1] = [1, 1, 20, 25, 2.1, 4.1, 1.2, 0, 3, 0, 6, 6, 2, 0.5]
    objects[1, 0] = [1, 1, 90, 70, 1.5, 0.4, 6.7, 0, 0, 5, 3, 2, 7, 2]
    target = {
        "fraction": fraction,
        "energy": random.exponential(1, 12),
        "event": np.repeat([0, 1], [7, 5]),
        "place": random.uniform(0, 6, (12, 3)),
        "objects": objects,
    }
    return {"heat": heat, "pixels": random.normal(size=(12, 3))}, target


def tensors(arrays: dict[str, Array]) -> dict[str, torch.Tensor]:
    return {k: torch.from_numpy(np.asarray(v, np.int32 if k == "event" else np.float32)) for k, v in arrays.items()}


def softplus(x: Any) -> Any:
    return np.logaddexp(0, x)


def brute(c: Any, outputs: dict[str, Array], target: dict[str, Array]) -> dict[str, float]:
    """The formulae, particle by particle and hit by hit."""
    total, weights = dict.fromkeys(PARTS, 0.0), 0.0
    wanted = np.zeros((2, 6, 7))
    for event in range(2):
        hits = np.flatnonzero(target["event"] == event)
        particles = [p for p in target["objects"][event] if p[0]]
        logits = [outputs["pixels"][hits, -1]]
        for p in particles:
            row, column = int(p[5]), int(p[6])
            x = outputs["heat"][event, row, column]
            middle = np.array([row + 0.5 + x[1], column + 0.5 + x[2]])
            far = ((target["place"][hits, 1:] - middle) ** 2).sum(1) / c.radius**2
            logits.append(outputs["pixels"][hits, :-1] @ x[14:] + x[13] - np.exp(x[12]) * far)
            for r in range(6):
                for s in range(7):
                    peak = np.exp(-((r - row) ** 2 + (s - column) ** 2) / (2 * c.spread**2))
                    wanted[event, r, s] = max(wanted[event, r, s], peak)
        share = np.exp(np.stack(logits, 1))
        share /= share.sum(1, keepdims=True)
        energy, true = target["energy"][hits], target["fraction"][hits, : len(particles)]
        whole = np.column_stack([1 - true.sum(1), true])
        total["shares"] -= (energy[:, None] * whole * np.log(share)).sum() / target["energy"].sum()
        for k, p in enumerate(particles):
            row, column, weight = int(p[5]), int(p[6]), p[13]
            x = outputs["heat"][event, row, column]
            weights += weight
            shared = (energy * np.minimum(share[:, 1 + k], true[:, k])).sum()
            union = (energy * np.maximum(share[:, 1 + k], true[:, k])).sum()
            total["overlap"] += weight * (1 - shared / union)
            raw = np.clip((energy * share[:, 1 + k]).sum(), p[3] / 2, 2 * p[3])
            total["energy"] += weight * abs(x[11] - np.log(p[2] / raw))
            total["hadron"] += weight * softplus(-x[10] if p[1] else x[10])
            middle = np.array([8 + 8 * x[3], row + 0.5 + x[1], column + 0.5 + x[2]])
            total["centre"] += weight * (np.abs(middle - p[4:7]) / [8, 1, 1]).sum()
            low, high = middle - np.exp(x[4:7]), middle + np.exp(x[7:10])
            size = np.log(np.concatenate([p[4:7] - p[7:10], p[10:13] - p[4:7]]))
            inner = np.prod(np.maximum(np.minimum(high, p[10:13]) - np.maximum(low, p[7:10]), 0))
            hull = np.prod(np.maximum(high, p[10:13]) - np.minimum(low, p[7:10]))
            both = np.prod(high - low) + np.prod(p[10:13] - p[7:10]) - inner
            total["box"] += weight * (np.abs(x[4:10] - size).mean() + 1 - inner / both + (hull - both) / hull)
    logit = outputs["heat"][..., 0]
    chance = 1 / (1 + np.exp(-logit))
    focal = np.where(wanted == 1, (1 - chance) ** 2 * softplus(-logit), (1 - wanted) ** 4 * chance**2 * softplus(logit))
    per_particle = {name: total[name] / weights for name in PARTS if name not in ("heat", "shares")}
    return {**per_particle, "heat": focal.sum() / 3, "shares": total["shares"]}


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_loss_is_its_formula(part: str) -> None:
    outputs, target = sample()
    task = build(near=0, spread=0.9, **{name: 1.0 if name == part else 0.0 for name in PARTS})
    loss = task.torch_loss(tensors(outputs), tensors(target))
    assert float(loss) == pytest.approx(brute(task.config, outputs, target)[part], rel=1e-4)


def test_loss_and_gradient_are_finite_without_particles_or_hits() -> None:
    task, (outputs, target) = build(), sample()
    empty = {**target, "objects": 0 * target["objects"], "fraction": 0 * target["fraction"]}
    bare = {k: v if k == "objects" else v[:0] for k, v in target.items()}
    for truth, hits in ((target, 12), (empty, 12), (bare, 0)):
        given = tensors({**outputs, "pixels": outputs["pixels"][:hits]})
        heat, pixels = given["heat"].requires_grad_(), given["pixels"].requires_grad_()
        loss = task.torch_loss(given, tensors(truth))
        loss.backward()
        assert torch.isfinite(loss)
        assert heat.grad is not None
        assert pixels.grad is not None
        assert torch.isfinite(heat.grad).all()
        assert heat.grad[..., 0].ne(0).all()
        assert torch.isfinite(pixels.grad).all()
        assert pixels.grad.ne(0).any() == (truth is target)


def test_a_shower_is_read_off_where_the_logit_is_highest_but_not_beside_another() -> None:
    target = tensors(sample()[1])
    particles = module.shower_truth(target).particles
    heat = torch.zeros(2, 6, 7, 16)
    assert module._cells(particles, heat, 1, 0.8).tolist() == [[2 * 7 + 4, 4 * 7 + 1], [6, 0]]
    heat[0, 1, 5, 0], heat[0, 2, 1, 0], heat[1, 1, 6, 0] = 9.0, 20.0, 9.0  # the second is two rows away from all
    assert module._cells(particles, heat, 1, 0.8).tolist()[0] == [1 * 7 + 5, 4 * 7 + 1]
    assert module._cells(particles, heat, 1, 0.8)[1, 0] == 1 * 7 + 6
    assert module._cells(particles, heat, 0, 0.8).tolist()[0] == [2 * 7 + 4, 4 * 7 + 1]
    target["objects"][0, 1, 5:7] = torch.tensor([1.5, 5.5])  # now the highest place is the other's
    assert module._cells(particles, heat, 1, 0.8).tolist()[0] == [2 * 7 + 4, 1 * 7 + 5]


def places(*showers: tuple[int, int, float, tuple[float, float]]) -> Array:
    """A heat map with some showers: row, column, logit, kernel; energies are those of the hits times 1.1."""
    heat = np.zeros((1, 6, 7, 16), np.float32)
    heat[..., 0], heat[..., 11], heat[..., 10] = -9, np.log(1.1), -2
    for row, column, logit, kernel in showers:
        heat[0, row, column, 0], heat[0, row, column, 14:] = logit, kernel
    return heat


HITS: dict[str, Array] = {
    "place": np.full((5, 3), 2.5, np.float32),
    "energy": np.array([2, 4, 6, 8, 3], np.float32),
    "event": np.zeros(5, np.int32),
}
PIXELS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [1, 1, 99]], np.float32)
FIRST, SECOND = (2, 3, 3.0, (20.0, 0.0)), (2, 5, 2.0, (0.0, 20.0))


def test_objects_are_peaks_with_shares_of_hits() -> None:
    found = build(radius=1000).objects({"heat": places(FIRST, SECOND), "pixels": PIXELS}, HITS)
    assert found.count == 2
    assert found.member.tolist() == [0, 0, 0, 1, 1]
    assert found.hit.tolist() == [0, 1, 3, 2, 3]
    np.testing.assert_allclose(found.weight, [1, 1, 0.5, 1, 0.5], atol=1e-3)
    clear = (2 + 4 + 8 / 4) / (2 + 4 + 8 / 2)  # mean share of the hits; (6 + 8 / 4) / (6 + 8 / 2) is the same
    np.testing.assert_allclose(found.parameters["score"], clear / (1 + np.exp([-3, -2])), rtol=1e-3)
    np.testing.assert_allclose(found.parameters["energy"], [11, 11], rtol=1e-3)
    np.testing.assert_allclose(found.parameters["hadron"], 1 / (1 + np.exp([2, 2])), rtol=1e-5)


def test_a_shower_that_would_share_all_hits_of_a_better_one_is_left_out() -> None:
    outputs = {"heat": places(FIRST, SECOND, (5, 0, 1.0, (20.0, 0.0))), "pixels": PIXELS}
    assert build(radius=1000).objects(outputs, HITS).count == 2
    assert build(radius=1000, duplicate=1.0).objects(outputs, HITS).count == 3


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"min_score": 0.9}, 0),
        ({"min_score": 0.72}, 1),
        ({"min_energy": 10.5}, 1),
        ({"min_energy": 18.0}, 0),
        ({"max_showers": 1}, 1),
        ({"radius": 0.1}, 0),
    ],
)
def test_showers_that_are_faint_or_far_or_too_many_are_left_out(values: dict[str, Any], count: int) -> None:
    task = build(**{"radius": 1000, **values})
    assert task.objects({"heat": places(FIRST, SECOND), "pixels": PIXELS}, HITS).count == count


def test_an_event_without_peaks_or_hits_has_no_shower() -> None:
    task = build()
    assert task.objects({"heat": places(), "pixels": PIXELS}, HITS).count == 0
    none = {name: value[:0] for name, value in HITS.items()}
    assert task.objects({"heat": places(FIRST), "pixels": PIXELS[:0]}, none).count == 0


def test_wrong_features_and_targets_are_refused() -> None:
    outputs, target = sample()
    assert build(masks=3).outputs == 17
    with pytest.raises(ConfigError, match=r"asks for 3 features of a hit.*2 from the network"):
        build(masks=3).torch_loss(tensors(outputs), tensors(target))
    with pytest.raises(DataError, match="no place"):
        build().torch_loss(tensors(outputs), {k: v for k, v in tensors(target).items() if k != "place"})


def blobs(events: int = 3) -> tuple[dict[str, Array], dict[str, Array]]:
    """Events of two or three blobs, of which the wide ones are hadrons, with shares where they overlap, and noise."""
    random = np.random.default_rng(7)
    place, energy, fraction, event = [], [], [], []
    objects = np.zeros((events, 3, 14), np.float32)
    for i in range(events):
        number = 2 + i % 2
        corner = random.permutation([(4.5, 4.2), (5.1, 11.3), (10.6, 6.4), (11.8, 12.1)])[:number]
        centre = corner + random.uniform(-0.9, 0.9, (number, 2))
        kind = np.arange(number) % 2
        width = np.where(kind, 1.4, 0.7)
        owner = np.repeat(np.arange(number), 70)
        where = np.column_stack([random.uniform(0, GRID[0], len(owner)), centre[owner]])
        where[:, 1:] += random.normal(size=(len(owner), 2)) * width[owner, None]
        where = np.clip(np.concatenate([where, random.uniform(0, GRID, (20, 3))]), 0, np.array(GRID) - 1e-3)
        squared = ((where[:, None, 1:] - centre) ** 2).sum(2)
        density = np.exp(-squared / (2 * width**2)) / width**2  # (H, K)
        share = density / (density.sum(1, keepdims=True) + 0.005)
        amount = random.exponential(0.3, len(where)) * np.append(np.full(len(owner), 1.0), np.full(20, 0.2))
        for k in range(number):
            own = amount * share[:, k]
            mean = own @ where / own.sum()
            low, high = (np.quantile(where[share[:, k] > 0.5], q, axis=0) for q in (0.02, 0.98))
            objects[i, k] = [1, kind[k], 1.2 * own.sum(), own.sum(), *mean, *low, *high, 1]
        place.append(where)
        energy.append(amount)
        fraction.append(np.pad(share, ((0, 0), (0, 3 - number))))
        event.append(np.full(len(where), i))
    hits = {
        "place": np.concatenate(place).astype(np.float32),
        "energy": np.concatenate(energy).astype(np.float32),
        "event": np.concatenate(event).astype(np.int32),
    }
    volume = np.zeros((events, *GRID, 1), np.float32)
    np.add.at(volume, (hits["event"], *hits["place"].astype(int).T, 0), hits["energy"])
    truth = {**hits, "fraction": np.concatenate(fraction).astype(np.float32), "objects": objects}
    return {**hits, "volume": volume}, truth


def test_a_network_learns_a_few_events_by_heart() -> None:
    torch.manual_seed(1)
    inputs, target = blobs()
    task = build(masks=6)
    block = {"name": "one_stage_detector", "widths": [8, 12], "pyramid": 12, "head": 16, "hit": 24, "masks": 6}
    shapes: dict[str, tuple[int, ...]] = {"volume": (*GRID, 1), "place": (3,), "event": (), "energy": ()}
    network = MODELS.build(block, where="test").torch(shapes, task.outputs)
    given, truth = tensors(inputs), tensors(target)
    given["volume"] = given["volume"].movedim(-1, 1)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for step in range(70):
        optimiser.param_groups[0]["lr"] = 0.02 * min(1.0, (step + 1) / 5, (70 - step) / 20)
        optimiser.zero_grad()
        task.torch_loss(network(**given), truth).backward()
        optimiser.step()
    network.eval()
    with torch.no_grad():
        outputs = {name: value.numpy() for name, value in network(**given).items()}
    for event in range(3):
        own = inputs["event"] == event
        hits = {name: inputs[name][own] for name in ("place", "energy", "event")}
        found = task.objects({"heat": outputs["heat"][event : event + 1], "pixels": outputs["pixels"][own]}, hits)
        rows = target["objects"][event]
        number = int(rows[:, 0].sum())
        assert found.count == number
        share = np.zeros((own.sum(), number))
        share[found.hit, found.member] = found.weight
        overlap = pairwise_iou(target["fraction"][own, :number], share, hits["energy"])
        best = overlap.argmax(1)
        assert sorted(best) == list(range(number))
        assert overlap.max(1).min() > 0.5
        assert ((found.parameters["hadron"][best] > 0.5) == rows[:number, 1]).all()
        np.testing.assert_allclose(found.parameters["energy"][best], rows[:number, 2], rtol=0.4)
