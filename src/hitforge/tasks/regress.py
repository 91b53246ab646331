"""Regression of one positive number of an event, such as the mass of what a jet comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, require
from hitforge.events import Events
from hitforge.events.jets import axes, require_one_jet
from hitforge.tasks import Better, Task

if TYPE_CHECKING:
    import torch

_LARGEST = 30.0  # of the logarithm of answer over reference, so that an untrained network stays finite
_LEAST = 1.0  # [GeV] a measured mass below it is no reference


class Regress(Task):
    """One output: the logarithm of the number over a reference, in units of ``width``.

    The reference is the constant ``typical``, or what the jet itself says: its mass, or the mass that soft drop leaves,
    1 GeV at least. The target's second column is the logarithm of the reference.

    What learns from values of some range is pulled into it: near its ends answers lie further inside than the truth.
    Let the sample reach beyond the range that is to be measured. The Huber and the squared loss aim at the mean of the
    logarithm, ``mae`` at its median.
    """

    usual_metrics: ClassVar[tuple[str, ...]] = ("value_response",)

    class Config(config.Config):
        """What is asked, from where it is counted, and the loss."""

        field: str = Field("true_mass", description="event field that holds the number")
        quantity: str = Field("mass", pattern="^[a-z][a-z0-9_]*$", description="what it is called")
        unit: str = Field("GeV", description="its unit")
        reference: Literal["constant", "jet_mass", "soft_drop_mass"] = Field(
            "constant", description="what answers are counted from"
        )
        typical: float = Field(100.0, gt=0, description="the constant, in the field's unit")
        width: float = Field(0.3, gt=0, le=10, description="unit of log(number / reference)")
        loss: Literal["huber", "mse", "mae"] = Field("huber", description="punishment of a normalised residual")
        delta: float = Field(1.0, gt=0, le=1e3, description="residual from which the Huber loss is linear")

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    @property
    def scores(self) -> dict[str, Better]:
        """The mean relative error."""
        return {f"{self.config.quantity}_error": "min"}

    @property
    def truth_fields(self) -> tuple[str, ...]:
        """The field that holds the number."""
        return (self.config.field,)

    @property
    def units(self) -> dict[str, str]:
        """That of truth and prediction."""
        name, unit = self.config.quantity, self.config.unit
        return {f"true_{name}": unit, f"predicted_{name}": unit} if unit else {}

    def reference(self, events: Events) -> Array:
        """Return what answers are counted from, (N,) float64, above 0.

        Raises:
            DataError: Where the reference is a jet's, an event has no jet or several, or the mass is not known.
        """
        c = self.config
        if c.reference == "constant":
            return np.full(len(events), c.typical)
        require_one_jet(events, f"the reference '{c.reference}'")
        if c.reference == "soft_drop_mass":
            groomed = events.jets["soft_drop_mass"].astype(np.float64)
            unknown = np.flatnonzero(groomed < 0)
            if len(unknown):
                came = f"{groomed[unknown[0]]:g}, which stands for unknown, in {len(unknown)} jets"
                must, do = "the reference 'soft_drop_mass' must be known", "set 'task.reference' to jet_mass"
                raise DataError(must, came=came, where=f"event {unknown[0]}", do=do)
            return np.maximum(groomed, _LEAST)
        return np.maximum(axes(events).mass, _LEAST)

    def unknown(self, events: Events) -> Array:
        """Return 0 and the logarithm of the reference, (N, 2) float32."""
        return np.column_stack([np.zeros(len(events)), np.log(self.reference(events))]).astype(np.float32)

    def target(self, events: Events) -> Array:
        """Return the normalised logarithm, and that of the reference, (N, 2) float32.

        Raises:
            DataError: The field is absent, or a number is not finite or not above 0.
        """
        c = self.config
        values = events.field(c.field).astype(np.float64)
        bad = np.flatnonzero(~(np.isfinite(values) & (values > 0)))
        if len(bad):
            raise DataError(
                f"the field '{c.field}' must be finite and above 0",
                came=f"{values[bad[0]]} and {len(bad) - 1} more such values",
                where=f"event {bad[0]}",
                do="leave such events out of the source",
            )
        start = np.log(self.reference(events))
        return np.column_stack([(np.log(values) - start) / c.width, start]).astype(np.float32)

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss; outputs (B, 1), target (B, 2)."""
        size, c = (outputs[:, 0] - target[:, 0]).abs(), self.config
        if c.loss == "huber":
            inner = size.clamp(max=c.delta)
            size = inner * (size - 0.5 * inner)
        elif c.loss == "mse":
            size = size.square()
        return size.mean()

    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Return the same loss for Keras: (target (B, 2), outputs (B, 1)) -> mean loss."""
        ops, c = require("keras", "keras").ops, self.config

        def loss(target: Any, outputs: Any) -> Any:
            size = ops.abs(ops.cast(outputs, "float32")[:, 0] - ops.cast(target, "float32")[:, 0])
            if c.loss == "huber":
                inner = ops.minimum(size, c.delta)
                size = inner * (size - 0.5 * inner)
            elif c.loss == "mse":
                size = ops.square(size)
            return ops.mean(size)

        return loss

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Return ``true_<quantity>`` and ``predicted_<quantity>``, each (N,) float32.

        Raises:
            DataError: The outputs are not (N, 1), or not finite; or the target has another shape.
        """
        if outputs.ndim != 2 or outputs.shape[1] != 1 or target.shape != (len(outputs), 2):
            came = f"{outputs.shape} and {target.shape}"
            raise DataError("outputs must be (N, 1) and the target (N, 2)", came=came)
        if not np.isfinite(outputs).all():
            raise DataError("outputs must be finite", came="NaN", do="train again with a lower 'training.lr'")
        name, start = self.config.quantity, target[:, 1].astype(np.float64)
        return {
            f"true_{name}": self._value(target[:, 0], start),
            f"predicted_{name}": self._value(outputs[:, 0], start),
        }

    def encode(self, values: Array, events: Events) -> Array:
        """Return the outputs that ``decode`` turns into these answers, (N,) -> (N, 1) float32."""
        ratio = np.maximum(values, 1e-6) / self.reference(events)
        outputs: Array = (np.log(ratio) / self.config.width)[:, None].astype(np.float32)
        return outputs

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return the mean of abs(predicted/true - 1)."""
        away = (outputs[:, 0] - target[:, 0]).astype(np.float64) * self.config.width
        error = np.abs(np.expm1(np.clip(away, -_LARGEST, _LARGEST)))
        return {f"{self.config.quantity}_error": float(error.mean())}

    def _value(self, residual: Array, start: Array) -> Array:
        ratio = np.clip(residual.astype(np.float64) * self.config.width, -_LARGEST, _LARGEST)
        value: Array = np.exp(np.minimum(start + ratio, math.log(3e38))).astype(np.float32)
        return value
