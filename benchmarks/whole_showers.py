"""Both endcaps of an event with pile-up, by a trained network in tiles and by CLUE, side after side: time and memory.

Particles of the run's own gun, read out in the whole detector; simulated in one process and measured in another, for
each mu. Memory is the largest resident set: with network and event loaded and a few hits of it processed once, which
compiles; then what the network, and after it CLUE, hold at most [MiB]. ``shared`` is the largest share of a hit's
energy that all showers together took: stitching must leave it at 1 or below. One thread.

    python benchmarks/whole_showers.py runs/pileup_60 --mu 0 60 200
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from shower_inference import ONE_THREAD, forget, resident


def simulate(run: Path, mu: float, path: Path) -> None:
    """Write one event."""
    from hitforge.events.storage import write_shard
    from hitforge.runs.folder import open_recipe
    from hitforge.simulation import SIMULATIONS

    recipe = open_recipe(run)
    block = {"name": recipe.source.name, **recipe.source.config.model_dump(mode="json")}
    block |= {"pileup": {**block["pileup"], "mu": mu}, "window": 0, "train": 1, "shard_size": 1, "memory": 64}
    write_shard(path, SIMULATIONS.build(block, recipe.detector, where="benchmark").shard("train", 0))


def measure(run: Path, mu: float, tile: float, path: Path) -> None:
    """Print a row of the table."""
    import torch

    from hitforge.events import Events
    from hitforge.events.storage import read_shard
    from hitforge.methods.stopwatch import Stopwatch
    from hitforge.methods.whole_events import find_objects
    from hitforge.runs.folder import open_recipe
    from hitforge.runs.methods import network_of

    torch.set_num_threads(1)
    recipe = open_recipe(run)
    engine = network_of(recipe, Path(tempfile.mkdtemp())).engine
    engine.load(run / "model.safetensors")
    clue = next(one for one in recipe.baselines if one.name == "clue")
    clue.load(run / "baselines" / "clue")
    event = Events({"hits": read_shard(path, {"hits"}).hits})

    def part(rows: Any) -> Any:
        return Events({"hits": event.hits.select_rows(rows)})

    def tiled(one: Any) -> tuple[Any, Any]:
        watch = Stopwatch()
        return watch, find_objects(engine, recipe.representation, recipe.task, one, watch, tile)

    few = part(np.arange(event.hits.rows) % 50 == 0)
    tiled(few)
    clue.find(few)
    forget()
    before, start = resident("VmRSS"), time.perf_counter()
    watch, found = tiled(event)
    seconds, most = time.perf_counter() - start, resident("VmHWM")
    forget()
    start = time.perf_counter()
    sides = [clue.find(part(np.sign(event.hits["z"]) == side)) for side in (-1, 1)]
    clue_seconds = time.perf_counter() - start
    shared = np.bincount(found.members["hit"], found.members["weight"], 1).max()
    stages = " + ".join(f"{name} {values[0]:.2g}" for name, values in watch.seconds.items())
    print(
        f"| {mu:g} | {event.hits.rows:,} | {found.parameters.rows} | {seconds:.2f} ({stages}) | {shared:.4f} "
        f"| {sum(side.parameters.rows for side in sides)} | {clue_seconds:.2f} "
        f"| {before:.0f} | {most:.0f} | {resident('VmHWM'):.0f} |"
    )


def main() -> None:
    """Run each case in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--mu", type=float, nargs="+", default=[0, 60, 200])
    parser.add_argument("--tile", type=float, default=300.0, help="edge of the tiles [mm]")
    parser.add_argument("--make", type=Path)
    parser.add_argument("--one", type=Path)
    arguments = parser.parse_args()
    if arguments.make:
        simulate(arguments.run, arguments.mu[0], arguments.make)
        return
    if arguments.one:
        measure(arguments.run, arguments.mu[0], arguments.tile, arguments.one)
        return
    print(
        "| mu | hits | network: showers | network [s] | shared | CLUE: showers | CLUE [s] | before [MiB] | network | "
        "CLUE |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder:
        for mu in arguments.mu:
            path = Path(folder) / f"{mu:g}.parquet"
            command = [sys.executable, __file__, str(arguments.run), "--tile", str(arguments.tile), "--mu", str(mu)]
            for step in ("--make", "--one"):
                done = subprocess.run(
                    [*command, step, str(path)],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                    env=os.environ | ONE_THREAD,
                )
            print(done.stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
