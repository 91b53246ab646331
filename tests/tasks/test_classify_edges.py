from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError, DataError
from hitforge.tasks import TASKS
from hitforge.tasks.classify_edges import ClassifyEdges
from tests.targets import target as asked
from tests.tasks.helices import helices


def build(min_track_hits: int = 5, **values: object) -> ClassifyEdges:
    object_kind = asked("track", min_track_hits=min_track_hits)
    return ClassifyEdges(ClassifyEdges.Config.read(values, where="test"), object_kind=object_kind)


def sample(edges: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(2)
    label = (torch.rand(edges, generator=random) < 0.4).float()
    return torch.randn(edges, 1, generator=random) * 2, torch.stack([label, torch.rand(edges, generator=random)], 1)


@pytest.mark.parametrize(("positive", "gamma"), [(1.0, 0.0), (3.0, 0.0), (1.0, 2.0), (2.0, 0.5)])
def test_loss_is_the_weighted_focal_cross_entropy(positive: float, gamma: float) -> None:
    outputs, target = sample()
    chance = 1 / (1 + np.exp(-outputs[:, 0].double().numpy()))
    label, weight = target.double().numpy().T
    right = np.where(label == 1, chance, 1 - chance)
    weight = weight * np.where(label == 1, positive, 1)
    expected = -(weight * (1 - right) ** gamma * np.log(right)).sum() / weight.sum()
    found = build(positive=positive, gamma=gamma).torch_loss(outputs, target)
    assert found.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_gradient_stays_finite_where_the_network_is_sure(gamma: float) -> None:
    outputs = torch.tensor([[80.0], [-80.0], [80.0], [-80.0]], requires_grad=True)
    target = torch.tensor([[1.0, 1], [0, 1], [0, 1], [1, 1]])
    build(gamma=gamma).torch_loss(outputs, target).backward()
    assert outputs.grad.isfinite().all()
    assert outputs.grad[2] > 0 > outputs.grad[3]


def test_an_event_without_edges_costs_nothing() -> None:
    task = build()
    assert task.torch_loss(torch.zeros(0, 1), torch.zeros(0, 2)).item() == 0.0
    assert set(task.score(np.zeros((0, 1), np.float32), np.zeros((0, 2), np.float32))) == set(task.scores)


def test_scores_are_those_of_all_pairs() -> None:
    outputs, target = (part.double().numpy() for part in sample())
    outputs = np.round(outputs)  # with ties
    label, weight = target[:, 0] == 1, target[:, 1]
    pairs = [
        (weight[i] * weight[j], (outputs[i, 0] > outputs[j, 0]) + 0.5 * (outputs[i, 0] == outputs[j, 0]))
        for i in np.flatnonzero(label)
        for j in np.flatnonzero(~label)
    ]
    kept = outputs[:, 0] > 0
    assert build().score(outputs, target) == pytest.approx(
        {
            "edge_auc": sum(w * good for w, good in pairs) / sum(w for w, _ in pairs),
            "edge_efficiency": weight[kept & label].sum() / weight[label].sum(),
            "edge_purity": weight[kept & label].sum() / weight[kept].sum(),
        }
    )


@pytest.mark.parametrize("builder", ["walk", "connected_components", "path_cover"])
def test_true_edges_give_the_true_tracks(builder: str) -> None:
    inputs, target = helices(20, 30, 4)
    order = np.lexsort((target[:, 1], target[:, 0]))
    order = order[target[order, 0] >= 0]
    same = target[order[1:], 0] == target[order[:-1], 0]
    true = np.stack([order[:-1][same], order[1:][same]])  # (2, 180)
    random = np.random.default_rng(0)
    false = random.integers(0, len(target), (2, 400))
    false = false[:, inputs["layer"][false[0]] < inputs["layer"][false[1]]]
    wrong = target[false[0], 0] != target[false[1], 0]
    edges = np.concatenate([true, false[:, wrong]], axis=1)
    inputs["source"], inputs["destination"] = edges.astype(np.int32)
    outputs = np.full((edges.shape[1], 1), -9, np.float32)
    outputs[: true.shape[1]] = 9
    objects = build(5, build={"name": builder}).objects(outputs, inputs)
    assert (objects.count, len(objects.hit)) == (20, 200)
    owner = target[objects.hit, 0]
    assert all(len(set(owner[objects.member == k])) == 1 for k in range(20))
    assert build(11, build={"name": builder}).objects(outputs, inputs).count == 0
    with pytest.raises(DataError, match="outputs must be"):
        build(build={"name": builder}).objects(outputs[1:], inputs)


def test_builder_is_written_out_and_checked_at_once() -> None:
    task = TASKS.build({"name": "classify_edges", "build": "walk"}, where="test")
    assert task.config.build["name"] == "walk"
    assert "threshold" in task.config.build
    assert task.config.model_dump() == type(task).Config.read(task.config.model_dump(), where="again").model_dump()
    with pytest.raises(ConfigError, match=r"no plug-in 'wlk'.*walk"):
        TASKS.build({"name": "classify_edges", "build": {"name": "wlk"}}, where="test")
