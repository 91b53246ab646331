"""A transformer from the hits of a calorimeter to objects: learned queries, each for one object and its hits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from hitforge.models._shower_hits import ShowerHitsConfig, ShowerHitsModel
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class MaskTransformer(ShowerHitsModel):
    """Queries that look only at the hits of their own masks (Cheng et al., arXiv 2112.01527), on encoded hits.

    The hits are encoded as in ``hit_transformer``. Then a fixed number of learned queries goes through ``decoder``
    layers: attention to the hits that the query's mask of the layer before has (to all, where it has none), attention
    among the queries of the event, a dense part. Behind each layer a query gives its answer, and a vector whose product
    with those of the hits is the mask. In training, all layers answer.
    """

    class Config(ShowerHitsConfig):
        """Size of the encoder, and the queries."""

        queries: int = Field(16, ge=1, le=1024, description="objects that can be found in an event")
        decoder: int = Field(3, ge=1, le=64, description="layers of the queries")

    config: Config

    @property
    def per(self) -> Per:
        """Each object has an answer."""
        return "object"

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``place``, ``layer``, ``event``, and ignores other inputs."""
        from hitforge.models.layers.torch_masks import MaskNetwork

        self.check(inputs)
        return MaskNetwork(self.require_places(inputs), outputs, self.config)
