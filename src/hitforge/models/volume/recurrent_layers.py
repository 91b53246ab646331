"""A recurrent network over the layers of a calorimeter, each seen by one shared convolutional network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from hitforge.core.config import Config as BaseConfig
from hitforge.core.errors import ConfigError
from hitforge.models import Model
from hitforge.models.layers.torch_convolution import norm2d
from hitforge.models.layers.torch_dense import InputNorm, linear, with_summary
from hitforge.models.volume import require_halvings, require_volume
from hitforge.representations import Shapes


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
        require_halvings(self, inputs, len(self.config.widths) - 1, depth=False)
        layers, *_ = require_volume(self, inputs)
        if self.config.group > layers:
            raise ConfigError(
                "a group must not hold more layers than the volume",
                came=f"{self.config.group} of {layers} layers",
                where="model.group",
            )

    def torch(self, inputs: Shapes, outputs: int) -> nn.Module:
        """Build the PyTorch network; input (B, C, L, H, W)."""
        self.check(inputs)
        channels = require_volume(self, inputs)[3]
        return RecurrentNetwork(channels, outputs, summary=self.summary_length(inputs), **dict(self.config))


class Stage(nn.Module):
    """Convolutions of 3 x 3, each with normalisation and ReLU."""

    def __init__(self, channels: int, width: int, convolutions: int, normalise: bool) -> None:
        super().__init__()
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for _ in range(convolutions):
            layer = nn.Conv2d(channels, width, 3, padding=1, bias=not normalise)
            nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
            self.convolutions.append(layer)
            self.norms.append(norm2d(width) if normalise else nn.Identity())
            channels = width

    def forward(self, x: Tensor) -> Tensor:
        """(M, C, H, W) to (M, width, H, W)."""
        for layer, normalise in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(normalise(layer(x)))
        return x


class ConvolutionalLSTM(nn.Module):
    """Shi et al., arXiv 1506.04214, without peepholes; the part of the gates that reads the inputs is made at once."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = hidden
        self.inputs = nn.Conv2d(channels, 4 * hidden, 3, padding=1)
        self.state = nn.Conv2d(hidden, 4 * hidden, 3, padding=1, bias=False)
        for layer in (self.inputs, self.state):
            nn.init.normal_(layer.weight, std=(1 / (9 * layer.in_channels)) ** 0.5)
        bias = torch.zeros(4 * hidden)
        bias[hidden : 2 * hidden] = 1.0  # remember at first (Jozefowicz et al. 2015)
        self.inputs.bias = nn.Parameter(bias)

    def forward(self, x: Tensor) -> Tensor:
        """Steps (B, T, C, H, W) to the state behind each, (B, T, hidden, H, W)."""
        batch, steps = x.shape[:2]
        gates = self.inputs(x.flatten(0, 1)).view(batch, steps, -1, *x.shape[3:])  # (B, T, 4 hidden, H, W)
        states: list[Tensor] = []
        cell: Tensor | None = None
        for now in gates.unbind(1):
            total = now + self.state(states[-1]) if states else now
            enter, keep, leave = torch.sigmoid(total[:, : 3 * self.hidden]).chunk(3, dim=1)
            new = enter * torch.tanh(total[:, 3 * self.hidden :])
            cell = new if cell is None else keep * cell + new
            states.append(leave * torch.tanh(cell))
        return torch.stack(states, dim=1)


