"""Training with PyTorch through Lightning Fabric."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.progress import Progress
from hitforge.core.random import integer_seed
from hitforge.models import Model
from hitforge.representations import Shapes
from hitforge.tasks import Better, Task
from hitforge.training._base import BaseEngine
from hitforge.training._hardware import cpu, cpu_with_bf16
from hitforge.training._session import TrainingSession
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches, Outputs, Score, Whole

_FIXED = ("position", "momentum", "mask")  # inputs that a saliency leaves as they are


class TorchEngine(BaseEngine):
    """Trains a PyTorch network: see ``Engine``."""

    framework = "torch"

    def __init__(self, model: Model, task: Task, config: TrainingConfig, inputs: Shapes, folder: Path) -> None:
        super().__init__(model, task, config, inputs, folder)
        if "torch" not in model.engines():
            raise ConfigError(
                f"the model '{model.name}' cannot be trained with PyTorch",
                came="training.engine: torch",
                do=f"set training.engine to {' or '.join(model.engines())}",
            )
        if config.threads:
            torch.set_num_threads(config.threads)
        self.where = _device(config)
        self.bf16 = _bf16(config, self.where)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(integer_seed(config.seed, "weights"))
            network = model.torch(inputs, task.outputs)
        self.network: nn.Module = _channels_last(network.to(self.where))

    @classmethod
    def require(cls, config: TrainingConfig) -> None:
        """Refuse a device or a precision that this machine does not have; see ``Engine.require``."""
        where = _device(config)
        _bf16(config, where)
        there = torch.cuda.device_count() if where.type == "cuda" else config.devices
        if config.devices > there:
            raise RunError(
                f"training.devices is {config.devices}, but PyTorch sees fewer GPUs",
                came=there,
                do=f"set training.devices to {there}, or training.device to cpu",
            )

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(parameter.numel() for parameter in self.network.parameters() if parameter.requires_grad)

    @property
    def device(self) -> str:
        """Name of the device and precision."""
        name = torch.cuda.get_device_name(self.where) if self.where.type == "cuda" else cpu()[0]
        return f"{name}, {'bf16' if self.bf16 else 'fp32'}"

    def fit(
        self,
        train: Batches,
        validation: Batches,
        score: Score,
        progress: Progress,
        better: Better = "max",
        whole: Whole | None = None,
    ) -> None:
        """Train to the end, from the last checkpoint where there is one; see ``Engine.fit``."""
        session = self._session(train, validation, better)
        if not session.finished:
            seen = len(train) * min(self.config.batch_size, train.events)  # an incomplete batch is left out
            with _repeatable(self.where), progress.step("training", self.config.epochs * seen, "events") as step:
                step.advance(session.epoch * seen)
                try:
                    self._run(session, train, validation, score, step, whole)
                finally:
                    session.close()
        self.load(session.best_path)

    def predict(self, batches: Batches) -> tuple[Array, Array]:
        """Return outputs (N, K) float32 and targets (N, ...) in the order of the batches."""
        self.network.eval()
        outputs, targets = [], []
        with torch.inference_mode(), self.autocast():
            for inputs, target in batches.epoch(0):
                outputs.append(self.network(**self.tensors(inputs)).float())
                targets.append(target)
        if not outputs:
            return np.zeros((0, self.task.outputs), np.float32), np.zeros(0)
        return torch.cat(outputs).cpu().numpy(), np.concatenate(targets)

    def infer(self, inputs: dict[str, Array]) -> Outputs:
        """Return the outputs of one batch, (rows, K) float32, or arrays by name where the network gives several."""
        self.network.eval()
        with torch.inference_mode(), self.autocast():
            outputs = self.network(**self.tensors(inputs))
        if isinstance(outputs, dict):
            return {name: value.float().cpu().numpy() for name, value in outputs.items()}
        rows: Array = outputs.float().cpu().numpy()
        return rows

    def validate(self, batches: Batches, score: Score) -> tuple[float, dict[str, float]]:
        """Return the loss and the scores of a sample; of all but events, means over its batches."""
        if self.task.per == "event":
            outputs, target = self.predict(batches)
            loss = self.task.torch_loss(torch.from_numpy(outputs), torch.from_numpy(target))
            return float(loss), score(outputs, target)
        losses, scores = [], []
        for inputs, truth in batches.epoch(0):
            rows = self.infer(inputs)
            losses.append(float(self.task.torch_loss(_tensors(rows), _tensors(truth))))
            scores.append(score(rows, truth))
        known = {name: [s[name] for s in scores if np.isfinite(s[name])] for name in scores[0]}
        return float(np.mean(losses)), {name: float(np.mean(v)) if v else float("nan") for name, v in known.items()}

    def saliency(self, inputs: dict[str, Array], output: int, steps: int = 32) -> dict[str, dict[str, Array]]:
        """Return ``gradient`` and ``integrated`` gradients of one output, in fp32; see ``Engine.saliency``.

        What says where the numbers lie is held fixed and not explained: ``position``, ``momentum``, ``mask`` and
        integer inputs such as ``neighbours``. So the features of points are taken to zero where they are, in an
        unchanged graph of theirs; a graph that the network finds in its own features follows them.
        """
        self.network.eval()
        return super().saliency(inputs, output, steps)

    def _explains(self, name: str, value: Array) -> bool:
        return name not in _FIXED and value.dtype.kind == "f"

    def _slopes(
        self, inputs: dict[str, Array], output: int
    ) -> tuple[dict[str, Any], Callable[[float], dict[str, Any]]]:
        ends = self.tensors(inputs)
        names = [name for name, value in inputs.items() if self._explains(name, value)]
        return ends, lambda share: self._gradient(ends, names, share, output)

    def _as_input(self, value: Any) -> Array:
        """Images become (B, H, W, C), volumes (B, L, H, W, C)."""
        return _array(value.movedim(1, -1) if value.ndim > 3 else value)

    def autocast(self) -> AbstractContextManager[Any]:
        """Context in which a forward pass has this engine's precision."""
        return torch.autocast(self.where.type, torch.bfloat16) if self.bf16 else nullcontext()

    def tensors(self, inputs: dict[str, Array]) -> dict[str, Tensor]:
        """Bring inputs to the device; channels come first, (B, C, H, W) or (B, C, L, H, W), without a copy."""
        moved = {name: self.tensor(value) for name, value in inputs.items()}
        return {name: value.movedim(-1, 1) if value.ndim > 3 else value for name, value in moved.items()}

    def tensor(self, array: Array) -> Tensor:
        """Bring an array to the device, on a GPU while the host goes on."""
        tensor = torch.from_numpy(array)
        return tensor.pin_memory().to(self.where, non_blocking=True) if self.where.type == "cuda" else tensor

    def _gradient(self, ends: dict[str, Tensor], names: Iterable[str], share: float, output: int) -> dict[str, Tensor]:
        """Gradient of the explained output where the named inputs are ``share`` of their values."""
        points = {name: (ends[name] * share).requires_grad_() for name in names}
        recurrent = any(isinstance(module, nn.RNNBase) for module in self.network.modules())
        # cuDNN gives no gradient of a recurrent network in evaluation mode
        with torch.backends.cudnn.flags(enabled=False) if recurrent else nullcontext():
            return self._explain(ends, points, output)

    def _explain(self, ends: dict[str, Tensor], points: dict[str, Tensor], output: int) -> dict[str, Tensor]:
        """Gradient of the explained output by ``points``, which stand in place of ``ends``."""
        outputs = self.network(**{**ends, **points})  # (B, K)
        explained = outputs[:, output].sum()
        if self.task.competing and outputs.shape[1] > 1:
            others = outputs.sum() - explained
            explained = explained - others / (outputs.shape[1] - 1)
        # events do not mix in evaluation mode: the gradient of the sum holds each event's own
        gradients = torch.autograd.grad(explained, list(points.values()))
        return dict(zip(points, gradients, strict=True))

    def _run(
        self,
        session: TrainingSession,
        train: Batches,
        validation: Batches,
        score: Score,
        step: Any,
        whole: Whole | None,
    ) -> None:
        """Train the epochs that are left, alone or as the leader of several processes."""
        # Fabric takes seconds to import, and only training needs it
        from hitforge.training._fabric import Training
        from hitforge.training.processes import team

        with team(self, session, train) as (fabric, share):
            Training(self, session, fabric).lead(share, validation, score, step, whole)

    def _weights(self) -> dict[str, Array]:
        return {name: _array(value) for name, value in self.network.state_dict().items()}

    def _set_weights(self, tensors: dict[str, Array]) -> None:
        with torch.no_grad():
            own = self.network.state_dict()
            for name, value in tensors.items():
                own[name].copy_(torch.from_numpy(value))


