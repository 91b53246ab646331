"""Message passing on given neighbours: the network for graphs that know the detector's layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from hitforge.models import Model
from hitforge.models._points import PointsConfig, require_neighbours
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class MessagePassing(Model):
    """Residual blocks of messages along the given edges, then pooling; padded points left out exactly.

    An edge knows both of its points, the difference of their positions and its length. With attention (graph attention,
    arXiv 1710.10903) a point weighs its neighbours by these; with mean or max, the message is a ReLU of all of them
    (message passing, arXiv 1704.01212).
    """

    class Config(PointsConfig):
        """Size of the network."""

        width: int = Field(64, ge=1, le=4096, description="features of a point; with attention a multiple of heads")
        blocks: int = Field(2, ge=1, le=32, description="blocks of messages")
        aggregate: Literal["attention", "mean", "max"] = Field(
            "attention", description="what a point makes of messages"
        )
        heads: int = Field(1, ge=1, le=64, description="attention heads")
        edge: int = Field(16, ge=1, le=1024, description="features of an edge")
        expansion: float = Field(1.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")

        @model_validator(mode="after")
        def _divisible(self) -> MessagePassing.Config:
            if self.aggregate == "attention" and self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, but {self.width} is no multiple of {self.heads}")
            return self

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points with neighbours."""
        require_neighbours(self, inputs)

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        from hitforge.models.layers.torch_messages import MessageNetwork

        self.check(inputs)
        features, _, summary = self.require_points(inputs)
        return MessageNetwork(features, summary, outputs, self.config)
