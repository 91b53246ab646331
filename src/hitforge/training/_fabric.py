"""The training loop's parts for Lightning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import lightning
import numpy as np
import torch
from torch import Tensor

from hitforge.core.progress import Step
from hitforge.core.random import integer_seed
from hitforge.training._base import CHECK_STEPS
from hitforge.training._schedule import average_decay
from hitforge.training._session import Clock, Session
from hitforge.training.engine import Batches, Score

if TYPE_CHECKING:
    from hitforge.training.torch_engine import TorchEngine

_STATES = ("weights/", "average/", "optimizer/")


class Training(lightning.LightningModule):  # type: ignore[misc]
    """Steps and epoch ends of one training.

    Args:
        engine: Network, task and configuration.
        session: History and checkpoints.
        validation: Sample on which each epoch is judged.
        score: Named numbers from outputs and targets.
        step: Receives the progress.
    """

    def __init__(self, engine: TorchEngine, session: Session, validation: Batches, score: Score, step: Step) -> None:
        super().__init__()
        self.engine, self.session, self.validation, self.score, self.progress = engine, session, validation, score, step
        self.network = engine.network
        self.call: Any = torch.compile(engine.network) if engine.config.compile else engine.network
        self.first = session.epoch
        self.decayed: list[Tensor] = [parameter for parameter in self.network.parameters() if parameter.ndim > 1]
        self.average: dict[str, Tensor] = {}
        if engine.config.average:
            self.average = {name: value.clone() for name, value in self._floats().items()}

    @property
    def epoch(self) -> int:
        """Epoch of the whole training, from 0, also after a continuation."""
        return self.first + int(self.current_epoch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimiser; biases and the parameters of normalisations do not decay."""
        config = self.engine.config
        flat = [parameter for parameter in self.network.parameters() if parameter.ndim <= 1]
        groups: list[dict[str, Any]] = [{"params": self.decayed}, {"params": flat, "weight_decay": 0.0}]
        if config.optimizer == "adamw":
            optimizer: torch.optim.Optimizer = torch.optim.AdamW(
                groups, lr=config.lr, weight_decay=config.weight_decay, fused=True
            )
        else:  # the decay is decoupled as in AdamW, see training_step
            optimizer = torch.optim.SGD(groups, lr=config.lr, momentum=0.9, nesterov=True, fused=True)
        if self.session.tensors is not None:
            self._restore(optimizer, self.session.tensors)
            self.session.tensors = None
        return optimizer

    def on_train_epoch_start(self) -> None:
        """Begin an epoch with its own random numbers, whatever ran before."""
        torch.manual_seed(integer_seed(self.engine.config.seed, "epoch", self.epoch))
        self.clock = Clock()
        self.losses = torch.zeros(self.session.steps, device=self.engine.where)
        self.sizes: list[int] = []
        self.checked, self.note = 0, ""
        self.network.train()

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the learning rate, and decay the weights where the optimiser does not."""
        config, optimizer = self.engine.config, self._optimizer()
        rate = self.session.rate(self.epoch * self.session.steps + batch_idx)
        for group in optimizer.param_groups:
            group["lr"] = rate
        if config.optimizer == "sgd" and config.weight_decay:
            with torch.no_grad():
                torch._foreach_mul_(self.decayed, 1 - rate * config.weight_decay)

    def training_step(self, batch: tuple[dict[str, Tensor], Any], batch_idx: int) -> Tensor:
        """Return the loss of a batch; it stays on the device."""
        inputs, target = batch
        outputs = self.call(**inputs)
        several = isinstance(outputs, dict)
        outputs = {name: value.float() for name, value in outputs.items()} if several else outputs.float()
        loss = self.engine.task.torch_loss(outputs, target)
        self.losses[batch_idx] = loss.detach()
        self.sizes.append(self.engine.config.batch_size if isinstance(target, dict) else len(target))
        return loss

    def configure_gradient_clipping(self, *_: Any, **__: Any) -> None:
        """Limit the norm of the gradient; Lightning's own clipping refuses fused optimisers."""
        if self.engine.config.clip:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.engine.config.clip, foreach=True)

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Average the weights, and look at the losses now and then."""
        if self.average:
            share = 1 - average_decay(self.engine.config, self.epoch * self.session.steps + batch_idx)
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.values()), list(self._floats().values()), share)
        if len(self.sizes) - self.checked >= CHECK_STEPS:
            self._look()
        whole = self.engine.task.per == "event"
        self.progress.advance(self.sizes[-1] if whole else self.engine.config.batch_size, self.note)

    def on_train_epoch_end(self) -> None:
        """Validate, record, and stop where nothing improves."""
        self._look()
        train_loss = float(np.average(self.losses[: len(self.sizes)].cpu().double().numpy(), weights=self.sizes))
        with self._averaged():
            loss, scores = self.engine.validate(self.validation, self.score)
            weights = self.engine._weights()
        self.session.end_epoch(
            (train_loss, loss),
            scores,
            (self.clock.seconds, self.clock.waited),
            lambda: weights,
            self._state,
        )
        if self.session.finished:
            self.trainer.should_stop = True

    def _look(self) -> None:
        """Refuse losses that are not finite, and renew the note."""
        new = self.losses[self.checked : len(self.sizes)].cpu().numpy()
        self.session.check_finite(new, self.checked)
        self.checked, self.note = len(self.sizes), self.session.note(float(new.mean())) if len(new) else self.note

    def _optimizer(self) -> torch.optim.Optimizer:
        return self.trainer.optimizers[0]  # type: ignore[no-any-return]

    def _floats(self) -> dict[str, Tensor]:
        """Weights and running averages, without counters; views of the network's own."""
        return {name: value for name, value in self.network.state_dict().items() if value.is_floating_point()}

    def _averaged(self) -> _Swap:
        return _Swap(self._floats(), self.average)

    def _state(self) -> dict[str, Any]:
        """All that a continuation needs."""
        found = {f"weights/{name}": value for name, value in self.engine._weights().items()}
        found |= {f"average/{name}": value.cpu().numpy() for name, value in self.average.items()}
        state = self._optimizer().state
        for name, parameter in self.network.named_parameters():
            for key, value in state[parameter].items():
                found[f"optimizer/{key}/{name}"] = value.cpu().numpy()
        return found

    def _restore(self, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Any]) -> None:
        weights, average, moments = (
            {name.removeprefix(kind): value for name, value in tensors.items() if name.startswith(kind)}
            for kind in _STATES
        )
        self.engine._set_weights(weights)
        for name, value in average.items():
            self.average[name].copy_(torch.from_numpy(value))
        parameters = dict(self.network.named_parameters())
        for path, value in moments.items():
            key, _, name = path.partition("/")
            tensor = torch.from_numpy(value)
            parameter = parameters[name]
            if tensor.shape == parameter.shape:  # moments lie in memory as their parameter does
                tensor = torch.empty_like(parameter).copy_(tensor)
            optimizer.state[parameter][key] = tensor.to(parameter.device)


