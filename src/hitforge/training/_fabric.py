"""The steps of a training with PyTorch, through Lightning Fabric: one process, or several that share each batch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from hitforge.core.progress import Step
from hitforge.core.random import integer_seed
from hitforge.models import Model
from hitforge.representations import Shapes
from hitforge.tasks import Task
from hitforge.training._base import CHECK_STEPS
from hitforge.training._schedule import average_decay
from hitforge.training._session import Clock, TrainingSession
from hitforge.training.config import TrainingConfig
from hitforge.training.engine import Batches, Score, Whole

_STATES = ("weights/", "average/", "optimizer/")


class TrainedNetwork(Protocol):
    """The engine whose network is trained, as far as its training looks at it."""

    model: Model
    task: Task
    config: TrainingConfig
    inputs: Shapes
    network: nn.Module
    where: torch.device
    bf16: bool

    def autocast(self) -> AbstractContextManager[Any]:
        """Context in which a forward pass has the engine's precision."""

    def tensor(self, array: Any) -> Tensor:
        """Bring an array to the device."""

    def tensors(self, inputs: dict[str, Any]) -> dict[str, Tensor]:
        """Bring inputs to the device, channels first."""

    def validate(self, batches: Batches, score: Score) -> tuple[float, dict[str, float]]:
        """Return the loss and the scores of a sample."""

    def _weights(self) -> dict[str, Any]:
        """Copies of all weights."""

    def _set_weights(self, tensors: dict[str, Any]) -> None:
        """Set weights."""


