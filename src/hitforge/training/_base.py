"""What the engines of all frameworks share: identity of weights, saving and loading, saliency."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError
from hitforge.tasks import Better
from hitforge.training import _weights
from hitforge.training._session import TrainingSession, differences
from hitforge.training.engine import Batches, Engine

CHECK_STEPS = 50
"""Steps between two looks at the losses: a look makes the host wait for the device."""


class BaseEngine(Engine):
    """Weights as a mapping of names to arrays."""

    framework = ""

    @abstractmethod
    def _weights(self) -> dict[str, Array]:
        """Return copies of all weights, running averages included, by name."""

    @abstractmethod
    def _set_weights(self, tensors: dict[str, Array]) -> None:
        """Set the weights of the given names."""

    @abstractmethod
    def _slopes(
        self, inputs: dict[str, Array], output: int
    ) -> tuple[dict[str, Any], Callable[[float], dict[str, Any]]]:
        """Return the inputs that are explained, and their gradients as a function of the share of them that is given.

        Both are arrays or tensors in the framework's own layout.
        """

    def _explains(self, name: str, value: Array) -> bool:
        """Whether an input is explained, or held fixed."""
        return True

    def _as_input(self, value: Any) -> Array:
        """An array or tensor in the framework's own layout as the representation gives it."""
        return np.asarray(value)

    def saliency(self, inputs: dict[str, Array], output: int, steps: int = 32) -> dict[str, dict[str, Array]]:
        """Return ``gradient`` and ``integrated`` gradients of one output; see ``Engine.saliency``."""
        if not 0 <= output < self.task.outputs:
            raise ConfigError(f"the output must be one of 0 to {self.task.outputs - 1}", came=output)
        found = {
            name: {kind: np.empty(value.shape, np.float32) for kind in ("gradient", "integrated")}
            for name, value in inputs.items()
            if self._explains(name, value)
        }
        size = self.config.batch_size
        for first in range(0, len(next(iter(inputs.values()))), size):
            part = {name: value[first : first + size] for name, value in inputs.items()}
            ends, slopes = self._slopes(part, output)
            sums: dict[str, Any] = dict.fromkeys(found, 0.0)
            for i in range(steps):
                for name, value in slopes((i + 0.5) / steps).items():
                    sums[name] = sums[name] + value / steps
            for name, value in slopes(1.0).items():
                found[name]["gradient"][first : first + size] = self._as_input(value)
                found[name]["integrated"][first : first + size] = self._as_input(sums[name] * ends[name])
        return found

    @property
    def _identity(self) -> dict[str, Any]:
        """What the weights belong to, as it reads back from JSON."""
        identity = {
            "model": self.model.name,
            "config": self.model.config.model_dump(mode="json"),
            "engine": self.framework,
            "inputs": self.inputs,
            "outputs": self.task.outputs,
        }
        return dict(json.loads(json.dumps(identity)))

    def _session(self, train: Batches, validation: Batches, better: Better) -> TrainingSession:
        sample = {"train_batches": len(train), "train_events": train.events, "validation_events": validation.events}
        for name, batches in (("training", train), ("validation", validation)):
            if not len(batches):
                raise RunError(
                    f"the {name} sample must hold at least one batch",
                    came=f"{batches.events} events",
                    do="give more events or a smaller training.batch_size",
                )
        return TrainingSession(self.config, self._identity, sample, self.folder, better)

    def save(self, path: Path) -> None:
        """Write the weights as safetensors, with the model's configuration in the header."""
        _weights.write(path, self._weights(), {"identity": self._identity})

    def load(self, path: Path, *, strict: bool = True) -> int:
        """Read weights that ``save`` wrote; see ``Engine.load``."""
        tensors, header = _weights.read(path)
        identity = header.get("identity", {})
        self._check_identity(identity, strict, path)
        own = self._weights()
        if set(tensors) != set(own) and (strict or identity.get("model") == self.model.name):
            names = sorted(set(tensors) ^ set(own))
            raise RunError(
                "the weights must be those of this model",
                came=f"differing names {', '.join(names[:4])}",
                where=path,
                do="use the model configuration that the weights were trained with",
            )
        common = {name: value for name, value in tensors.items() if name in own}
        fitting = {name: value for name, value in common.items() if value.shape == own[name].shape}
        if not strict and 2 * len(fitting) < len(tensors):  # a few of the same name mean nothing
            raise RunError(
                "at least half of the weights to start from must fit the model, by name and shape",
                came=f"{len(fitting)} of {len(tensors)}",
                where=path,
                do="start from a model with the same trunk",
            )
        if strict and len(fitting) < len(own):
            name = next(name for name in common if name not in fitting)
            raise RunError(
                f"the weight '{name}' must have the shape {own[name].shape}",
                came=tensors[name].shape,
                where=path,
                do="use the configuration that the weights were trained with",
            )
        self._set_weights(fitting)
        return len(fitting)

    def _check_identity(self, came: dict[str, Any], strict: bool, path: Path) -> None:
        """Compare what weights belong to with this engine; not strict: the same framework is enough."""
        expected = self._identity
        if not strict:
            came, expected = ({key: value for key, value in of.items() if key == "engine"} for of in (came, expected))
        differing = differences(came, expected)
        if differing:
            raise RunError(
                "the weights must belong to this model",
                came="; ".join(differing),
                where=path,
                do="use the model configuration and engine that the weights were trained with",
            )
