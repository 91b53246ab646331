"""Mask R-CNN on the two projections of a calorimeter: the reference in 2D."""

from __future__ import annotations

from pydantic import Field
from torch import nn

from hitforge.core.errors import ConfigError
from hitforge.models._regions import AnchorSizes, RegionModel, TwoStageConfig
from hitforge.models.layers.torch_two_stage import TwoStage
from hitforge.representations import Shapes

_ANCHORS = (
    ((14.0, 4.0), (20.0, 7.0), (32.0, 5.0)),
    ((28.0, 10.0), (40.0, 8.0), (44.0, 14.0)),
)


class MaskRCNN(RegionModel):
    """Mask R-CNN (He et al., arXiv 1703.06870) on the x-z and the y-z projection of the energy.

    One network looks at both projections, which are two images to it. Its stages are those of the detector in 3D.
    """

    class Config(TwoStageConfig):
        """Sizes of the two stages."""

        anchors: tuple[AnchorSizes, ...] = Field(
            _ANCHORS,
            min_length=1,
            description="sides of anchors (depth, u or v) in pixels; a list for each of the last stages",
        )

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether there is an image of two projections that is large enough for the stages."""
        *_, views = self.require_map(inputs, "image", 2, "shower_projections")
        if views != 2:
            raise ConfigError(
                f"the model '{self.name}' takes an image whose two channels are the projections",
                came=f"{views} channels",
                do="use the representation 'shower_projections'",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; it takes ``image`` (B, 2, L, W) and gives the dict of ``TwoStage``.

        Its classes are as many as ``outputs``, with the background as the last.
        """
        self.check(inputs)
        return TwoStage(inputs["image"][:2], 1, outputs, "image", **dict(self.config))