class Training:
    """Steps and epochs of one training, in the process that leads or in one that follows.

    Each process answers for its share of every batch; the gradient and the loss are those of the whole batch. The
    leader alone validates and writes.

    Args:
        engine: Network, task and configuration.
        session: History and checkpoints; of a follower, no more than the count of epochs.
        fabric: Device, precision and the other processes.
    """

    def __init__(self, engine: TrainedNetwork, session: TrainingSession, fabric: Fabric) -> None:
        self.engine, self.session, self.fabric = engine, session, fabric
        self.network, self.several = engine.network, fabric.world_size > 1
        self.decayed: list[Tensor] = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        self.average: dict[str, Tensor] = {}
        if engine.config.average and fabric.is_global_zero:
            self.average = {name: value.clone() for name, value in self._floats().items()}
        self.optimizer = self._optimizer()
        if session.tensors is not None:
            self._restore(session.tensors)
            session.tensors = None
        call: Any = torch.compile(self.network) if engine.config.compile else self.network
        self.call, self.stepper = fabric.setup(call, self.optimizer)

    def lead(self, train: Batches, validation: Batches, score: Score, step: Step, whole: Whole | None) -> None:
        """Train the epochs that are left; validate, record, and stop where nothing improves."""
        while not self.session.finished:
            clock = Clock()
            train_loss = self._epoch(train, clock, step)
            with self._averaged():
                loss, scores = self.engine.validate(validation, score)
                scores |= whole() if whole is not None else {}
                weights = self.engine._weights()
            seconds = (clock.seconds, clock.waited)
            self.session.end_epoch((train_loss, loss), scores, seconds, lambda kept=weights: kept, self._state)  # type: ignore[misc]
            if self.several:
                self.fabric.broadcast(self.session.finished)

    def follow(self, train: Batches) -> None:
        """Train until the leader says that it is over."""
        while True:
            self._epoch(train, Clock(), None)
            self.session.rows.append({})
            if self.fabric.broadcast(None):
                return

    def _epoch(self, train: Batches, clock: Clock, step: Step | None) -> float:
        """Train one epoch and return its mean loss; its random numbers are its own, whatever ran before."""
        engine, rank = self.engine, self.fabric.global_rank
        torch.manual_seed(integer_seed(engine.config.seed, "epoch", self.session.epoch, *([rank] if rank else [])))
        self.losses = torch.zeros(self.session.steps, device=engine.where)
        self.sizes: list[int] = []
        self.checked, self.note = 0, ""
        self.network.train()
        for index, (inputs, target) in enumerate(self._loaded(train, clock)):
            self._step(inputs, target, index, train)
            if len(self.sizes) - self.checked >= CHECK_STEPS:
                self._look()
            if step is not None:
                step.advance(self.sizes[-1] if engine.task.per == "event" else engine.config.batch_size, self.note)
        self._look()
        return self.session.mean_loss(self.losses[: len(self.sizes)].cpu().double().numpy(), self.sizes)

    def _loaded(self, train: Batches, clock: Clock) -> Iterator[tuple[dict[str, Tensor], Any]]:
        """The batches of the epoch, as tensors on the device."""
        source, move = train.epoch(self.session.epoch), self.engine.tensor
        while True:
            waiting = Clock()
            batch = next(source, None)
            clock.waited += waiting.seconds
            if batch is None:
                return
            inputs, target = batch
            several = isinstance(target, dict)
            yield (
                self.engine.tensors(inputs),
                {name: move(value) for name, value in target.items()} if several else move(target),
            )

    def _step(self, inputs: dict[str, Tensor], target: Any, index: int, train: Batches) -> None:
        """Take one step; the loss stays on the device."""
        config, number = self.engine.config, self.session.epoch * self.session.steps + index
        rate = self.session.rate(number)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if config.optimizer == "sgd" and config.weight_decay:  # decoupled, as in AdamW
            with torch.no_grad():
                torch._foreach_mul_(self.decayed, 1 - rate * config.weight_decay)
        self.optimizer.zero_grad()
        with self.engine.autocast():
            outputs = self.call(**inputs)
            several = isinstance(outputs, dict)
            outputs = {name: value.float() for name, value in outputs.items()} if several else outputs.float()
            loss = self.engine.task.torch_loss(outputs, target)
        size = config.batch_size if isinstance(target, dict) else len(target)
        if self.several:
            share, size = self._share(target, size, train)
            self.losses[index] = loss.detach() * share
            loss = loss * (share * self.fabric.world_size)  # the gradient becomes the mean of those of all processes
        else:
            self.losses[index] = loss.detach()
        self.fabric.backward(loss)
        if config.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.clip, foreach=True)
        self.stepper.step()
        if self.average:
            step = 1 - average_decay(config, number)
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.values()), list(self._floats().values()), step)
        self.sizes.append(size)

    def _share(self, target: Any, size: int, train: Batches) -> tuple[Tensor, int]:
        """This process's share of what the loss of the whole batch is a mean over, and the whole batch's size."""
        weight = self.engine.task.loss_weight(target)
        if weight is None:
            weight = size if self.engine.task.per == "event" else train.share_events
        own = torch.tensor([float(weight), 0.0 if isinstance(target, dict) else size], device=self.engine.where)
        whole = self.fabric.all_reduce(own.clone(), reduce_op="sum")
        return own[0] / whole[0].clamp(min=1e-12), size if isinstance(target, dict) else int(whole[1])

    def _look(self) -> None:
        """Refuse losses that are not finite, and renew the note."""
        new = self.losses[self.checked : len(self.sizes)]
        if self.several and len(new):
            new.copy_(self.fabric.all_reduce(new.clone(), reduce_op="sum"))
        shown = new.cpu().numpy()
        self.session.check_finite(shown, self.checked)
        self.checked = len(self.sizes)
        if len(shown) and self.fabric.is_global_zero:
            self.note = self.session.note(float(shown.mean()))

    def _optimizer(self) -> torch.optim.Optimizer:
        """Build the optimiser; biases and the parameters of normalisations do not decay."""
        config = self.engine.config
        flat = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": self.decayed}, {"params": flat, "weight_decay": 0.0}]
        if config.optimizer == "adamw":
            return torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)
        return torch.optim.SGD(groups, lr=config.lr, momentum=0.9, nesterov=True, fused=True)

    def _floats(self) -> dict[str, Tensor]:
        """Weights and running averages, without counters; views of the network's own."""
        return {name: value for name, value in self.network.state_dict().items() if value.is_floating_point()}

    def _averaged(self) -> _Swap:
        return _Swap(self._floats(), self.average)

    def _state(self) -> dict[str, Any]:
        """All that a continuation needs."""
        found = {f"weights/{name}": value for name, value in self.engine._weights().items()}
        found |= {f"average/{name}": value.cpu().numpy() for name, value in self.average.items()}
        state = self.optimizer.state
        for name, parameter in self.network.named_parameters():
            for key, value in state[parameter].items():
                found[f"optimizer/{key}/{name}"] = value.cpu().numpy()
        return found

    def _restore(self, tensors: Mapping[str, Any]) -> None:
        weights, average, moments = (
            {name.removeprefix(kind): value for name, value in tensors.items() if name.startswith(kind)}
            for kind in _STATES
        )
        self.engine._set_weights(weights)
        for name, value in average.items() if self.average else ():
            self.average[name].copy_(torch.from_numpy(value))
        parameters = dict(self.network.named_parameters())
        for path, value in moments.items():
            key, _, name = path.partition("/")
            tensor = torch.from_numpy(value)
            parameter = parameters[name]
            if tensor.shape == parameter.shape:  # moments lie in memory as their parameter does
                tensor = torch.empty_like(parameter).copy_(tensor)
            self.optimizer.state[parameter][key] = tensor.to(parameter.device)


class _Swap:
    """Context in which tensors hold other values."""

    def __init__(self, tensors: dict[str, Tensor], values: dict[str, Tensor]) -> None:
        self.tensors, self.values = tensors, values

    def _swap(self) -> None:
        with torch.no_grad():
            for name, value in self.values.items():
                kept = self.tensors[name].clone()
                self.tensors[name].copy_(value)
                value.copy_(kept)

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()
