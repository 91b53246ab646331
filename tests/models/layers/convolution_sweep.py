"""Runs convolutions of many shapes forward and backward, beside float64 without oneDNN; meant for a process of its own.

What is wrong is printed; a fault ends the process, and the last printed line says where.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hitforge.models import MODELS
from hitforge.models.layers import torch_convolution, torch_two_stage, torch_volume

LAYOUTS = {
    "channels last": {4: torch.channels_last, 5: torch.channels_last_3d},
    "contiguous": {4: torch.contiguous_format, 5: torch.contiguous_format},
}
CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 16)
IMAGES: dict[str, list[dict[str, Any]]] = {
    "residual": [{"version": 1}, {"version": 2}],
    "inception": [{"widths": [4, 8]}],
    "plain_cnn": [{"convolutions": 2}],
    "vision_transformer": [{"patch": patch, "width": 8, "depth": 1, "heads": 2} for patch in (1, 2, 4)],
}
VOLUMES: dict[str, list[dict[str, Any]]] = {
    "plain_cnn_3d": [{}],
    "residual_3d": [{"version": 1}, {"version": 2}],
    "separable_3d": [{"stem": 1, "stem_depth": 1}, {"stem": 2, "stem_depth": 2}],
    "recurrent_layers": [{"cell": "gru"}, {"cell": "conv_lstm"}],
}


def say(*words: object) -> None:
    """Write a line at once, for the process may end at the next step."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def layers(dimensions: int) -> Iterator[tuple[str, int, nn.Module]]:
    """Single convolutions by all that makes one: what it is, its input channels, the layer."""
    makers: list[Callable[[int, int, int, int], nn.Module]] = [
        lambda c, w, k, s: torch_two_stage._convolution(c, w, dimensions, kernel=k, stride=s)
    ]
    if dimensions == 2:
        makers.append(torch_convolution.convolution2d)
    else:
        makers.append(lambda c, w, k, s: torch_volume.convolution3d(c, w, (k,) * 3, (s,) * 3))
        makers.append(lambda c, w, k, s: torch_volume.convolution3d(c, w, (1, k, k), (1, s, s)))
        makers.append(lambda c, w, k, s: torch_volume.convolution3d(c, w, (k, 1, 1), (s, 1, 1)))
    for (i, make), kernel, stride in product(enumerate(makers), (1, 3, 5) if dimensions == 2 else (1, 3), (1, 2, 3, 4)):
        for channels, width in product(CHANNELS, (2, 16)):
            name = f"{dimensions}D layer {i}, kernel {kernel}, stride {stride}, {channels} to {width}"
            yield name, channels, make(channels, width, kernel, stride)


def networks(blocks: dict[str, list[dict[str, Any]]], size: tuple[int, ...]) -> Iterator[tuple[str, int, nn.Module]]:
    """Whole networks, with as many channels inside as outside."""
    for (name, kinds), channels in product(blocks.items(), CHANNELS):
        for kind in kinds:
            widths = {} if name == "vision_transformer" else {"widths": [channels, channels + 1]}
            block = {"name": name, **widths, **kind}
            inputs = {"image" if len(size) == 2 else "volume": (*size, channels)}
            yield f"{block}, {channels}", channels, MODELS.build(block, where="sweep").torch(inputs, 3)


def laid_out(module: nn.Module, formats: dict[int, torch.memory_format]) -> nn.Module:
    """The module with its weights in a layout, as the engine lays them out."""
    for parameter in module.parameters():
        if parameter.ndim in formats:
            parameter.data = parameter.data.to(memory_format=formats[parameter.ndim])
    return module


