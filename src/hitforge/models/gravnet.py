"""GravNet: points draw on their nearest in a space that the network learns, the nearer the more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.models import Model
from hitforge.models._points import PointsConfig
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class GravNet(Model):
    """Distance-weighted graph network (Qasim et al., arXiv 1902.07987), padded points left out exactly.

    Each block gives a point coordinates in a small space and features to pass on; it receives the mean and the maximum
    of those of its nearest others, weighted by exp(-10 d^2). The outputs of all blocks are joined and pooled.
    """

    class Config(PointsConfig):
        """Size of the network."""

        width: int = Field(48, ge=1, le=4096, description="features of a point behind each block")
        blocks: int = Field(2, ge=1, le=32, description="GravNet blocks")
        space: int = Field(4, ge=1, le=64, description="dimensions of the learned space")
        passed: int = Field(24, ge=1, le=1024, description="features that a point passes on")
        neighbours: int = Field(8, ge=1, le=255, description="neighbours of a point in the learned space")
        exchange: bool = Field(True, description="each block also gives the mean over the event to every point")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points."""
        self.require_points(inputs)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says, given neighbours are not used."""
        from hitforge.models.layers.torch_gravnet import GravNetwork

        features, _, summary = self.require_points(inputs)
        return GravNetwork(features, summary, outputs, self.config)
