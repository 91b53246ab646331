"""Recurrent cells over the layers of a volume in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from hitforge.models.layers.torch_convolution import norm
from hitforge.models.layers.torch_dense import InputNorm, dense, with_summary

if TYPE_CHECKING:
    from hitforge.models.recurrent_layers import RecurrentLayers


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
            self.norms.append(norm(width) if normalise else nn.Identity())
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
    """Shared 2D stages, cells, pooling over the steps, dense layers."""

    def __init__(
        self, volume: tuple[int, int, int, int], summary: int, outputs: int, config: RecurrentLayers.Config
    ) -> None:
        super().__init__()
        channels = volume[3] * config.group
        self.group, self.pooling, self.width = config.group, config.pool, config.hidden
        self.stages = nn.ModuleList()
        for width in config.widths:
            self.stages.append(Stage(channels, width, config.convolutions, config.norm == "batch"))
            channels = width
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(config.dropout)
        both = 2 if config.bidirectional else 1
        self.cells, self.backward_cells = nn.ModuleList(), nn.ModuleList()
        for _ in range(config.depth):
            self.cells.append(_cell(config.cell, channels, config.hidden))
            if config.bidirectional:
                self.backward_cells.append(_cell(config.cell, channels, config.hidden))
            channels = both * config.hidden
        self.score = dense(channels, 1, gain=1.0, bias=False) if config.pool == "attention" else None
        self.summary = InputNorm(summary) if summary else None
        features = channels + summary
        self.hidden = dense(features, config.dense, gain=2.0) if config.dense else None
        self.output = dense(config.dense or features, outputs, gain=1.0)

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
