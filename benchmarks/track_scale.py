"""Memory and time of the chain from hits to tracks against the number of hits, each size in a process of its own.

Smaller events are those of random particles of one simulated event of top quarks with ``--mu`` further collisions, with
all their hits and a like share of the noise. The full event is the TrackML event of 125,576 hits, where HITFORGE_DATA
names the folder that holds it. Windows are learned from simulated events with 40 further collisions. The graph is built
on all volumes up to abs(eta) = 4, the interaction network (width 48, 5 rounds) is fresh, and because a fresh network
knows nothing, tracks are built from scores that say how well edges continue each other.

Seconds are those of the processor on one thread, medians of ``--repeat``; ``prepare`` is the graph with its features
and the batch. Memory is the largest resident set so far: after imports and compiled kernels, after preparing, after the
network, and after building. The full event must stay below 8 GB. With ``--loose``, all settings of the graph have their
default, and it holds several times as many edges.

    HITFORGE_DATA=data python benchmarks/track_scale.py --repeat 1
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

FULL, LIMIT = "trackml/event000021000", 8e9  # [bytes]
GRAPH: dict[str, Any] = {
    "name": "track_graph",
    "edges": {"name": "geometric", "quantile": 0.005, "pt_margin": 0.05},
    "max_chi": 8,
}
TARGET = {"name": "track", "min_pt": 0.9, "max_eta": 4.0, "min_hits": 4, "min_track_hits": 4}
TASK = {"name": "classify_edges", "build": {"name": "walk"}}
EVENTS = {"name": "fatras", "process": "ttbar", "pt_min": 0.15, "eta_max": 4, "noise": 0.05, "validation": 1, "test": 0}
STAGES = ("prepare", "network", "building")
_OWN = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"


def peak() -> float:
    """Largest resident set of this process so far [bytes]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def build(folder: Path, loose: bool) -> tuple[Any, Any]:
    """The detector, and the representation: fitted if it was saved in the folder."""
    from hitforge.detectors import DETECTORS
    from hitforge.objects import KINDS
    from hitforge.representations import REPRESENTATIONS

    detector = DETECTORS.build("silicon_barrel_endcap", where="benchmark")
    block = {"name": GRAPH["name"]} if loose else GRAPH
    target = KINDS.build(TARGET, detector, where="benchmark")
    representation = REPRESENTATIONS.build(block, detector, target, where="benchmark")
    if (folder / "representation.npz").exists():
        representation.load(folder)
    return detector, representation


def make(folder: Path, mu: float, learned: int, loose: bool) -> None:
    """Learn the windows, and write the events: ``simulated.parquet``, and ``full.parquet`` where its files are."""
    from hitforge.core.errors import DataError
    from hitforge.core.progress import Progress
    from hitforge.events.storage import write_shard
    from hitforge.readers import READERS
    from hitforge.simulation import SIMULATIONS

    detector, representation = build(folder, loose)
    more = {"mu": 40, "train": learned, "shard_size": learned, "seed": 2}
    sample = SIMULATIONS.build(EVENTS | more, detector, where="benchmark").shard("train", 0)
    representation.fit(lambda: [sample], Progress())
    representation.save(folder)
    large = SIMULATIONS.build(EVENTS | {"mu": mu, "train": 1, "shard_size": 1}, detector, where="benchmark")
    write_shard(folder / "simulated.parquet", large.shard("train", 0))
    try:
        reader = READERS.build({"name": "trackml", "path": FULL, "truth": "none"}, detector, where="benchmark")
        write_shard(folder / "full.parquet", reader.shard("test", 0))
    except DataError as error:
        print(f"without the full event: {error}")


def part(events: Any, hits: int) -> Any:
    """The hits of random particles of an event, about so many, and their share of the noise."""
    from hitforge.core.random import stream
    from hitforge.events import Events

    random, links, rows = stream(1, "track_scale", hits), events.links, events.hits.rows
    share = hits / rows
    if share >= 1:
        return events
    owner = np.full(rows, -1)
    owner[links["hit"]] = links["particle"]
    turn = random.permutation(events.particles.rows)[owner]  # of each hit's particle
    turn[owner < 0] = random.integers(0, events.particles.rows, (owner < 0).sum())
    kept = turn < np.quantile(turn, share)
    return Events({name: events.collections[name].select_rows(kept) for name in ("hits", "clusters")})


