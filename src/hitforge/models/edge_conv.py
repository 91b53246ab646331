"""A dynamic graph network: edge convolutions over neighbours that each block finds anew in its own features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._points import PointsConfig
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class EdgeConv(Model):
    """DGCNN (Wang et al., arXiv 1801.07829) on the points of an event, padded points left out exactly.

    An edge's feature is linear in both of its points and activated; a block keeps the largest over the neighbours, or
    their mean. The outputs of all blocks are joined, embedded and pooled.
    """

    class Config(PointsConfig):
        """Size of the network."""

        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (64, 64), min_length=1, max_length=32, description="features of a point behind each block"
        )
        graph: Literal["dynamic", "given"] = Field(
            "dynamic",
            description="dynamic: nearest in the features of each block, the first block takes the given neighbours if "
            "there are any, else the nearest in space; given: the given neighbours in all blocks",
        )
        neighbours: int = Field(8, ge=1, le=255, description="neighbours of a point in a graph found by the network")
        aggregate: Literal["max", "mean"] = Field("max", description="what a point keeps of its edges")
        embedding: int = Field(64, ge=1, le=8192, description="features of a point before the pooling")

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are points, with neighbours where the configuration takes the given ones."""
        _, neighbours, _ = self.require_points(inputs)
        if self.config.graph == "given" and not neighbours:
            raise ConfigError(
                "graph: given needs the neighbours of each point",
                came=inputs,
                where="model.graph",
                do="give the representation 'points' a graph, or set model.graph to dynamic",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; inputs as ``Model.torch`` says."""
        from hitforge.models.layers.torch_edge_conv import EdgeNetwork

        self.check(inputs)
        features, _, summary = self.require_points(inputs)
        return EdgeNetwork(features, summary, outputs, self.config)
