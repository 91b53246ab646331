"""A recurrent network over the layers of a calorimeter, each seen by one shared convolutional network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from hitforge.core.config import Config as BaseConfig
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models._volume import check_halvings
from hitforge.representations import Shapes

if TYPE_CHECKING:
    import torch


class RecurrentLayers(Model):
    """A small 2D network on each layer's image, then a recurrent cell from the first layer to the last.

    Cells: plain (Elman), LSTM (Hochreiter and Schmidhuber 1997), GRU (arXiv 1406.1078), or convolutional LSTM (arXiv
    1506.04214), which reads the feature maps themselves where the others read their averages.
    """

    class Config(BaseConfig):
        """Size of the network."""

        cell: Literal["rnn", "lstm", "gru", "conv_lstm"] = Field("gru", description="recurrent cell")
        widths: tuple[Annotated[int, Field(ge=1, le=4096)], ...] = Field(
            (8, 16, 32), min_length=1, description="channels of each 2D stage; cells halve between two stages"
        )
        convolutions: int = Field(1, ge=1, le=16, description="convolutions in a stage")
        group: int = Field(1, ge=1, le=64, description="neighbouring layers that make one step, as channels")
        hidden: int = Field(64, ge=1, le=4096, description="state of the cell, for conv_lstm its channels")
        depth: int = Field(1, ge=1, le=8, description="recurrent cells one upon the other")
        bidirectional: bool = Field(False, description="a second cell reads from the last layer to the first")
        pool: Literal["last", "mean", "attention"] = Field(
            "attention", description="over the steps: the last state, the mean, or a mean with learned weights"
        )
        norm: Literal["batch", "none"] = Field("batch", description="normalisation behind each convolution")
        dense: int = Field(64, ge=0, le=8192, description="units of a hidden dense layer before the outputs, 0: none")
        dropout: float = Field(
            0.0, ge=0, lt=1, description="share of features dropped in cells and before dense layers"
        )

    config: Config

    def check(self, inputs: Shapes) -> None:
        """Say whether the volume is large enough for the halvings, and has a layer for each of a group."""
        check_halvings(self, inputs, len(self.config.widths) - 1, depth=False)
        (layers, *_), _ = self.require_volume(inputs)
        if self.config.group > layers:
            raise ConfigError(
                "a group must not hold more layers than the volume",
                came=f"{self.config.group} of {layers} layers",
                where="model.group",
            )

    def torch(self, inputs: Shapes, outputs: int) -> torch.nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W)."""
        from hitforge.models.layers.torch_recurrent import RecurrentNetwork

        self.check(inputs)
        volume, summary = self.require_volume(inputs)
        return RecurrentNetwork(volume, summary, outputs, self.config)
