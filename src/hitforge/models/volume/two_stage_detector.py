"""A two-stage detector on a volume of calorimeter layers: proposals in 3D, then class, box, energy and mask."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from hitforge.models._regions import AnchorSizes, RegionModel, TwoStageConfig
from hitforge.models.layers.torch_two_stage import TwoStage
from hitforge.representations import Shapes

_ANCHORS = (
    ((8.0, 4.0, 4.0), (12.0, 7.0, 7.0), (18.0, 6.0, 6.0)),
    ((14.0, 10.0, 10.0), (20.0, 8.0, 8.0), (22.0, 14.0, 14.0)),
)


class TwoStageDetector(RegionModel):
    """Faster and Mask R-CNN (Ren et al., arXiv 1506.01497; He et al., arXiv 1703.06870) with every step in 3D.

    Anchors are long along the depth, as showers are. The backbone is residual, with a feature pyramid (Lin et al.,
    arXiv 1612.03144). Masks are made in frames around the refined boxes, in training as in use.
    """

    class Config(TwoStageConfig):
        """Sizes of the two stages."""

        anchors: tuple[AnchorSizes, ...] = Field(
            _ANCHORS,
            min_length=1,
            description="sides of anchors (depth, u, v) in voxels; a list for each of the last stages",
        )

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether there is a volume that is large enough for the stages."""
        self.require_map(inputs, "volume", 3, "shower_voxels")

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``volume`` (B, channels, L, R, C) and gives the dict of ``TwoStage``.

        Its classes are as many as ``outputs``, with the background as the last.
        """
        *shape, channels = self.require_map(inputs, "volume", 3, "shower_voxels")
        return TwoStage(tuple(shape), channels, outputs, "volume", **dict(self.config))
