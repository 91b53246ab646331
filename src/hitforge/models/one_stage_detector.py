"""A one-stage detector of showers in a volume: each place of the front plane says whether a shower enters there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch

_INPUTS = ("volume", "place", "event", "energy")


class OneStageDetector(Model):
    """3D convolutions with a feature pyramid (arXiv 1612.03144) and heads without anchors (CenterNet, 1904.07850).

    A shower that points to the origin keeps its row and column along the depth, so these tell showers apart, and an
    answer for each depth would only give duplicates: a learned pooling, a kernel over all depths, makes a map of the
    front plane, at the full resolution of the volume, since showers may be a voxel apart. Where the first convolution
    joins rows and columns (``plane_stride``), for its work is most of all, the plane gets a convolution of the volume,
    its layers as channels, on top. Its answers are those that the task asks for. Beside it, each hit gets features: the
    finest map of the pyramid at its voxel, the map of the plane at its row and column, its place in the voxel, depth
    and energy, through a dense layer. With the kernels that the plane's answers hold, they make masks of hits
    (CondInst, 2003.05664; SOLOv2, 2003.10152).
    """

    class Config(config.Config):
        """Size of the network."""

        depth_stride: int = Field(2, ge=1, le=16, description="slices of the volume that the first convolution joins")
        plane_stride: int = Field(
            1, ge=1, le=16, description="rows and columns that it joins; the front plane keeps those of the volume"
        )
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (16, 32, 64), min_length=1, description="channels of each stage; all three sides halve between two"
        )
        blocks: int = Field(1, ge=1, le=64, description="residual blocks in a stage")
        pyramid: int = Field(32, ge=1, le=4096, description="channels of the pyramid's maps")
        head: int = Field(48, ge=1, le=4096, description="channels of the map of the front plane")
        head_layers: int = Field(2, ge=1, le=16, description="3 x 3 convolutions on that map")
        hit: int = Field(64, ge=1, le=4096, description="units of the hidden dense layer on a hit")
        masks: int = Field(16, ge=1, le=256, description="features of a hit in masks; those that the task asks for")

    config: Config

    @property
    def per(self) -> Per:
        """Objects have answers: places of the front plane, and hits in masks."""
        return "object"

    def check(self, inputs: Shapes) -> None:
        """Say whether there is a volume that is large enough for the halvings, and hits with it."""
        shape = inputs.get("volume", ())
        if len(shape) != 4 or any(name not in inputs for name in _INPUTS):
            raise ConfigError(
                f"the model '{self.name}' takes a volume and its hits ({', '.join(_INPUTS)})",
                came=inputs,
                do="use the representation 'shower_voxels'",
            )
        halvings, stride = len(self.config.widths) - 1, self.config.depth_stride
        need = 2**halvings
        across = self.config.plane_stride
        if min(-(-shape[0] // stride), *(-(-side // across) for side in shape[1:3])) < need:
            raise ConfigError(
                f"{halvings} halvings need at least {need * stride} slices and {need * across} rows and columns",
                came=f"{shape[0]} x {shape[1]} x {shape[2]}",
                where="model.widths",
                do="give fewer widths, or a larger volume",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network.

        It gives ``heat`` (B, R, C, ``outputs``), each place of the front plane, and ``pixels`` (H, ``masks`` + 1).
        """
        from hitforge.models.layers.torch_one_stage import OneStageNetwork

        self.check(inputs)
        layers, rows, columns, channels = inputs["volume"]
        return OneStageNetwork((layers, rows, columns, channels), outputs, self.config)