class RecurrentNetwork(nn.Module):
    """Shared 2D stages, cells, pooling over the steps, dense layers.

    Args:
        channels: Of the volume.
        outputs: Numbers to give for each event.
        cell: Recurrent cell: rnn, lstm, gru or conv_lstm.
        widths: Channels of each 2D stage; cells halve between two stages.
        convolutions: In a stage.
        group: Neighbouring layers that make one step, as channels.
        hidden: State of the cell, for conv_lstm its channels.
        depth: Recurrent cells one upon the other.
        bidirectional: A second cell reads from the last layer to the first.
        pool: Over the steps: the last state, the mean, or a mean with learned weights, attention.
        norm: Normalisation behind each convolution, batch or none.
        dense: Units of a hidden dense layer before the outputs, 0 for none.
        dropout: Share of features dropped in cells and before dense layers.
        summary: Numbers about the whole event that come beside the volume, 0 for none.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        *,
        cell: str = "gru",
        widths: Sequence[int] = (8, 16, 32),
        convolutions: int = 1,
        group: int = 1,
        hidden: int = 64,
        depth: int = 1,
        bidirectional: bool = False,
        pool: str = "attention",
        norm: str = "batch",
        dense: int = 64,
        dropout: float = 0.0,
        summary: int = 0,
    ) -> None:
        super().__init__()
        channels = channels * group
        self.group, self.pooling, self.width = group, pool, hidden
        self.stages = nn.ModuleList()
        for width in widths:
            self.stages.append(Stage(channels, width, convolutions, norm == "batch"))
            channels = width
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        both = 2 if bidirectional else 1
        self.cells, self.backward_cells = nn.ModuleList(), nn.ModuleList()
        for _ in range(depth):
            self.cells.append(_cell(cell, channels, hidden))
            if bidirectional:
                self.backward_cells.append(_cell(cell, channels, hidden))
            channels = both * hidden
        self.score = linear(channels, 1, gain=1.0, bias=False) if pool == "attention" else None
        self.summary = InputNorm(summary) if summary else None
        features = channels + summary
        self.hidden = linear(features, dense, gain=2.0) if dense else None
        self.output = linear(dense or features, outputs, gain=1.0)

    def forward(self, **inputs: Tensor) -> Tensor:
        """A volume (B, C, L, H, W), with or without a summary (B, S), to (B, K)."""
        x = self._maps(inputs["volume"])  # (B, T, C, H, W)
        if not isinstance(self.cells[0], ConvolutionalLSTM):
            x = x.mean((3, 4))  # (B, T, C)
        for i, cell in enumerate(self.cells):
            states = _states(cell, self.dropout(x))
            if self.backward_cells:
                back = _states(self.backward_cells[i], self.dropout(x).flip(1)).flip(1)
                states = torch.cat([states, back], dim=2)
            x = states
        x = self._over_steps(x.mean((3, 4)) if x.ndim == 5 else x)  # (B, C)
        x = with_summary(x, inputs.get("summary"), self.summary)
        if self.hidden is not None:
            x = torch.relu(self.hidden(self.dropout(x)))
        return self.output(self.dropout(x))  # type: ignore[no-any-return]

    def _maps(self, volume: Tensor) -> Tensor:
        """Feature maps of each group of layers; the last group is filled up with empty layers."""
        x = volume.permute(0, 2, 3, 4, 1)  # (B, L, H, W, C), as it lies in memory
        if missing := -x.shape[1] % self.group:
            x = nn.functional.pad(x, (0, 0, 0, 0, 0, 0, 0, missing))
        batch, layers, rows, columns, channels = x.shape
        steps = layers // self.group
        if self.group > 1:
            x = x.view(batch, steps, self.group, rows, columns, channels).permute(0, 1, 3, 4, 2, 5)
        x = x.reshape(batch * steps, rows, columns, self.group * channels).permute(0, 3, 1, 2)  # (B T, C, H, W)
        for i, stage in enumerate(self.stages):
            x = stage(self.pool(x) if i else x)
        return x.reshape(batch, steps, *x.shape[1:])

    def _over_steps(self, x: Tensor) -> Tensor:
        """(B, T, C) to (B, C)."""
        if self.score is not None:
            return torch.bmm(self.score(x).softmax(1).mT.to(x.dtype), x)[:, 0]
        if self.pooling == "mean":
            return x.mean(1)
        ends = [x[:, -1, : self.width], x[:, 0, self.width :]]  # a cell that reads backwards ends at the first step
        return torch.cat(ends, dim=1)


def _cell(kind: str, channels: int, hidden: int) -> nn.Module:
    if kind == "conv_lstm":
        return ConvolutionalLSTM(channels, hidden)
    kinds: dict[str, Callable[..., nn.Module]] = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
    return kinds[kind](channels, hidden, batch_first=True)


def _states(cell: nn.Module, x: Tensor) -> Tensor:
    """States behind all steps."""
    found = cell(x)
    return found if isinstance(found, Tensor) else found[0]
