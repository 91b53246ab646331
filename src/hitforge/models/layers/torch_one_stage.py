"""A pyramid of 3D feature maps, and heads that answer for each place of the front plane and for each hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_convolution import ConvolutionNorm as PlaneNorm
from hitforge.models.layers.torch_convolution import convolution as plane_convolution
from hitforge.models.layers.torch_dense import dense
from hitforge.models.layers.torch_volume import ConvolutionNorm, ResidualBlock, convolution

if TYPE_CHECKING:
    from hitforge.models.one_stage_detector import OneStageDetector

_PLACE = 5  # numbers of a hit beside the feature maps: place in its voxel, depth, energy
_NOISE = 0.01  # energy of a hit below which its logarithm flattens [GeV]


class FeaturePyramid(nn.Module):
    """Stages that halve all sides, and a way back up that adds what the coarse ones saw (Lin et al., 1612.03144)."""

    def __init__(self, channels: int, config: OneStageDetector.Config) -> None:
        super().__init__()
        first, width = config.widths[0], config.pyramid
        step = config.depth_stride, config.plane_stride, config.plane_stride
        self.stem = ConvolutionNorm(channels, first, stride=step)
        self.stages, self.sides = nn.ModuleList(), nn.ModuleList()
        channels = first
        for i, size in enumerate(config.widths):
            stage = nn.Sequential()
            if i:
                stage.append(ConvolutionNorm(channels, size, stride=(2, 2, 2)))
            for _ in range(config.blocks):
                stage.append(ResidualBlock(size, size, 1, version=1))
            self.stages.append(stage)
            self.sides.append(convolution(size, width, (1, 1, 1), bias=True))
            channels = size

    def forward(self, volume: Tensor) -> Tensor:
        """(B, C, L, R, C') to the finest map, (B, ``pyramid``, L', R', C'), each side over its stride, rounded up."""
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
    """Pyramid, a head on the front plane, and a head on the hits."""

    def __init__(self, volume: tuple[int, int, int, int], outputs: int, config: OneStageDetector.Config) -> None:
        super().__init__()
        self.size = volume[:3]
        self.stride = config.depth_stride, config.plane_stride, config.plane_stride
        self.pyramid = FeaturePyramid(volume[3], config)
        # its kernel spans all depths: each output weighs them in its own way, so a shower's start and length are seen
        depths, width = -(-volume[0] // config.depth_stride), config.head
        self.pool = nn.Conv3d(config.pyramid, width, (depths, 1, 1), bias=False)
        nn.init.kaiming_normal_(self.pool.weight, nonlinearity="relu")
        self.norm = nn.BatchNorm2d(width)
        # where the pyramid is coarser than the plane, the plane also looks at the volume itself, all depths at once
        self.skim = plane_convolution(volume[3] * volume[0], width) if config.plane_stride > 1 else None
        self.plane = nn.Sequential(*(PlaneNorm(width, width) for _ in range(config.head_layers)))
        self.answer = nn.Conv2d(width, outputs, 1)
        nn.init.normal_(self.answer.weight, std=0.01)
        nn.init.zeros_(self.answer.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.answer.bias[0] = -4.0  # type: ignore[index]  # nearly all places hold no object
        self.hidden = dense(config.pyramid + width + _PLACE, config.hit, gain=2.0)
        self.pixel = dense(config.hit, config.masks + 1, gain=1.0)

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
