"""The PyTorch engine on a small synthetic sample."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.training import TrainingConfig, _hardware, _weights
from hitforge.training.torch_engine import TorchEngine
from tests.training.engines import RESIDUAL, InterruptionError, assert_same, fit, history, interrupt_at, make
from tests.training.synthetic import Blobs, CrossEntropy, accuracy


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
@pytest.mark.parametrize(
    "model",
    [
        {"name": "plain_cnn", "widths": [8, 16], "convolutions": 1},
        {"name": "residual", "blocks": 1, "widths": [8, 16]},
        {"name": "vision_transformer", "patch": 4, "width": 16, "depth": 2, "heads": 2},
    ],
    ids=lambda model: model["name"],
)
def test_learns_64_images_by_heart(tmp_path: Path, model: dict[str, Any], optimizer: str) -> None:
    lr = 0.01 if optimizer == "adamw" else 0.1
    sample = Blobs(signal=0.0)
    engine = make(tmp_path, model, epochs=40, lr=lr, weight_decay=0.0, optimizer=optimizer)
    fit(engine, sample, sample)
    outputs, target = engine.predict(sample)
    assert outputs.shape == (64, 2)
    assert outputs.dtype == np.float32
    assert accuracy(outputs, target)["accuracy"] > 0.97


@pytest.mark.parametrize(("average", "optimizer"), [(0.0, "adamw"), (0.9, "sgd")])
def test_an_interrupted_training_ends_with_the_same_numbers(tmp_path: Path, average: float, optimizer: str) -> None:
    whole = fit(make(tmp_path / "whole", average=average, optimizer=optimizer))
    for epoch, step in ((0, 2), (1, 1), (3, 3)):
        train = Blobs()
        train.hook = interrupt_at(epoch, step)
        with pytest.raises(InterruptionError):
            fit(make(tmp_path / "parts", average=average, optimizer=optimizer), train)
        assert len(history(tmp_path / "parts")) == epoch if epoch else not (tmp_path / "parts" / "history.csv").exists()
    assert_same(whole, fit(make(tmp_path / "parts", average=average, optimizer=optimizer)))


def test_a_killed_training_continues(tmp_path: Path) -> None:
    whole = fit(make(tmp_path / "whole"))
    script = (
        "import sys; from pathlib import Path; import os, signal; from tests.training import engines as t\n"
        "train = t.Blobs()\n"
        "train.hook = lambda epoch, step: os.kill(os.getpid(), signal.SIGKILL) if (epoch, step) == (2, 1) else None\n"
        "t.fit(t.make(Path(sys.argv[1])), train)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path / "parts")], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(history(tmp_path / "parts")) == 2
    assert_same(whole, fit(make(tmp_path / "parts")))


def test_a_terminated_training_ends_by_the_signal(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; import os, signal; from tests.training import engines as t\n"
        "train = t.Blobs()\n"
        "train.hook = lambda epoch, step: os.kill(os.getpid(), signal.SIGTERM) if (epoch, step) == (1, 1) else None\n"
        "t.fit(t.make(Path(sys.argv[1])), train)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    ended = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGTERM
    assert ended.stderr == b""
    assert len(history(tmp_path)) == 1


def test_ctrl_c_is_passed_on(tmp_path: Path) -> None:
    train = Blobs()

    def hook(epoch: int, step: int) -> None:
        raise KeyboardInterrupt

    train.hook = hook
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        fit(make(tmp_path), train)
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_finished_training_is_only_read(tmp_path: Path) -> None:
    first = fit(make(tmp_path))
    train = Blobs()
    assert_same(first, fit(make(tmp_path), train))
    assert train.epochs == []


def test_same_seed_same_numbers_and_another_seed_others(tmp_path: Path) -> None:
    first, second, other = (fit(make(tmp_path / n, seed=s, epochs=2)) for n, s in (("a", 5), ("b", 5), ("c", 6)))
    assert_same(first, second)
    assert history(first.folder) != history(other.folder)


def test_the_state_of_the_process_stays_as_it_was(tmp_path: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    fit(make(tmp_path, epochs=1))
    assert torch.equal(torch.rand(3), expected)
    assert {path.name for path in tmp_path.iterdir()} == {"checkpoints", "events", "history.csv"}


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fit(make(tmp_path, epochs=1))
    assert capfd.readouterr() == ("", "")


def scripted(values: list[float]) -> Any:
    rest = iter(values)
    return lambda outputs, target: {"accuracy": next(rest)}


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    engine = make(tmp_path / "a", epochs=9, patience=2)
    sample = Blobs()
    engine.fit(sample, Blobs(seed=1), scripted([0.5, 0.9, 0.7, 0.8, 0.95]), Progress())
    assert sample.epochs == [0, 1, 2, 3]  # the second was the best, and two epochs brought nothing better
    kept = make(tmp_path / "b", epochs=9, patience=2)
    train = Blobs()
    train.hook = interrupt_at(2, 0)
    with pytest.raises(InterruptionError):
        kept.fit(train, Blobs(seed=1), scripted([0.5, 0.9]), Progress())
    kept.load(tmp_path / "b" / "checkpoints" / "best.safetensors")
    for name, value in engine._weights().items():
        np.testing.assert_array_equal(value, kept._weights()[name])


def test_a_loss_can_be_monitored(tmp_path: Path) -> None:
    engine = fit(make(tmp_path, monitor="loss", epochs=6))
    losses = [float(row["validation_loss"]) for row in history(engine.folder)]
    best = 1 + losses.index(min(losses))
    _, header = _weights.read(tmp_path / "checkpoints" / "best.safetensors")
    assert header["epoch"] == best


def test_an_unknown_monitor_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'accuracy'"):
        fit(make(tmp_path, monitor="acuracy"))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    fit(make(tmp_path, epochs=1))
    path = tmp_path / "checkpoints" / "last.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(RunError, match="damaged"):
        fit(make(tmp_path, epochs=1))
    path.write_bytes(content)
    (tmp_path / "checkpoints" / "best.safetensors").unlink()
    with pytest.raises(RunError, match="best weights"):
        fit(make(tmp_path, epochs=1))


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    fit(make(tmp_path, epochs=1))
    with pytest.raises(RunError, match=r"training.lr is 0.002 there and 0.001 here"):
        fit(make(tmp_path, epochs=1, lr=1e-3))
    with pytest.raises(RunError, match=r"identity.config.blocks"):
        fit(make(tmp_path, {**RESIDUAL, "blocks": 2}, epochs=1))
    with pytest.raises(RunError, match=r"sample.train_events is 64 there and 60 here"):
        fit(make(tmp_path, epochs=1), Blobs(events=60))


def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    sample = Blobs()

    def spoil(epoch: int, step: int) -> None:
        if (epoch, step) == (1, 2):
            sample.images[:] = np.nan

    sample.hook = spoil
    with pytest.raises(RunError, match="epoch 2, step 3"):
        fit(make(tmp_path), sample)


def test_integrated_gradients_sum_to_the_difference_of_the_outputs(tmp_path: Path) -> None:
    engine = fit(make(tmp_path, epochs=3))
    images = Blobs().images[:20]
    found = engine.saliency({"image": images}, output=1, steps=128)["image"]
    assert found["gradient"].shape == found["integrated"].shape == images.shape
    with torch.inference_mode():
        ends, zero = (engine.network(**engine.tensors({"image": x})).numpy() for x in (images, np.zeros_like(images)))
    change = (ends[:, 1] - ends[:, 0]) - (zero[:, 1] - zero[:, 0])
    np.testing.assert_allclose(found["integrated"].sum((1, 2, 3)), change, atol=0.02 * np.abs(change).max())
    step = 1e-2
    moved = images.copy()
    moved[:, 3, 2, 0] += step
    with torch.inference_mode():
        after = engine.network(**engine.tensors({"image": moved})).numpy()
    slope = ((after[:, 1] - after[:, 0]) - (ends[:, 1] - ends[:, 0])) / step
    np.testing.assert_allclose(np.median(found["gradient"][:, 3, 2, 0] - slope), 0, atol=1e-2)
    with pytest.raises(ConfigError, match="output"):
        engine.saliency({"image": images}, output=2)


def test_bf16_and_fp32_agree_roughly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hardware, "cpu", lambda: ("A processor", True))
    single, half = make(tmp_path, precision="fp32"), make(tmp_path, precision="bf16")
    assert half.device.endswith("bf16")
    sample = Blobs()
    np.testing.assert_allclose(single.predict(sample)[0], half.predict(sample)[0], atol=0.05)
    fit(make(tmp_path / "half", precision="bf16"))
    fit(make(tmp_path / "single", precision="fp32"))
    a, b = (float(history(tmp_path / name)[-1]["train_loss"]) for name in ("half", "single"))
    assert a == pytest.approx(b, rel=0.05)
    assert a != b


def test_no_gpu_is_said(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        assert "cpu" not in make(tmp_path, device="cuda").device.lower()
    else:
        with pytest.raises(RunError, match="no GPU"):
            make(tmp_path, device="cuda")


def test_predictions_of_no_events_are_empty(tmp_path: Path) -> None:
    outputs, target = make(tmp_path).predict(Blobs(events=0))
    assert outputs.shape == (0, 2)
    assert len(target) == 0


class _TwoClasses(CrossEntropy):
    """Two classes, of which one is explained against the other."""

    competing = True


class _Others(Blobs):
    """The blobs as a volume, or as the points of a ragged event with neighbours, beside a summary."""

    def __init__(self, kind: str) -> None:
        super().__init__(events=32)
        self.kind = kind

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        if self.kind == "volume":
            return {"volume": (8, 4, 4, 1), "summary": (3,)}
        return {"points": (16, 8), "position": (16, 3), "mask": (16, 1), "neighbours": (16, 2), "summary": (3,)}

    def epoch(self, number: int) -> Any:
        for inputs, target in super().epoch(number):
            image = inputs["image"]
            found = {"summary": image[:, 0, :3, 1] + 0}
            if self.kind == "volume":
                yield {"volume": image.reshape(-1, 8, 4, 4, 1), **found}, target
                continue
            mask = np.ones((len(image), 16, 1), np.float32)
            mask[::2, 12:] = 0
            points = image.reshape(-1, 16, 8) * mask
            neighbours = np.broadcast_to(np.arange(32, dtype=np.int32).reshape(16, 2) % 12, (len(image), 16, 2)).copy()
            yield (
                {"points": points, "position": points[..., :3] + 0, "mask": mask, "neighbours": neighbours, **found},
                target,
            )


@pytest.mark.parametrize(
    "model",
    [
        {"name": "recurrent_layers", "widths": [4], "hidden": 4, "dense": 4},
        {"name": "plain_cnn_3d", "widths": [4], "dense": 4},
        {"name": "message_passing", "width": 8, "edge": 4, "dense": 4},
        {"name": "edge_conv", "widths": [6, 6], "embedding": 8, "dense": 4, "graph": "given", "norm": "batch"},
    ],
    ids=lambda model: model["name"],
)
def test_volumes_and_points_train_and_are_explained(
    tmp_path: Path, model: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hardware, "cpu", lambda: ("A processor", True))  # slow without the units, but right
    sample = _Others("volume" if model["name"] in ("recurrent_layers", "plain_cnn_3d") else "points")
    config = TrainingConfig(epochs=2, batch_size=16, monitor="accuracy", precision="bf16")

    def build(folder: Path) -> TorchEngine:
        built = MODELS.build(model, where="test")
        return TorchEngine(built, _TwoClasses(Config()), config, sample.shapes, folder)

    engine = build(tmp_path / "first")
    engine.fit(sample, sample, accuracy, Progress())
    engine.save(tmp_path / "model.safetensors")
    again = build(tmp_path / "second")
    again.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(sample)[0], engine.predict(sample)[0])
    inputs, _ = next(sample.epoch(0))
    found = engine.saliency(inputs, output=1, steps=64)
    assert set(found) == {next(iter(inputs)), "summary"}  # position, mask and neighbours are held fixed
    zero = {name: np.zeros_like(value) if name in found else value for name, value in inputs.items()}
    with torch.inference_mode():
        ends, start = (engine.network(**engine.tensors(part)).numpy() for part in (inputs, zero))
    change = (ends[:, 1] - ends[:, 0]) - (start[:, 1] - start[:, 0])
    total = sum(maps["integrated"].reshape(len(change), -1).sum(1) for maps in found.values())
    np.testing.assert_allclose(total, change, atol=0.05 * np.abs(change).max())
    for name, maps in found.items():
        assert maps["gradient"].shape == maps["integrated"].shape == inputs[name].shape
