"""A one-stage detector of showers in a volume: each place of the front plane says whether a shower enters there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models.layers.torch_convolution import ConvolutionNorm, convolution2d
from hitforge.models.layers.torch_dense import linear
from hitforge.models.layers.torch_volume import ConvolutionNorm3D, ResidualBlock, Triple, convolution3d
from hitforge.representations import Per, Shapes

_INPUTS = ("volume", "place", "event", "energy")
_PLACE = 5  # numbers of a hit beside the feature maps: place in its voxel, depth, energy
_NOISE = 0.01  # energy of a hit below which its logarithm flattens [GeV]


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

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network.

        It gives ``heat`` (B, R, C, ``outputs``), each place of the front plane, and ``pixels`` (H, ``masks`` + 1).
        """
        self.check(inputs)
        layers, rows, columns, channels = inputs["volume"]
        return OneStageNetwork(channels, outputs, size=(layers, rows, columns), **dict(self.config))


class FeaturePyramid(nn.Module):
    """Stages that halve all sides, and a way back up that adds what the coarse ones saw (Lin et al., 1612.03144)."""

    def __init__(self, channels: int, stride: Triple, widths: Sequence[int], blocks: int, width: int) -> None:
        super().__init__()
        first = widths[0]
        self.stem = ConvolutionNorm3D(channels, first, stride=stride)
        self.stages, self.sides = nn.ModuleList(), nn.ModuleList()
        channels = first
        for i, size in enumerate(widths):
            stage = nn.Sequential()
            if i:
                stage.append(ConvolutionNorm3D(channels, size, stride=(2, 2, 2)))
            for _ in range(blocks):
                stage.append(ResidualBlock(size, size, 1, version=1))
            self.stages.append(stage)
            self.sides.append(convolution3d(size, width, (1, 1, 1), bias=True))
            channels = size

    def forward(self, volume: Tensor) -> Tensor:
        """(B, C, L, R, C') to the finest map, (B, width, L', R', C'), each side over its stride, rounded up."""
        maps: list[Tensor] = []
        x = self.stem(volume)
        for stage, side in zip(self.stages, self.sides, strict=True):
            x = stage(x)
            maps.append(side(x))
        total = maps[-1]
        for finer in reversed(maps[:-1]):
            total = finer + nn.functional.interpolate(total, size=finer.shape[2:])
        return total


class OneStageNetwork(nn.Module):
    """Pyramid, a head on the front plane, and a head on the hits.

    Args:
        channels: Of the volume.
        outputs: Numbers for each place of the front plane.
        size: Layers, rows and columns of the volume.
        depth_stride: Slices of the volume that the first convolution joins.
        plane_stride: Rows and columns that it joins; the front plane keeps those of the volume.
        widths: Channels of each stage; all three sides halve between two.
        blocks: Residual blocks in a stage.
        pyramid: Channels of the pyramid's maps.
        head: Channels of the map of the front plane.
        head_layers: 3 x 3 convolutions on that map.
        hit: Units of the hidden dense layer on a hit.
        masks: Features of a hit in masks.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        size: Triple,
        depth_stride: int = 2,
        plane_stride: int = 1,
        widths: Sequence[int] = (16, 32, 64),
        blocks: int = 1,
        pyramid: int = 32,
        head: int = 48,
        head_layers: int = 2,
        hit: int = 64,
        masks: int = 16,
    ) -> None:
        super().__init__()
        self.size, self.stride = size, (depth_stride, plane_stride, plane_stride)
        self.pyramid = FeaturePyramid(channels, self.stride, widths, blocks, pyramid)
        # its kernel spans all depths: each output weighs them in its own way, so a shower's start and length are seen
        depths, width = -(-size[0] // depth_stride), head
        self.pool = nn.Conv3d(pyramid, width, (depths, 1, 1), bias=False)
        nn.init.kaiming_normal_(self.pool.weight, nonlinearity="relu")
        self.norm = nn.BatchNorm2d(width)
        # where the pyramid is coarser than the plane, the plane also looks at the volume itself, all depths at once
        self.skim = convolution2d(channels * size[0], width) if plane_stride > 1 else None
        self.plane = nn.Sequential(*(ConvolutionNorm(width, width) for _ in range(head_layers)))
        self.answer = nn.Conv2d(width, outputs, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.answer.bias[0] = -4.0  # type: ignore[index]  # nearly all places hold no object
        self.hidden = linear(pyramid + width + _PLACE, hit, gain=2.0)
        self.pixel = linear(hit, masks + 1, gain=1.0)

    def forward(
        self, *, volume: Tensor, place: Tensor, event: Tensor, energy: Tensor, **_: Tensor
    ) -> dict[str, Tensor]:
        """Answer for places and hits.

        Args:
            volume: (B, C, L, R, C').
            place: Depth, row and column of each hit in voxels, (H, 3).
            event: Number of its event in the batch, (H,).
            energy: (H,) [GeV].

        Returns:
            ``heat`` (B, R, C', ``outputs``), places of the front plane, and ``pixels`` (H, ``masks`` + 1).
        """
        x = self.pyramid(volume)  # (B, F, D, R, C')
        plane = self.pool(x).squeeze(2)  # (B, W, R', C')
        if self.skim is not None:
            rows, columns = self.size[1:]
            fine = nn.functional.interpolate(plane, scale_factor=float(self.stride[1]))[..., :rows, :columns]
            plane = fine + self.skim(volume.flatten(1, 2))
        plane = self.plane(torch.relu(self.norm(plane)))  # (B, W, R, C')
        heat = self.answer(plane).permute(0, 2, 3, 1)  # (B, R, C', K)
        hits = self._gathered(x, plane, place.float(), event.long(), energy.float())  # (H, F + W + 5)
        return {"heat": heat, "pixels": self.pixel(torch.relu(self.hidden(hits)))}

    def _gathered(self, x: Tensor, plane: Tensor, place: Tensor, event: Tensor, energy: Tensor) -> Tensor:
        """What the maps hold at the voxel of each hit, and where in it the hit is."""
        last = torch.tensor(self.size, device=place.device) - 1
        voxel = torch.minimum(place.floor().long().clamp(min=0), last)  # (H, 3)
        rows, columns = plane.shape[2:]
        line = (event * rows + voxel[:, 1]) * columns + voxel[:, 2]  # (H,) place of the front plane
        inner = event
        for axis, (stride, count) in enumerate(zip(self.stride, x.shape[2:], strict=True)):
            inner = inner * count + voxel[:, axis] // stride
        near = x.permute(0, 2, 3, 4, 1).flatten(0, 3).index_select(0, inner)  # (H, F)
        above = plane.permute(0, 2, 3, 1).flatten(0, 2).index_select(0, line)  # (H, W)
        own = [place - voxel - 0.5, place[:, :1] / self.size[0], (energy / _NOISE).log1p()[:, None] / 4]
        return torch.cat([near, above, *(value.to(near.dtype) for value in own)], dim=1)
