"""Networks on the graph of an event's hits: seconds of a forward pass, and of one with its backward pass.

The interaction network runs with the sums over edges of ``models.layers.torch_incidence``, and the same weights with
other ways to write them: ``index_add`` and ``index_select``; ``segment_reduce`` over sorted edges; ``index_add`` with
the features of both hits and of the edge joined in one tensor. Then all networks for tracks as they are. Everybody
takes turns in one process, so that a busy minute hits all of them; times are medians, and ratios are to the first line.
With one thread on a CPU, the time is that of the processor, without what other programs take of it.

    OMP_NUM_THREADS=1 python benchmarks/track_network.py --repeat 7
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hitforge.models import MODELS
from hitforge.models.layers.torch_incidence import Incidence

LAYERS, FEATURES, GIVEN = 48, 3, 15
Batch = dict[str, Tensor]


class IndexAdd(Incidence):
    """Sums by ``index_add``."""

    def __init__(self, source: Tensor, destination: Tensor, nodes: int) -> None:
        self.nodes, self.ends = nodes, (source.long(), destination.long())

    def expand(self, x: Tensor) -> Tensor:
        """Add what stands at both ends."""
        halves = x.chunk(2, dim=1)
        return sum(half.index_select(0, end) for half, end in zip(halves, self.ends, strict=True))

    def collect(self, e: Tensor, weight: Tensor | None = None) -> Tensor:
        """Sum edges at their ends."""
        e = e if weight is None else e * weight[:, None]
        return torch.cat([e.new_zeros(self.nodes, e.shape[1]).index_add(0, end, e) for end in self.ends], dim=1)


class SegmentReduce(IndexAdd):
    """Sums by ``segment_reduce`` over edges that are brought in order first."""

    def __init__(self, source: Tensor, destination: Tensor, nodes: int) -> None:
        super().__init__(source, destination, nodes)
        self.order = [end.argsort(stable=True) for end in self.ends]
        self.lengths = [torch.bincount(end, minlength=nodes) for end in self.ends]

    def collect(self, e: Tensor, weight: Tensor | None = None) -> Tensor:
        """Sum edges at their ends."""
        e = e if weight is None else e * weight[:, None]
        parts = zip(self.order, self.lengths, strict=True)
        return torch.cat(
            [torch.segment_reduce(e[order], "sum", lengths=n, axis=0, unsafe=True) for order, n in parts], dim=1
        )


def joined(update: nn.Module, x: Tensor, e: Tensor, graph: IndexAdd) -> Tensor:
    """An ``EdgeUpdate`` with one matrix on what both hits and the edge have, side by side."""
    weight = torch.cat([*update.ends.weight.chunk(2), update.edge.weight], dim=1)
    given = torch.cat([*(x.index_select(0, end) for end in graph.ends), e], dim=1)  # (E, 3 W)
    hidden = functional.linear(given, weight, update.edge.bias)
    return e + update.norm(update.output(functional.silu(hidden)))


def forward(network: nn.Module, batch: Batch, kind: type[Incidence], *, join: bool = False) -> Tensor:
    """What ``InteractionNetwork.forward`` does, with another way to sum."""
    graph: Any = kind(batch["source"], batch["destination"], len(batch["nodes"]))
    x, e = network.node(batch["nodes"], batch["layer"]), network.edge(batch["edges"])
    for step in network.steps:
        e = joined(step.edge, x, e, graph) if join else step.edge(x, e, graph)
        x = step.node(x, step.gate(e, graph))
    return network.edge_head(x, e, graph)


def event(hits: int, edges: int) -> Batch:
    """Hits at random; an edge goes to one of the next tenth of the hits, as an order by layers would have it."""
    random = torch.Generator().manual_seed(0)
    batch = {
        "nodes": torch.randn(hits, FEATURES, generator=random),
        "layer": (torch.arange(hits) * LAYERS // hits).int(),
        "event": torch.zeros(hits, dtype=torch.int32),
        "kind": (torch.arange(hits) > hits // 2).int(),
    }
    for suffix, number in (("", edges), ("_1", edges // 2)):
        source = torch.randint(0, hits - hits // 10, (number,), generator=random)
        step = torch.randint(1, hits // 10, (number,), generator=random)
        batch[f"edges{suffix}"] = torch.randn(number, GIVEN, generator=random)
        batch[f"source{suffix}"], batch[f"destination{suffix}"] = source.int(), (source + step).int()
    return batch


def both_ways(call: Callable[[], Tensor], network: nn.Module, clock: Callable[[], float]) -> tuple[float, float]:
    """Seconds of a forward pass in evaluation, and of one in training with its backward pass."""
    network.eval()
    with torch.no_grad():
        start = clock()
        call()
        alone = clock() - start
    network.train().zero_grad()
    start = clock()
    call().float().square().mean().backward()
    return alone, clock() - start


def after_gpu() -> float:
    """Wall-clock once the GPU has finished its work."""
    torch.cuda.synchronize()
    return time.perf_counter()


def compare(batch: Batch, arguments: argparse.Namespace, half: bool) -> list[str]:
    """Lines of the table of one precision."""
    shapes = {name: tuple(value.shape[1:]) for name, value in batch.items()}
    calls: dict[str, tuple[Callable[[], Tensor], nn.Module]] = {}
    networks = {}
    for name, more in (
        ("interaction_network", {"iterations": arguments.iterations}),
        ("edge_filter", {}),
        ("heterogeneous_network", {"iterations": arguments.iterations}),
        ("hierarchical_network", {}),
        ("multi_topology_network", {"iterations": arguments.iterations}),
    ):
        torch.manual_seed(0)
        model = MODELS.build({"name": name, "width": arguments.width, **more}, where="benchmark")
        networks[name] = model.torch(shapes, 1).to(batch["nodes"].device)
    first = networks["interaction_network"]
    calls["interaction_network"] = lambda: first(**batch), first
    for name, kind, join in (
        ("  with index_add", IndexAdd, False),
        ("  with segment_reduce", SegmentReduce, False),
        ("  with index_add, joined", IndexAdd, True),
    ):
        calls[name] = lambda kind=kind, join=join: forward(first, batch, kind, join=join), first
    for name in list(networks)[1:]:
        calls[name] = lambda name=name: networks[name](**batch), networks[name]
    device = batch["nodes"].device.type
    clock = time.process_time if arguments.threads == 1 else time.perf_counter
    clock = after_gpu if device == "cuda" else clock
    with torch.autocast(device, torch.bfloat16, enabled=half):
        if not half:
            with torch.no_grad():
                exact = first.eval()(**batch)
                for name in list(calls)[1:4]:
                    torch.testing.assert_close(calls[name][0](), exact, rtol=1e-3, atol=1e-3)
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
        for turn in range(arguments.repeat + 1):
            for name, (call, network) in calls.items():
                took = both_ways(call, network, clock)
                if turn:
                    times[name].append(took)
    medians = {name: [statistics.median(column) for column in zip(*took, strict=True)] for name, took in times.items()}
    base = medians["interaction_network"]
    return [
        f"| {'bf16' if half else 'fp32'} | {name} | {1e3 * alone:,.0f} | {alone / base[0]:.2f} | {1e3 * trained:,.0f} "
        f"| {trained / base[1]:.2f} |"
        for name, (alone, trained) in medians.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hits", type=int, default=15_000)
    parser.add_argument("--edges", type=int, default=100_000)
    parser.add_argument("--width", type=int, default=48)
    parser.add_argument("--iterations", type=int, default=5)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    batch = {name: value.to(arguments.device) for name, value in event(arguments.hits, arguments.edges).items()}
    print("| precision | network | forward [ms] | ratio | and backward [ms] | ratio |\n|---|---|---|---|---|---|")
    for half in (False, True):
        print("\n".join(compare(batch, arguments, half)), flush=True)


if __name__ == "__main__":
    main()