class Loader:
    """The training batches of each epoch, as tensors on the device.

    Args:
        engine: Makes tensors.
        training: Knows the epoch, and counts the seconds that are waited.
        batches: The sample.
    """

    def __init__(self, engine: TorchEngine, training: Training, batches: Batches) -> None:
        self.engine, self.training, self.batches = engine, training, batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[dict[str, Tensor], Any]]:
        source = self.batches.epoch(self.training.epoch)
        for left in reversed(range(len(self))):
            clock = Clock()
            batch = next(source, None)
            self.training.clock.waited += clock.seconds
            if batch is None:
                return
            if not left:
                next(source, None)  # lets the source end, as Lightning asks for no more
            inputs, target = batch
            several = isinstance(target, dict)
            move = self.engine.tensor
            yield (
                self.engine.tensors(inputs),
                {name: move(value) for name, value in target.items()} if several else move(target),
            )


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


def trainer(engine: TorchEngine, session: Session) -> lightning.Trainer:
    """Return a Lightning trainer that neither prints nor writes: that is the session's work."""
    return lightning.Trainer(
        accelerator=engine.where.type,
        devices=[engine.where.index] if engine.where.type == "cuda" else 1,
        precision="bf16-mixed" if engine.bf16 else "32-true",
        max_epochs=engine.config.epochs - session.epoch,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        limit_val_batches=0,
        use_distributed_sampler=False,
        default_root_dir=engine.folder,
    )
