"""The Keras engine on a small synthetic sample."""

from __future__ import annotations

import builtins
import csv
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, MissingExtraError, RunError
from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.training import TrainingConfig, _hardware
from hitforge.training.keras_engine import KerasEngine
from tests.training.synthetic import INPUTS, Blobs, CrossEntropy, accuracy

keras = pytest.importorskip("keras")
CNN = {"name": "plain_cnn", "widths": [8], "convolutions": 1, "dropout": 0.2}


def make(folder: Path, model: Any = CNN, **training: Any) -> KerasEngine:
    settings = {"engine": "keras", "epochs": 3, "batch_size": 32, "monitor": "accuracy", "lr": 0.01, **training}
    built = MODELS.build(model, where="test")
    return KerasEngine(built, CrossEntropy(Config()), TrainingConfig(**settings), INPUTS, folder)


def fit(engine: KerasEngine, train: Blobs | None = None, score: Any = accuracy) -> KerasEngine:
    engine.fit(train or Blobs(batch=32), Blobs(seed=1, batch=32, shuffle=False), score, Progress())
    return engine


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as handle:
        return [{k: v for k, v in row.items() if "seconds" not in k} for row in csv.DictReader(handle)]


def assert_same(a: KerasEngine, b: KerasEngine) -> None:
    assert history(a.folder) == history(b.folder)
    for (name, first), second in zip(a._weights().items(), b._weights().values(), strict=True):
        np.testing.assert_array_equal(first, second, err_msg=name)


class InterruptionError(Exception):
    """What stops a training in these tests."""


def interrupted(epoch: int, step: int) -> Blobs:
    sample = Blobs(batch=32)

    def hook(now: int, at: int) -> None:
        if (now, at) == (epoch, step):
            raise InterruptionError

    sample.hook = hook
    return sample


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> KerasEngine:
    """A training with averaged weights."""
    return fit(make(tmp_path_factory.mktemp("trained"), average=0.9))


def test_learns_64_images_by_heart(tmp_path: Path) -> None:
    sample = Blobs(signal=0.0, batch=32)
    model = {"name": "residual", "blocks": 1, "widths": [8, 16]}
    engine = make(tmp_path, model, epochs=40, weight_decay=0.0)
    engine.fit(sample, sample, accuracy, Progress())
    outputs, target = engine.predict(sample)
    assert outputs.shape == (64, 2)
    assert outputs.dtype == np.float32
    assert accuracy(outputs, target)["accuracy"] > 0.97


def test_an_interrupted_training_ends_with_the_same_numbers(tmp_path: Path, trained: KerasEngine) -> None:
    for epoch, step in ((0, 1), (2, 1)):
        with pytest.raises(InterruptionError):
            fit(make(tmp_path, average=0.9), interrupted(epoch, step))
    assert len(history(tmp_path)) == 2
    assert_same(trained, fit(make(tmp_path, average=0.9)))


def test_another_seed_gives_other_numbers(tmp_path: Path, trained: KerasEngine) -> None:
    assert history(fit(make(tmp_path, average=0.9, seed=2)).folder) != history(trained.folder)


def test_a_finished_training_is_only_read(trained: KerasEngine) -> None:
    train = Blobs(batch=32)
    again = make(trained.folder, average=0.9)
    assert_same(trained, fit(again, train))
    assert train.epochs == []


def test_averaged_weights_follow_the_recursion(tmp_path: Path) -> None:
    plain = make(tmp_path / "a", epochs=1)
    name = "head_output/kernel"
    states = [plain._weights()[name]]
    sample = Blobs(batch=32)
    sample.hook = lambda epoch, step: states.append(plain._weights()[name]) if step else None
    fit(plain, sample)
    states.append(plain._weights()[name])
    expected = states[0]
    for step, weights in enumerate(states[1:]):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weights
    averaged = fit(make(tmp_path / "b", epochs=1, average=0.5))
    np.testing.assert_allclose(averaged._weights()[name], expected, rtol=1e-4, atol=1e-6)


def test_biases_and_norms_do_not_decay(tmp_path: Path) -> None:
    engine = make(tmp_path, epochs=1, optimizer="sgd", weight_decay=10.0, clip=1e-30, schedule="constant", warmup=0.0)
    before = engine._weights()
    after = fit(engine)._weights()
    name = "stages_0_0_convolution/kernel"
    np.testing.assert_allclose(after[name], before[name] * 0.9**2, atol=1e-6)
    np.testing.assert_allclose(after["stages_0_0_norm/gamma"], before["stages_0_0_norm/gamma"], atol=1e-6)


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    values = iter([0.5, 0.9, 0.7, 0.8, 0.95])
    weights = []

    def score(outputs: Any, target: Any) -> dict[str, float]:
        weights.append(engine._weights())
        return {"accuracy": next(values)}

    engine = make(tmp_path, epochs=9, patience=2)
    fit(engine, score=score)
    assert len(weights) == 4
    for name, value in engine._weights().items():
        np.testing.assert_array_equal(value, weights[1][name])