def measure(folder: Path, name: str, hits: int, repeat: int, loose: bool) -> dict[str, Any]:
    """Times [s] and memory [bytes] of one event in this process."""
    import torch

    from hitforge.events import Events
    from hitforge.events.storage import read_shard
    from hitforge.models import MODELS
    from hitforge.tasks import TASKS

    torch.set_num_threads(1)
    detector, representation = build(folder, loose)
    task: Any = TASKS.build(TASK, detector, representation.target, where="benchmark")
    shapes = representation.shapes()
    torch.manual_seed(0)
    network = MODELS.build({"name": "interaction_network"}, where="benchmark").torch(shapes, task.outputs).eval()
    whole = read_shard(folder / f"{name}.parquet")
    event = part(whole, hits) if hits else whole
    event = Events({key: event.collections[key] for key in ("hits", "clusters")})  # what the detector saw
    small = np.arange(event.hits.rows) < 500
    tiny = Events({key: c.select_rows(small) for key, c in event.collections.items()})
    spent: dict[str, list[float]] = {stage: [] for stage in STAGES}
    memory: dict[str, float] = {}
    found: dict[str, int] = {}

    def stage(key: str, work: Callable[[], Any], loud: bool) -> Any:
        start = time.process_time()
        answer = work()
        if loud:
            spent[key].append(time.process_time() - start)
            memory.setdefault(key, peak())
        return answer

    def chain(one: Any, loud: bool) -> None:
        def graph() -> dict[str, Any]:
            return representation.batch(representation.prepare(one), np.array([0]))

        def answers() -> Any:
            with torch.inference_mode():
                return network(**{key: torch.from_numpy(values) for key, values in batch.items()}).numpy()

        batch = stage("prepare", graph, loud)
        assert stage("network", answers, loud).shape == (len(batch["edges"]), 1)
        names = representation.labels()["edges"]
        logit = 2 - sum(batch["edges"][:, names.index(f"{side}_chi")] for side in ("inner", "outer"))
        tracks = stage("building", lambda: task.objects(logit[:, None], batch), loud)
        found.update(hits=len(batch["nodes"]), edges=len(batch["edges"]), tracks=tracks.count)

    chain(tiny, False)  # compiles
    memory["before"] = peak()
    for _ in range(repeat):
        chain(event, True)
    seconds = {key: statistics.median(values) for key, values in spent.items()}
    return {**found, "memory": memory, "seconds": seconds}


def alone(*arguments: str) -> str:
    """What this file prints in a process of its own on one thread."""
    environment = os.environ | dict.fromkeys(_OWN, "1")
    run = subprocess.run(
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    return run.stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hits", type=int, nargs="+", default=[5_000, 10_000, 20_000, 40_000, 80_000, 125_000])
    parser.add_argument("--mu", type=float, default=200.0, help="collisions of the simulated event")
    parser.add_argument("--learned", type=int, default=20, help="events that windows are learned from")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--loose", action="store_true", help="the graph's default settings: more edges")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make(options.make, options.mu, options.learned, options.loose)
        return
    if options.one:
        place, name, hits = options.one
        print(json.dumps(measure(Path(place), name, int(hits), options.repeat, options.loose)))
        return
    with tempfile.TemporaryDirectory() as place:
        flags = ["--loose"] * options.loose
        said = alone("--make", place, "--mu", str(options.mu), "--learned", str(options.learned), *flags)
        if said:
            print(said)
        cases = [("simulated", hits) for hits in options.hits]
        cases += [("full", 0)] if (Path(place) / "full.parquet").exists() else []
        print(
            f"{'event':9} {'hits':>8} {'edges':>10} {'tracks':>7} "
            + " ".join(f"{name + ' s':>11}" for name in STAGES)
            + f" {'total s':>9} "
            + " ".join(f"{name + ' MB':>12}" for name in ("before", *STAGES))
        )
        for name, hits in cases:
            result = json.loads(alone("--one", place, name, str(hits), "--repeat", str(options.repeat), *flags))
            seconds, memory = result["seconds"], result["memory"]
            print(
                f"{name:9} {result['hits']:8,} {result['edges']:10,} {result['tracks']:7,} "
                + " ".join(f"{seconds[key]:11.2f}" for key in STAGES)
                + f" {sum(seconds.values()):9.2f} "
                + " ".join(f"{memory[key] / 1e6:12,.0f}" for key in ("before", *STAGES)),
                flush=True,
            )
            if name == "full":
                assert max(memory.values()) < LIMIT, "the full event takes 8 GB or more"


if __name__ == "__main__":
    main()
