"""Classification: which of several classes an event belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, require
from hitforge.events import Events
from hitforge.tasks import Better, Task

if TYPE_CHECKING:
    import torch


class Classify(Task):
    """One output (logit) a class; softmax turns them into probabilities; the loss is the cross entropy."""

    competing: ClassVar[bool] = True
    usual_metrics: ClassVar[tuple[str, ...]] = (
        "roc_auc",
        "background_efficiency",
        "calibration",
        "confusion",
        "score_distribution",
        "score_profile",
    )

    class Config(config.Config):
        """Classes and loss."""

        classes: dict[str, tuple[int, ...]] = Field(
            {"photon": (22,), "electron": (11, -11)},
            description="name of each class -> values of the field that belong to it",
        )
        field: str = Field("primary_pdg", description="event field that holds the label")
        signal: str = Field("electron", description="class that is looked for")
        label_smoothing: float = Field(
            0.0, ge=0, lt=0.5, description="share of the target that is spread evenly over all classes"
        )

        @model_validator(mode="after")
        def _consistent(self) -> Self:
            if len(self.classes) < 2:
                raise ValueError("there must be at least two classes")
            values = [value for group in self.classes.values() for value in group]
            if len(set(values)) != len(values) or not all(self.classes.values()):
                raise ValueError("each class must have values of its own")
            if not all(name.isidentifier() for name in self.classes):
                raise ValueError("the name of a class must be made of letters, digits and underscores")
            if self.signal not in self.classes:
                raise ValueError(f"signal must be one of the classes {', '.join(self.classes)}")
            return self

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, by index."""
        return tuple(self.config.classes)

    @property
    def signal(self) -> int:
        """Index of the class that is looked for."""
        return self.classes.index(self.config.signal)

    @property
    def outputs(self) -> int:
        """Number of classes."""
        return len(self.config.classes)

    @property
    def scores(self) -> dict[str, Better]:
        """The share of events whose class is right."""
        return {"accuracy": "max"}

    @property
    def truth_fields(self) -> tuple[str, ...]:
        """The field that holds the label."""
        return (self.config.field,)

    def target(self, events: Events) -> Array:
        """Return the class index of each event, (N,) int64.

        Raises:
            DataError: The field is absent, or holds a value that belongs to no class.
        """
        label = events.field(self.config.field)
        target = np.full(len(label), -1, np.int64)
        for index, values in enumerate(self.config.classes.values()):
            target[np.isin(label, values)] = index
        unknown = np.flatnonzero(target < 0)
        if len(unknown):
            raise DataError(
                f"'{self.config.field}' must be a label of a class ({self._classes()})",
                came=f"{label[unknown[0]]} and {len(unknown) - 1} more such events",
                where=f"event {int(unknown[0])}",
                do="add the value to 'task.classes' or leave the events out",
            )
        return target

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean cross entropy [nat]; outputs (B, classes), target (B,) int64."""
        from torch.nn import functional

        return functional.cross_entropy(outputs, target, label_smoothing=self.config.label_smoothing)

    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Return the same loss for Keras: (target (B,), outputs (B, classes)) -> mean cross entropy [nat]."""
        keras = require("keras", "keras")
        classes, smoothing = self.outputs, self.config.label_smoothing

        def cross_entropy(target: Any, outputs: Any) -> Any:
            flat = keras.ops.cast(keras.ops.reshape(target, (-1,)), "int32")
            smooth = keras.ops.one_hot(flat, classes, dtype="float32") * (1 - smoothing) + smoothing / classes
            log_probability = keras.ops.log_softmax(keras.ops.cast(outputs, "float32"), axis=-1)
            return -keras.ops.mean(keras.ops.sum(smooth * log_probability, axis=-1))

        return cross_entropy

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Return ``target`` and ``score_<class>``, the probability of each class, (N,) float32; they sum to 1.

        Raises:
            DataError: The outputs are not (N, classes), or not finite.
        """
        if outputs.ndim != 2 or outputs.shape[1] != self.outputs:
            raise DataError(f"outputs must be (N, {self.outputs})", came=outputs.shape)
        if not np.isfinite(outputs).all():
            raise DataError("outputs must be finite", came="NaN", do="train again with a lower 'training.lr'")
        logits = outputs.astype(np.float64)
        weights = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)  # (N, classes)
        return {"target": target, **{f"score_{name}": scores[:, index] for index, name in enumerate(self.classes)}}

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return the accuracy of the most probable class."""
        return {"accuracy": float(np.mean(outputs.argmax(1) == target))}

    def _classes(self) -> str:
        return ", ".join(f"{name}: {list(values)}" for name, values in self.config.classes.items())