def test_weights_and_checkpoints_of_others_are_refused(tmp_path: Path, trained: KerasEngine) -> None:
    path = tmp_path / "model.safetensors"
    trained.save(path)
    with pytest.raises(RunError, match=r"config.widths"):
        make(tmp_path, {**CNN, "widths": [4]}).load(path)
    from hitforge.training.torch_engine import TorchEngine

    with pytest.raises(RunError, match="engine is 'keras' there and 'torch' here"):
        TorchEngine(trained.model, trained.task, trained.config, INPUTS, tmp_path).load(path, strict=False)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(RunError, match="damaged"):
        trained.load(path)
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(RunError, match="pickle"):
        trained.load(path)
    with pytest.raises(RunError, match=r"training.lr"):
        fit(make(trained.folder, average=0.9, lr=0.1))


def test_a_loss_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    sample = Blobs(batch=32)

    def spoil(epoch: int, step: int) -> None:
        if (epoch, step) == (1, 1):
            sample.images[:] = np.nan

    sample.hook = spoil
    # where a processor's maximum drops a NaN, ReLU hides it once, and the weights have it in the next step
    with pytest.raises(RunError, match=r"epoch (2, step 2|3, step 1)"):
        fit(make(tmp_path), sample)


def test_integrated_gradients_sum_to_the_difference_of_the_outputs(trained: KerasEngine) -> None:
    images = Blobs().images[:40]
    found = trained.saliency({"image": images}, output=1, steps=128)["image"]
    assert found["gradient"].shape == found["integrated"].shape == images.shape
    ends, zero = (trained.network.predict_on_batch({"image": x}) for x in (images, np.zeros_like(images)))
    change = (ends[:, 1] - ends[:, 0]) - (zero[:, 1] - zero[:, 0])
    np.testing.assert_allclose(found["integrated"].sum((1, 2, 3)), change, atol=0.02 * np.abs(change).max())
    with pytest.raises(ConfigError, match="output"):
        trained.saliency({"image": images}, output=2)


def test_bf16_and_fp32_agree_roughly(tmp_path: Path) -> None:
    if not _hardware.cpu()[1]:
        pytest.skip("the processor has no bf16 units, and oneDNN no convolution in bf16 without them")
    single, half = make(tmp_path, precision="fp32"), make(tmp_path, precision="bf16")
    assert half.device.endswith("bf16")
    a, b = (engine.predict(Blobs(batch=32))[0] for engine in (single, half))
    np.testing.assert_allclose(a, b, atol=0.05)
    assert np.any(a != b)
    assert half.network.variables[0].dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


def test_the_schedule_and_the_loss_are_those_of_the_torch_engine(tmp_path: Path) -> None:
    """The same weights, batches and recipe give the same losses, step by step, as far as rounding goes."""
    from hitforge.training.torch_engine import TorchEngine

    model = {**CNN, "dropout": 0.0}
    ours = make(tmp_path / "keras", model, precision="fp32")
    settings = ours.config.model_copy(update={"engine": "torch"})
    other = TorchEngine(ours.model, ours.task, settings, INPUTS, tmp_path / "torch")
    values = other._weights()
    ours._set_weights(
        {
            "stages_0_0_convolution/kernel": values["stages.0.0.convolution.weight"].transpose(2, 3, 1, 0),
            "head_output/kernel": values["head.output.weight"].T,
        }
    )
    fit(ours)
    other.fit(Blobs(batch=32), Blobs(seed=1, batch=32, shuffle=False), accuracy, Progress())
    for a, b in zip(history(tmp_path / "keras"), history(tmp_path / "torch"), strict=True):
        assert list(a) == list(b)
        assert a["lr"] == b["lr"]
        assert float(a["train_loss"]) == pytest.approx(float(b["train_loss"]), rel=1e-3)
        assert float(a["validation_loss"]) == pytest.approx(float(b["validation_loss"]), rel=5e-3)


def test_a_model_without_keras_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"set training.engine to torch"):
        make(tmp_path, {"name": "convnext", "patch": 4})


def test_an_absent_extra_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_keras(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name.partition(".")[0] in ("keras", "tensorflow"):
            raise ImportError(f"No module named '{name}'")
        return real(name, *arguments, **keywords)

    for name in ("keras", "tensorflow"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setattr(builtins, "__import__", without_keras)
    with pytest.raises(MissingExtraError, match=r"hitforge\[keras\]"):
        make(tmp_path)


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fit(make(tmp_path, epochs=1))
    assert capfd.readouterr() == ("", "")
