"""What the networks that find regions have in common: sizes of the two stages, and their checks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Per, Shapes

_Side = Annotated[float, Field(gt=0, le=1e3)]
AnchorSizes = tuple[tuple[_Side, ...], ...]
_Width = Annotated[int, Field(ge=1, le=4096)]


class TwoStageConfig(Config):
    """Sizes of a backbone, a pyramid, a region proposal network and the heads of regions."""

    widths: tuple[_Width, ...] = Field(
        (16, 32, 64), min_length=2, description="channels of each stage; all sides halve behind each but the last"
    )
    convolutions: int = Field(1, ge=1, le=16, description="residual pairs of convolutions in a stage")
    width: int = Field(32, ge=1, le=1024, description="channels of the feature pyramid")
    finest: int = Field(0, ge=0, le=8, description="first stage that the features of regions are taken from")
    anchors: tuple[AnchorSizes, ...] = Field(
        ...,
        min_length=1,
        description="sides of anchors along each axis, depth first, in cells; a list for each of the last stages",
    )
    candidates: int = Field(256, ge=1, le=100_000, description="best anchors that proposals are chosen from")
    proposals: int = Field(32, ge=1, le=10_000, description="proposals of an image that get class, box and mask")
    suppress: float = Field(0.5, gt=0, le=1, description="overlap above which the worse of two proposals is dropped")
    pool: int = Field(5, ge=1, le=32, description="bins along each axis of the features behind class and box")
    mask: int = Field(8, ge=2, le=64, description="bins along each axis of a mask")
    mask_width: int = Field(16, ge=1, le=1024, description="channels of the mask's convolutions")
    mask_convolutions: int = Field(2, ge=1, le=16, description="convolutions of the mask")
    grow: float = Field(1.4, ge=1, le=4, description="sides of the frame that a mask covers, in those of its box")
    dense: int = Field(128, ge=1, le=8192, description="units of the two dense layers behind class and box")

    @model_validator(mode="after")
    def _anchors_have_stages(self) -> TwoStageConfig:
        if len(self.anchors) > len(self.widths):
            raise ValueError(f"there are anchors for {len(self.anchors)} stages, but {len(self.widths)} widths")
        if len({len(size) for sizes in self.anchors for size in sizes}) != 1:
            raise ValueError("all anchors must have as many sides")
        if self.finest >= len(self.widths):
            raise ValueError(f"finest must be below the number of widths, {len(self.widths)}")
        return self


class RegionModel(Model):
    """A network that finds regions of maps with D axes, and says of each what it is."""

    config: TwoStageConfig

    @property
    def per(self) -> Per:
        """Each object."""
        return "object"

    def require_map(self, inputs: Shapes, name: str, dimensions: int, representation: str) -> tuple[int, ...]:
        """Return the shape of the map of this name, its axes and then its channels.

        Raises:
            ConfigError: It is absent, too small for the stages, or the anchors have another number of sides.
        """
        shape = inputs.get(name, ())
        if len(shape) != dimensions + 1:
            raise ConfigError(
                f"the model '{self.name}' takes one {name} with {dimensions} axes and channels",
                came={key: value for key, value in inputs.items() if key == name} or sorted(inputs),
                do=f"use the representation '{representation}'",
            )
        if len(self.config.anchors[0][0]) != dimensions:
            raise ConfigError(
                f"an anchor of the model '{self.name}' has {dimensions} sides",
                came=self.config.anchors[0][0],
                where="model.anchors",
            )
        need = 2 ** (len(self.config.widths) - 1)
        if min(shape[:dimensions]) < need:
            raise ConfigError(
                f"{len(self.config.widths)} stages need at least {need} cells along each axis",
                came=" x ".join(str(side) for side in shape[:dimensions]),
                where="model.widths",
                do="give fewer widths or a larger region",
            )
        return shape
