"""A transformer on the hits of a tracker: hits are sorted, and each attends to those near it in the order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.representations import Per, Shapes

if TYPE_CHECKING:
    import torch


class WindowTransformer(Model):
    """Self-attention in windows of sorted hits, the work of which grows with the number of hits and not its square.

    Hits that belong together lie near each other in phi (Van Stroud et al., arXiv 2411.07149), or, where tracks bend,
    in phi + bend * r for some bend; the blocks take turns through several such orders, so that what one window cuts
    another holds together (several hashes as in Miao et al., arXiv 2402.12535). Windows overlap and close around phi.
    With ``pairs`` a small network tells attention what the places of two hits say about a track through both.
    """

    class Config(config.Config):
        """Size of the network, and where a hit's place stands among its features."""

        width: int = Field(64, ge=2, le=4096, description="features of a hit")
        blocks: int = Field(4, ge=1, le=64, description="blocks of attention and dense layers")
        heads: int = Field(4, ge=1, le=64, description="attention heads; width must be a multiple")
        block: int = Field(64, ge=1, le=8192, description="hits that share a window")
        reach: int = Field(64, ge=0, le=8192, description="hits before and behind these that the window holds too")
        orders: tuple[Literal["phi", "bend", "back", "eta"], ...] = Field(
            ("phi", "bend", "back", "eta"),
            min_length=1,
            description="what hits are sorted by, block after block: phi; phi + bend * r; phi - bend * r; eta",
        )
        bend: float = Field(0.15, gt=0, le=100, description="change of phi with the feature r in the bent orders [rad]")
        place: tuple[int, int, int, int] = Field(
            (-2, -1, 0, 1),
            description="columns of the features that hold cos(phi), sin(phi), r and z; negative from the end",
        )
        layers: int = Field(48, ge=1, le=65536, description="sensitive layers that the network knows apart")
        embedding: int = Field(8, ge=1, le=256, description="length of the learned vector of a layer")
        pairs: int = Field(0, ge=0, le=256, description="hidden units of the network on pairs of places, 0 for none")
        waves: int = Field(2, ge=0, le=16, description="octaves of sine and cosine of each feature beside the feature")
        expansion: float = Field(2.0, ge=0.25, le=16, description="hidden units of a block's dense part over width")
        dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped behind attention and dense part")

        @model_validator(mode="after")
        def _divisible(self) -> Self:
            if self.width % self.heads:
                raise ValueError(f"width must be a multiple of heads, but {self.width} is none of {self.heads}")
            return self

    config: Config

    @property
    def per(self) -> Per:
        """Each hit has an answer."""
        return "hit"

    def check(self, inputs: Shapes) -> None:
        """Say whether the inputs are hits of a tracker that have the columns of their place."""
        features = self.require_hits(inputs)
        columns = {column % features for column in self.config.place if -features <= column < features}
        if len(columns) < 4:
            raise ConfigError(
                f"the model '{self.name}' takes hits with cos(phi), sin(phi), r and z in the columns 'place'",
                came=f"{features} features, place {list(self.config.place)}",
                do="set azimuth: true in the representation 'track_hits'",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; it takes ``nodes``, ``layer`` and ``event``, and ignores what else comes."""
        from hitforge.models.layers.torch_hits import WindowNetwork

        self.check(inputs)
        return WindowNetwork(self.require_hits(inputs), outputs, self.config)