def _tensors(values: Array | dict[str, Array]) -> Any:
    """One array or several by name as tensors on the host."""
    if isinstance(values, dict):
        return {name: torch.from_numpy(value) for name, value in values.items()}
    return torch.from_numpy(values)


def _array(tensor: Tensor) -> Array:
    """A copy in NumPy."""
    return tensor.detach().cpu().numpy().copy()


def _channels_last(network: nn.Module) -> nn.Module:
    """Lay the weights of 2D and 3D convolutions out with channels last, where the inputs have them too."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in network.parameters():
        if parameter.ndim in formats:
            parameter.data = parameter.data.to(memory_format=formats[parameter.ndim])
    return network


def _device(config: TrainingConfig) -> torch.device:
    available = torch.cuda.is_available()
    if config.device == "cuda" and not available:
        raise RunError(
            "training.device is cuda, but PyTorch sees no GPU",
            came=f"torch {torch.__version__}",
            do="set training.device to auto, or install a PyTorch with CUDA",
        )
    if available and config.device != "cpu":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu")


def _bf16(config: TrainingConfig, device: torch.device) -> bool:
    if config.precision != "auto":
        return config.precision == "bf16" and (device.type == "cuda" or cpu_with_bf16())
    return torch.cuda.get_device_capability(device) >= (8, 0) if device.type == "cuda" else cpu()[1]


@contextmanager
def _repeatable(device: torch.device) -> Iterator[None]:
    """Leave the process's random state as it was; on a GPU, only algorithms that repeat their sums in one order."""
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            if device.type == "cuda":
                torch.use_deterministic_algorithms(True, warn_only=True)
            yield
        finally:
            torch.use_deterministic_algorithms(before[0], warn_only=before[1])
