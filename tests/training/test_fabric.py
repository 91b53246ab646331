"""Steps of a training in one process: averages, decay, losses; several are tested in ``test_team``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from hitforge.core.errors import RunError
from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.tasks import TASKS
from hitforge.training import TrainingConfig
from hitforge.training._fabric import _Swap
from hitforge.training.torch_engine import TorchEngine
from tests.training.engines import fit, history, make
from tests.training.synthetic import GRAPH, Blobs, Graphs


def test_averaged_weights_follow_the_recursion(tmp_path: Path) -> None:
    plain, averaged = make(tmp_path / "a", epochs=1), make(tmp_path / "b", epochs=1, average=0.5)
    states: list[np.ndarray] = [plain._weights()["stem.weight"]]
    sample = Blobs()
    sample.hook = lambda epoch, step: states.append(plain._weights()["stem.weight"]) if step else None
    fit(plain, sample)
    states.append(plain._weights()["stem.weight"])
    expected = states[0]
    for step, weights in enumerate(states[1:]):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights
    fit(averaged)
    np.testing.assert_allclose(averaged._weights()["stem.weight"], expected, rtol=1e-4, atol=1e-6)


def test_biases_and_norms_do_not_decay(tmp_path: Path) -> None:
    """With a vanishing learning signal, decoupled decay shrinks the other weights by the product of (1 - lr decay)."""
    for optimizer in ("adamw", "sgd"):
        engine = make(
            tmp_path / optimizer,
            epochs=1,
            optimizer=optimizer,
            lr=1e-2,
            weight_decay=10.0,
            clip=1e-30,
            schedule="constant",
            warmup=0.0,
            average=0.0,
        )
        with torch.no_grad():
            engine.network.norm.weight.fill_(2.0)
        before = engine._weights()
        fit(engine)
        after = engine._weights()
        tolerance = 1e-5 if optimizer == "sgd" else 0.05  # Adam's step does not vanish with its gradient
        np.testing.assert_allclose(after["stem.weight"], before["stem.weight"] * 0.9**4, atol=tolerance)
        np.testing.assert_allclose(after["norm.weight"], before["norm.weight"], atol=tolerance)


def test_the_tensors_of_a_swap_come_back() -> None:
    own, others = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])
    with pytest.raises(ValueError, match="stop"), _Swap({"a": own}, {"a": others}):  # noqa: PT012
        assert own.tolist() == [3.0, 4.0]
        raise ValueError("stop")
    assert (own.tolist(), others.tolist()) == ([1.0, 2.0], [3.0, 4.0])


def test_each_epoch_has_its_own_random_numbers_whatever_ran_before(tmp_path: Path) -> None:
    drawn: list[dict[int, float]] = []
    for name in ("a", "b"):
        seen: dict[int, float] = {}
        sample = Blobs()

        def hook(epoch: int, step: int, seen: dict[int, float] = seen, name: str = name) -> None:
            if step == 0:
                seen[epoch] = float(torch.rand(1))
                torch.rand(3 if name == "a" else 5)

        sample.hook = hook
        fit(make(tmp_path / name, epochs=3), sample)
        drawn.append(seen)
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0].values())) == 3


def test_the_loss_of_an_epoch_is_that_of_its_events(tmp_path: Path) -> None:
    """At no learning rate to speak of, the mean over batches of unequal size is the mean over all events."""
    settings = {"epochs": 1, "lr": 1e-12, "warmup": 0.0, "schedule": "constant", "weight_decay": 0.0}
    plain = {"name": "vision_transformer", "patch": 4, "width": 16, "depth": 1, "heads": 2}
    whole = fit(make(tmp_path / "whole", plain, batch_size=64, **settings), Blobs(batch=64))
    parts = fit(make(tmp_path / "parts", plain, batch_size=60, **settings), Blobs(batch=60))
    losses = [float(history(engine.folder)[0]["train_loss"]) for engine in (whole, parts)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_graphs_without_edges_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1, batch_size=3, monitor="loss", precision="fp32", device="cpu")
    task = TASKS.build({"name": "classify_edges", "positive": 3.0}, where="test")
    model = MODELS.build({"name": "edge_filter", "width": 8, "depth": 1}, where="test")
    sample = Graphs()
    sample.graphs = [(nodes, edges[:0], pair[:0], truth[:0]) for nodes, edges, pair, truth in sample.graphs]
    with pytest.raises(RunError, match=r"must hold something to learn from.*4 batches.*hitforge inspect"):
        TorchEngine(model, task, config, GRAPH, tmp_path).fit(sample, Graphs(seed=1), task.score, Progress())
