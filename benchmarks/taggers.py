"""A training step of jet taggers: ours, and those of weaver-core and lgatr, in ms a jet and as ratios in one process.

Jets are random numbers of the shape that ``constituents`` gives; networks train in turns, on one thread; ``--bf16``
where the processor has units for it. Needs the extra ``bench``.

    OMP_NUM_THREADS=1 python benchmarks/taggers.py --constituents 64 --rounds 5 --bf16
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import torch

from hitforge.models import MODELS

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "outside_taggers" / "src"))
FEATURES, BATCH = 13, 64


def jets(constituents: int) -> dict[str, torch.Tensor]:
    """Random jets, of each of which four fifths of the constituents are real."""
    torch.manual_seed(1)
    momentum = torch.rand(BATCH, constituents, 3) * 20 + 1
    energy = momentum.square().sum(2, keepdim=True).sqrt() * 1.01
    real = (torch.rand(BATCH, constituents, 1) < 0.8).float()
    return {
        "points": torch.randn(BATCH, constituents, FEATURES) * real,
        "position": torch.randn(BATCH, constituents, 3) * real,
        "momentum": torch.cat([momentum, energy], 2) * real,
        "mask": real,
    }


def models() -> dict[str, Any]:
    """Networks by the name in the table."""
    from outside_taggers.lgatr_slim import LGATrSlim
    from outside_taggers.weaver_particle_net import WeaverParticleNet
    from outside_taggers.weaver_particle_transformer import WeaverParticleTransformer as Transformer

    slim = {"blocks": 4, "vectors": 8, "scalars": 32, "heads": 4}
    narrow = {"embedding": [64, 128, 64], "pair_embedding": [32, 32], "blocks": 3, "class_blocks": 1}
    return {
        "particle_transformer": MODELS.build("particle_transformer", where="benchmark"),
        "particle_net": MODELS.build("particle_net", where="benchmark"),
        "weaver: Particle Transformer": Transformer(Transformer.Config()),
        "weaver: Particle Transformer, narrow": Transformer(Transformer.Config(**narrow)),
        "weaver: ParticleNet": WeaverParticleNet(WeaverParticleNet.Config()),
        "lgatr: L-GATr-slim": LGATrSlim(LGATrSlim.Config()),
        "lgatr: L-GATr-slim, narrow": LGATrSlim(LGATrSlim.Config(**slim)),
    }


def step(
    network: torch.nn.Module, optimiser: torch.optim.Optimizer, batch: dict[str, torch.Tensor], bf16: bool
) -> float:
    """Milliseconds a jet of one training step."""
    start = time.perf_counter()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = network(**batch).float().square().mean()
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return (time.perf_counter() - start) / BATCH * 1e3


def main() -> None:
    """Train in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--constituents", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args()
    batch = jets(arguments.constituents)
    shapes = {name: tuple(value.shape[1:]) for name, value in batch.items()}
    found: dict[str, Any] = {}
    for name, model in models().items():
        network = model.torch(shapes, 2)
        optimiser = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad])
        step(network, optimiser, batch, arguments.bf16)
        found[name] = (network, optimiser, list[float]())
    for _ in range(arguments.rounds):
        for network, optimiser, times in found.values():
            times.append(step(network, optimiser, batch, arguments.bf16))
    first = statistics.median(found["particle_transformer"][2])
    print(f"\n{arguments.constituents} constituents, medians of {arguments.rounds} steps of {BATCH} jets:\n")
    print("| network | weights | ms a jet | over `particle_transformer` |")
    print("|---|---|---|---|")
    for name, (network, _, times) in found.items():
        weights = sum(p.numel() for p in network.parameters())
        print(f"| {name} | {weights:,} | {statistics.median(times):.1f} | {statistics.median(times) / first:.1f} |")


if __name__ == "__main__":
    main()
