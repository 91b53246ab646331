"""Regression of a shower: energy, energy-weighted barycentre, and direction of the particle that made it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveFloat

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, require
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.objects import Kind
from hitforge.representations.region import Regions, RegionSettings, find_regions
from hitforge.tasks import Better, Task

if TYPE_CHECKING:
    import torch

Quantity = Literal["energy", "barycentre", "direction"]
_SIZES: dict[Quantity, int] = {"energy": 1, "barycentre": 3, "direction": 2}
_LARGEST = 30.0  # of the logarithm of predicted over raw energy, so that an untrained network stays finite


class MeasureShower(Task):
    """Differences between the truth and what the hits say of the region around the main shower.

    Outputs, in this order and as far as they are asked for: logarithm of energy over raw energy of the region;
    barycentre minus the region's centre in x, y, z; slopes dx/d|z| and dy/d|z| minus those of the region's axis. Each
    is divided by its scale. The target's further columns are the reference (raw energy, x, y, z, slope_x, slope_y,
    side of the region) and the true side.

    Events without a region (no hits with energy) have a reference of zeros: they do not count in the loss, and
    ``decode`` answers with energy, barycentre and direction 0, which the metrics count as no answer.
    """

    usual_metrics: ClassVar[tuple[str, ...]] = ("energy_resolution", "position_resolution", "direction_resolution")

    class Config(config.Config):
        """What is asked, how it is normalised, and the loss."""

        quantities: Annotated[tuple[Quantity, ...], config.DISTINCT] = Field(
            ("energy", "barycentre"), min_length=1, description="any of energy, barycentre and direction"
        )
        region: RegionSettings = Field(RegionSettings(), description="how the region is found that answers count from")
        energy_scale: float = Field(0.2, gt=0, le=10, description="unit of log(energy / raw energy)")
        position_scale: float = Field(5.0, gt=0, le=1e4, description="unit of the barycentre's x and y [mm]")
        depth_scale: float = Field(20.0, gt=0, le=1e4, description="unit of the barycentre's z [mm]")
        slope_scale: float = Field(0.02, gt=0, le=10, description="unit of the direction's slopes")
        loss: Literal["huber", "mse", "mae"] = Field("huber", description="punishment of a normalised residual")
        delta: float = Field(1.0, gt=0, le=1e3, description="residual from which the Huber loss is linear")
        weights: dict[Quantity, PositiveFloat] = Field(
            default_factory=dict, description="weight of a quantity in the loss, 1 where it is not named"
        )

    def __init__(self, config: Config, detector: Detector | None = None, object_kind: Kind | None = None) -> None:
        super().__init__(config, detector, object_kind)
        if detector is not None:
            detector.plane  # noqa: B018 - refuses detectors without showers when the recipe is read

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What is asked, in the order of the outputs."""
        return tuple(name for name in _SIZES if name in self.config.quantities)

    @property
    def outputs(self) -> int:
        """Number of normalised residuals."""
        return sum(_SIZES[name] for name in self.quantities)

    @property
    def region(self) -> RegionSettings:
        """How the region is found."""
        settings: RegionSettings = self.config.region
        return settings

    @property
    def scores(self) -> dict[str, Better]:
        """The mean error of each of ``quantities``."""
        return {f"{name}_error": "min" for name in self.quantities}

    @property
    def truth_fields(self) -> tuple[str, ...]:
        """Energy, barycentre and direction of the particle, as far as they are asked for."""
        parts = {"energy": ("",), "barycentre": ("_x", "_y", "_z"), "direction": ("_x", "_y", "_z")}
        return tuple(f"{name}{axis}" for name in self.quantities for axis in parts[name])

    @property
    def units(self) -> dict[str, str]:
        """GeV of energies and mm of barycentres."""
        units = {"energy": "GeV", **{f"barycentre_{axis}": "mm" for axis in "xyz"}}
        asked = [name for name in units if name.partition("_")[0] in self.quantities]
        return {f"{side}_{name}": units[name] for side in ("true", "predicted") for name in asked}

    def unknown(self, events: Events) -> Array:
        """Return the reference of each event behind residuals and a side of 0, (N, ``outputs`` + 8) float32."""
        reference = _reference(find_regions(events, self.region, self.detector))
        count = len(events)
        return np.column_stack([np.zeros((count, self.outputs)), reference, np.zeros(count)]).astype(np.float32)

    def target(self, events: Events) -> Array:
        """Return normalised residuals, the reference and the true side, (N, ``outputs`` + 8) float32.

        Raises:
            DataError: The events lack the truth, or an energy or the direction along z is 0.
        """
        regions = find_regions(events, self.region, self.detector)
        energy, position, slopes = np.ones(len(events)), np.zeros((len(events), 3)), np.zeros((len(events), 2))
        side = np.zeros(len(events))
        if "energy" in self.quantities:
            energy = _checked(events.field("energy"), "energy", lambda values: values > 0, "above 0 GeV")
        if "barycentre" in self.quantities:
            position = np.stack([_checked(events.field(f"barycentre_{c}"), f"barycentre_{c}") for c in "xyz"], axis=1)
        if "direction" in self.quantities:
            x, y, z = (_checked(events.field(f"direction_{c}"), f"direction_{c}") for c in "xyz")
            _checked(z, "direction_z", lambda values: values != 0, "other than 0")
            slopes, side = np.stack([x, y], axis=1) / np.abs(z)[:, None], np.sign(z)
        return np.column_stack([self.encode(regions, energy, position, slopes), _reference(regions), side]).astype(
            np.float32
        )

    def encode(self, regions: Regions, energy: Array, position: Array, slopes: Array) -> Array:
        """Return the outputs that ``decode`` turns into these answers, (N, ``outputs``) float32.

        Args:
            regions: The regions of N events, found with the settings ``region``.
            energy: (N,) [GeV]; below 1 keV it counts as 1 keV.
            position: Barycentre, (N, 3) [mm].
            slopes: dx/d|z| and dy/d|z|, (N, 2).
        """
        c = self.config
        raw = np.where(regions.found, regions.energy, 1.0)
        centre, axis = _reference(regions)[:, 1:4], _reference(regions)[:, 4:6]
        columns = {
            "energy": np.log(np.maximum(energy, 1e-6) / raw)[:, None] / c.energy_scale,
            "barycentre": (position - centre) / self._position_scales(),
            "direction": (slopes - axis) / c.slope_scale,
        }
        return np.concatenate([columns[name] for name in self.quantities], axis=1).astype(np.float32)

    def torch_loss(self, outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the mean loss of the events that have a region; outputs (B, K), target (B, K + 8)."""
        count, c = self.outputs, self.config
        size = (outputs - target[:, :count]).abs()  # (B, K)
        if c.loss == "huber":
            inner = size.clamp(max=c.delta)
            size = inner * (size - 0.5 * inner)
        elif c.loss == "mse":
            size = size.square()
        found = (target[:, count + 6] != 0).to(size.dtype)  # (B,)
        weights = size.new_tensor(self._weights())
        return ((size * weights).sum(dim=1) * found).sum() / found.sum().clamp(min=1)

    def loss_weight(self, target: torch.Tensor) -> torch.Tensor:
        """Return the number of events in which something was found."""
        return (target[:, self.outputs + 6] != 0).sum()

    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Return the same loss for Keras: (target (B, K + 8), outputs (B, K)) -> mean loss."""
        ops = require("keras", "keras").ops
        count, c, weights = self.outputs, self.config, self._weights()

        def loss(target: Any, outputs: Any) -> Any:
            target = ops.cast(target, "float32")
            size = ops.abs(ops.cast(outputs, "float32") - target[:, :count])
            if c.loss == "huber":
                inner = ops.minimum(size, c.delta)
                size = inner * (size - 0.5 * inner)
            elif c.loss == "mse":
                size = ops.square(size)
            found = ops.cast(target[:, count + 6] != 0, "float32")
            total = ops.sum(ops.sum(size * ops.convert_to_tensor(weights, "float32"), axis=1) * found)
            return total / ops.maximum(ops.sum(found), 1.0)

        return loss

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Return ``true_<q>`` and ``predicted_<q>``, each (N,) float32.

        The quantities q are ``energy`` [GeV], ``barycentre_x``, ``_y``, ``_z`` [mm], and ``direction_x``, ``_y``,
        ``_z`` (unit vector), as far as they are asked for. Predictions of an event without a region are 0.

        Raises:
            DataError: The outputs are not (N, ``outputs``), or not finite; or the target has another shape.
        """
        count = self.outputs
        if outputs.ndim != 2 or outputs.shape[1] != count or target.shape != (len(outputs), count + 8):
            raise DataError(
                f"outputs must be (N, {count}) and the target (N, {count + 8})",
                came=f"{outputs.shape} and {target.shape}",
            )
        if not np.isfinite(outputs).all():
            raise DataError("outputs must be finite", came="NaN", do="train again with a lower 'training.lr'")
        reference = target[:, count:].astype(np.float64)
        side, true_side = reference[:, 6], reference[:, 7]
        truth = self._answers(target[:, :count].astype(np.float64), reference, true_side)
        answer = self._answers(outputs.astype(np.float64), reference, side)
        columns: dict[str, Array] = {}
        for name, values in truth.items():
            columns[f"true_{name}"] = values.astype(np.float32)
            columns[f"predicted_{name}"] = np.where(side != 0, answer[name], 0.0).astype(np.float32)
        return columns

    def score(self, outputs: Array, target: Array) -> dict[str, float]:
        """Return mean errors of the events that have a region.

        ``energy_error`` is absolute and relative, ``barycentre_error`` absolute in x and y [mm], and
        ``direction_error`` the angle [mrad].
        """
        columns = self.decode(outputs, target)
        found = target[:, self.outputs + 6] != 0
        if not found.any():
            return {}

        def pair(name: str) -> tuple[Array, Array]:
            return columns[f"true_{name}"][found].astype(np.float64), columns[f"predicted_{name}"][found]

        result = {}
        if "energy" in self.quantities:
            true, predicted = pair("energy")
            result["energy_error"] = float(np.abs(predicted / true - 1.0).mean())
        if "barycentre" in self.quantities:
            errors = [np.abs(np.subtract(*pair(f"barycentre_{c}"))).mean() for c in "xy"]
            result["barycentre_error"] = float(np.mean(errors))
        if "direction" in self.quantities:
            chord = np.sqrt(sum(np.subtract(*pair(f"direction_{c}")) ** 2 for c in "xyz"))
            result["direction_error"] = float(2e3 * np.arcsin(np.minimum(0.5 * chord, 1.0)).mean())
        return result

    def _answers(self, residuals: Array, reference: Array, side: Array) -> dict[str, Array]:
        """Add the reference to residuals, (N, K); quantity -> (N,) float64."""
        c, answers, start = self.config, {}, 0
        for name in self.quantities:
            part = residuals[:, start : start + _SIZES[name]]
            start += _SIZES[name]
            if name == "energy":
                raw = np.where(reference[:, 6] != 0, reference[:, 0], 1.0)
                answers["energy"] = raw * np.exp(np.clip(part[:, 0] * c.energy_scale, -_LARGEST, _LARGEST))
            elif name == "barycentre":
                position = reference[:, 1:4] + part * self._position_scales()
                answers |= {f"barycentre_{axis}": position[:, i] for i, axis in enumerate("xyz")}
            else:
                slopes = reference[:, 4:6] + part * c.slope_scale
                vector = np.column_stack([slopes, side])
                vector /= np.sqrt(1.0 + (slopes**2).sum(axis=1))[:, None]
                answers |= {f"direction_{axis}": vector[:, i] for i, axis in enumerate("xyz")}
        return answers

    def _position_scales(self) -> Array:
        c = self.config
        return np.array([c.position_scale, c.position_scale, c.depth_scale])

    def _weights(self) -> list[float]:
        """Weight of each output in the loss; they sum to 1, and a quantity counts once however many numbers it has."""
        per_quantity = {name: float(self.config.weights.get(name, 1.0)) for name in self.quantities}
        total = sum(per_quantity.values())
        return [per_quantity[name] / (total * _SIZES[name]) for name in self.quantities for _ in range(_SIZES[name])]


def _reference(regions: Regions) -> Array:
    """Raw energy, x, y, z, slope_x, slope_y, side; (N, 7), zeros where no region was found."""
    r = regions
    table = np.column_stack([r.energy, r.x, r.y, r.z, r.slope_x, r.slope_y, r.side])
    return np.where(r.found[:, None], table, 0.0)


def _checked(values: Array, name: str, good: Callable[[Array], Array] = np.isfinite, must: str = "finite") -> Array:
    """Return a field as float64, (N,), if it is good everywhere."""
    values = values.astype(np.float64)
    bad = np.flatnonzero(~(np.isfinite(values) & good(values)))
    if len(bad):
        raise DataError(
            f"the field '{name}' must be {must}",
            came=f"{values[bad[0]]} and {len(bad) - 1} more such values",
            where=f"event {bad[0]}",
            do="leave events without a particle out of the source",
        )
    return values
