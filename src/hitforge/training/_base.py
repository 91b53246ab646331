"""What the engines of all frameworks share: identity of weights, saving and loading."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.tasks import Better
from hitforge.training import _weights
from hitforge.training._session import Session, differences
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

    def _session(self, train: Batches, validation: Batches, better: Better) -> Session:
        sample = {"train_batches": len(train), "train_events": train.events, "validation_events": validation.events}
        for name, batches in (("training", train), ("validation", validation)):
            if not len(batches):
                raise RunError(
                    f"the {name} sample must hold at least one batch",
                    came=f"{batches.events} events",
                    do="give more events or a smaller training.batch_size",
                )
        return Session(self.config, self._identity, sample, self.folder, better)

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
