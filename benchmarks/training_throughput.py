"""Training throughput: the engine against a plain hand-written PyTorch loop, and bf16 against fp32.

Both loops train the same network on the same images in one process; rounds alternate, so that a busy machine disturbs
both alike, and the ratio is the median over the rounds.

    python benchmarks/training_throughput.py --events 2560 --batch 256 --rounds 5
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from hitforge.core.progress import Progress
from hitforge.models import MODELS
from hitforge.tasks import TASKS
from hitforge.training import TrainingConfig
from hitforge.training.torch_engine import TorchEngine


class Memory:
    """Random images in memory; (B, side, side, 2) float32."""

    def __init__(self, events: int, batch: int, side: int) -> None:
        random = np.random.default_rng(0)
        self.images = random.normal(size=(events, side, side, 2)).astype(np.float32)
        self.target = random.integers(0, 2, events)
        self.events, self.batch, self.wait = events, batch, 0.0

    def __len__(self) -> int:
        return self.events // self.batch

    def epoch(self, number: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield the batches."""
        for first in range(0, len(self) * self.batch, self.batch):
            part = slice(first, first + self.batch)
            yield {"image": self.images[part]}, self.target[part]


class Marked(Memory):
    """Notes the moment at which each epoch begins."""

    def __init__(self, *arguments: int) -> None:
        super().__init__(*arguments)
        self.moments: list[float] = []

    def epoch(self, number: int) -> Iterator[tuple[dict[str, Any], Any]]:
        """Yield the batches."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.moments.append(time.perf_counter())
        yield from super().epoch(number)


class PlainLoop:
    """What one writes by hand: forward, backward, clip, step; no epochs, no checkpoints, no bookkeeping."""

    def __init__(self, block: dict[str, Any], side: int, bf16: bool, device: torch.device) -> None:
        self.bf16, self.device = bf16, device
        network = MODELS.build(block, where="benchmark").torch({"image": (side, side, 2)}, 2)
        self.network = network.to(device).to(memory_format=torch.channels_last).train()
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=1e-4, weight_decay=0.02, fused=True)
        self.loss = nn.CrossEntropyLoss()

    def epoch(self, sample: Memory) -> float:
        """Train once over the sample and return images per second."""
        start = time.perf_counter()
        for inputs, labels in sample.epoch(0):
            image = torch.from_numpy(inputs["image"]).to(self.device).permute(0, 3, 1, 2)
            target = torch.from_numpy(labels).to(self.device)
            with torch.autocast(self.device.type, torch.bfloat16) if self.bf16 else nullcontext():
                outputs = self.network(image=image)
            loss = self.loss(outputs.float(), target)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return len(sample) * sample.batch / (time.perf_counter() - start)


def engine_rates(block: dict[str, Any], arguments: argparse.Namespace, precision: str, between: Any) -> list[float]:
    """Images per second of each epoch of the engine; ``between`` runs behind each epoch."""
    sample = Marked(arguments.events, arguments.batch, arguments.side)
    validation = Marked(arguments.batch, arguments.batch, arguments.side)  # begins when the training epoch has ended

    def score(outputs: Any, target: Any) -> dict[str, float]:
        between()
        return {"accuracy": 0.5}

    with tempfile.TemporaryDirectory() as folder:
        config = TrainingConfig(
            epochs=arguments.rounds + 1,
            batch_size=arguments.batch,
            monitor="accuracy",
            lr=1e-4,
            precision=precision,
            device=arguments.device,
            compile=arguments.compile,
        )
        task = TASKS.build("classify", where="benchmark")
        model = MODELS.build(block, where="benchmark")
        engine = TorchEngine(model, task, config, {"image": (arguments.side, arguments.side, 2)}, Path(folder))
        engine.fit(sample, validation, score, Progress())
    seconds = [end - start for start, end in zip(sample.moments, validation.moments, strict=True)]
    return [len(sample) * sample.batch / value for value in seconds[1:]]  # the first epoch warms up


def main() -> None:
    """Measure and print a table, and JSON where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=2560, help="images in an epoch")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--side", type=int, default=32, help="cells along a side of an image")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="residual")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--compile", action="store_true", help="compile the engine's network")
    parser.add_argument("--precisions", nargs="+", default=["bf16", "fp32"], choices=["bf16", "fp32"])
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() and arguments.device != "cpu" else "cpu")
    block = {"name": arguments.model}
    sample = Memory(arguments.events, arguments.batch, arguments.side)
    figures: dict[str, dict[str, float]] = {}
    for precision in arguments.precisions:
        plain = PlainLoop(block, arguments.side, precision == "bf16", device)
        rates: list[float] = []

        def between(rates: list[float] = rates, plain: PlainLoop = plain) -> None:
            rates.append(plain.epoch(sample))

        ours = engine_rates(block, arguments, precision, between)
        theirs = rates[1:]
        ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
        figures[precision] = {"engine": median(ours), "plain": median(theirs), "ratio": ratio}
        print(f"{precision}: engine {median(ours):.0f}, plain loop {median(theirs):.0f} images/s, ratio {ratio:.3f}")
    if len(figures) == 2:
        print(f"bf16 over fp32: {figures['bf16']['engine'] / figures['fp32']['engine']:.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