def answers(module: nn.Module, x: Tensor) -> list[Tensor]:
    """Outputs, and the gradients of a sum of them with fixed weights by the input and by each parameter."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    y = module(x) if isinstance(module, nn.Conv2d | nn.Conv3d) else module(**{"image" if x.ndim == 4 else "volume": x})
    weight = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    return [y.detach(), *torch.autograd.grad(y, [x, *module.parameters()], weight.to(y.dtype))]


def compare(name: str, module: nn.Module, x: Tensor, tolerance: float) -> None:
    """Print where float32 with oneDNN differs from float64 without it."""
    with torch.backends.mkldnn.flags(enabled=False):
        expected = answers(copy.deepcopy(module).double(), x.double())
    for layout, formats in LAYOUTS.items():
        say(name, layout)
        ours = laid_out(copy.deepcopy(module), formats)
        for _ in range(2):  # memory that was written over is often noticed at its next use
            values = answers(ours, x.to(memory_format=formats[x.ndim]))
        for found, value in zip(values, expected, strict=True):
            scale = max(value.norm().item(), 1e-3)
            if not (found.double() - value).norm().item() < tolerance * scale:
                say("WRONG", name, layout, tuple(value.shape))


def detectors() -> None:
    """Networks that choose regions, where float64 may choose others: their gradients must be there, and finite."""
    regions = {"proposals": 4, "candidates": 20}
    size = (6, 12, 12)
    for channels in CHANNELS:
        inputs = {"volume": (*size, channels), "nodes": (5,), "place": (3,), "event": (), "energy": ()}
        hits = {"nodes": torch.rand(4, 5), "place": torch.rand(4, 3), "event": torch.zeros(4), "energy": torch.rand(4)}
        volume = torch.randn(1, channels, *size).to(memory_format=torch.channels_last_3d)
        for block in (
            {"name": "two_stage_detector", **regions, "widths": [channels, channels + 1, channels + 2]},
            {"name": "one_stage_detector", "widths": [channels, channels + 1], "plane_stride": 1 + channels % 2},
        ):
            learn(block, inputs, {"volume": volume, **hits})
    image = torch.randn(2, 2, 16, 12).to(memory_format=torch.channels_last)
    inputs = {"image": (16, 12, 2), "nodes": (5,), "place": (3,)}
    learn({"name": "mask_rcnn", **regions}, inputs, {"image": image, "nodes": torch.zeros(4, 5)})


def learn(block: dict[str, Any], inputs: dict[str, tuple[int, ...]], arrays: dict[str, Tensor]) -> None:
    """One forward and one backward pass."""
    say(block)
    module = laid_out(MODELS.build(block, where="sweep").torch(inputs, 3), LAYOUTS["channels last"])
    outputs = [value.square().mean() for value in module(**arrays).values() if value.requires_grad]
    torch.stack(outputs).sum().backward()
    if not all(p.grad.isfinite().all() for p in module.parameters() if p.grad is not None):
        say("WRONG", block)


def in_keras() -> None:
    """Steps of the residual network in Keras, on the backend that the environment names."""
    import keras

    for channels in (1, 2, 3, 5, 7, 8):  # the fault is at 2 to 7
        say("keras", channels)
        block = {"name": "residual", "widths": [channels, channels + 1], "blocks": 1}
        module = MODELS.build(block, where="sweep").keras({"image": (16, 16, channels)}, 3)
        module.compile(optimizer="sgd", loss=keras.losses.MeanSquaredError())
        for _ in range(3):
            x = np.random.default_rng(0).normal(size=(5, 16, 16, channels)).astype(np.float32)
            if not np.isfinite(module.train_on_batch(x, np.zeros((5, 3), np.float32))):
                say("WRONG keras", channels)


def main(part: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    if part == "keras":
        in_keras()
    elif part == "torch":
        for dimensions, size in ((2, (16, 16)), (3, (6, 8, 5))):
            for name, channels, layer in layers(dimensions):
                compare(name, layer, torch.randn(3, channels, *size), 1e-4)
        for blocks, size in ((IMAGES, (16, 16)), (VOLUMES, (6, 8, 8))):
            for name, channels, module in networks(blocks, size):  # type: ignore[arg-type]
                compare(name, module, torch.randn(3, channels, *size), 1e-2)
        detectors()
    say("all done")


if __name__ == "__main__":
    main(sys.argv[1])
