"""Both endcaps of an event with pile-up, by a trained network in tiles and by CLUE at once: time and peak memory.

Particles of the run's own gun, read out in the whole detector. Each mu has a process of its own. Memory is the largest
resident set: after loading the network, with the event, after the network, after CLUE [MiB]. ``shared`` is the largest
share of a hit's energy that all showers together took: stitching must leave it at 1 or below. One thread.

    python benchmarks/whole_showers.py runs/one_stage --mu 0 60 200
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_OWN = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"


def peak() -> float:
    """Largest resident set of this process so far [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(run: Path, mu: float, tile: float) -> None:
    """Print a row of the table."""
    import torch

    from hitforge.events import Events
    from hitforge.simulation import SIMULATIONS
    from hitforge.training.folder import open_recipe
    from hitforge.training.needs import build_engine
    from hitforge.training.reconstruct import Stopwatch, find_objects

    torch.set_num_threads(1)
    recipe = open_recipe(run)
    engine = build_engine(recipe, Path(tempfile.mkdtemp()))
    engine.load(run / "model.safetensors")
    clue = next(one for one in recipe.baselines if one.name == "clue")
    clue.load(run / "baselines" / "clue")
    block = {"name": recipe.source.name, **recipe.source.config.model_dump(mode="json")}
    block |= {"pileup": {**block["pileup"], "mu": mu}, "window": 0, "train": 2, "shard_size": 1, "memory": 64}
    loaded = peak()
    made = [SIMULATIONS.build(block, recipe.detector, where="benchmark").shard("train", i) for i in range(2)]
    small, event = (Events({"hits": one.hits}) for one in made)
    with_event = peak()

    def tiled(one: Events) -> tuple[Stopwatch, object]:
        watch = Stopwatch()
        return watch, find_objects(engine, recipe.representation, recipe.task, one, watch, tile)

    few = np.arange(small.hits.rows) % 50 == 0
    tiled(Events({"hits": small.hits.select_rows(few)}))  # compiles
    clue.find(Events({"hits": small.hits.select_rows(few)}))
    start = time.perf_counter()
    watch, found = tiled(event)
    seconds = time.perf_counter() - start
    after_network = peak()
    start = time.perf_counter()
    other = clue.find(event)
    clue_seconds = time.perf_counter() - start
    hit, weight = found.members["hit"], found.members["weight"]
    shared = np.bincount(hit, weight, 1).max()
    stages = " + ".join(f"{name} {values[0]:.2g}" for name, values in watch.seconds.items())
    print(
        f"| {mu:g} | {event.hits.rows:,} | {found.parameters.rows} | {seconds:.2f} ({stages}) | {shared:.4f} "
        f"| {other.parameters.rows} | {clue_seconds:.2f} "
        f"| {loaded:.0f} | {with_event:.0f} | {after_network:.0f} | {peak():.0f} |"
    )


def main() -> None:
    """Run each case in a process of its own, because peak memory never falls within one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--mu", type=float, nargs="+", default=[0, 60, 200])
    parser.add_argument("--tile", type=float, default=300.0, help="edge of the tiles [mm]")
    parser.add_argument("--one", action="store_true")
    arguments = parser.parse_args()
    if arguments.one:
        measure(arguments.run, arguments.mu[0], arguments.tile)
        return
    print(
        "| mu | hits | network: showers | network [s] | shared | CLUE, one side: showers | CLUE [s] | loaded [MiB] | "
        "with the event | after the network | after CLUE |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for mu in arguments.mu:
        command = [
            sys.executable,
            __file__,
            str(arguments.run),
            "--tile",
            str(arguments.tile),
            "--one",
            "--mu",
            str(mu),
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | dict.fromkeys(_OWN, "1")
        )
        print(done.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
