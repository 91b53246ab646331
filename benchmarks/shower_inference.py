"""Time and memory of an event for every network and classical algorithm that finds showers, beside each other.

All work on the same events, one event at a time, in turn, in one process and on one thread: representation, network and
reading of the showers for networks, the whole search for classical algorithms, each tuned as its run left it. Times are
medians over events [ms], ratios are to CLUE. Memory is what a process of its own, with this one method in it, holds at
most beyond what it held before its first event, after ten others that compile [MiB]; on a GPU it is not told.

Runs must be finished; the events are the first test events of the first run, and other runs must have the same.

    python benchmarks/shower_inference.py runs/one_stage runs/two_stage runs/mask_rcnn runs/condensation runs/masks
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_COMPILE = 10
Finder = Callable[[Any], dict[str, float]]


def resident(key: str) -> float:
    """A line of /proc/self/status [MiB], such as VmRSS, or VmHWM, its largest value since ``forget``."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{key}:")) / 1024


def forget() -> None:
    """Set the largest resident set back to what it is now."""
    Path("/proc/self/clear_refs").write_text("5")


def network(run: Path) -> tuple[str, Finder]:
    """The trained network of a run, and what finds showers with it and tells seconds of stages."""
    from hitforge.methods.stopwatch import Stopwatch
    from hitforge.methods.whole_events import find_objects
    from hitforge.runs.folder import open_recipe
    from hitforge.runs.methods import network_of

    recipe = open_recipe(run)
    engine = network_of(recipe, Path(tempfile.mkdtemp())).engine
    engine.load(run / "model.safetensors")

    def find(event: Any) -> dict[str, float]:
        watch = Stopwatch()
        find_objects(engine, recipe.representation, recipe.task, event, watch)
        return {name: seconds[0] for name, seconds in watch.seconds.items()}

    return f"{recipe.title} ({engine.parameters:,} parameters, {engine.device})", find


def classical(run: Path, name: str) -> tuple[str, Finder]:
    """A classical algorithm of a run."""
    from hitforge.runs.folder import open_recipe

    baseline = next(one for one in open_recipe(run).baselines if one.name == name)
    baseline.load(run / "baselines" / name)

    def find(event: Any) -> dict[str, float]:
        start = time.perf_counter()
        baseline.find(event)
        return {"clustering": time.perf_counter() - start}

    return name, find


def events_of(run: Path, samples: Path, count: int) -> list[Any]:
    """The first test events of a run, without truth."""
    from hitforge.events import Dataset, Events

    dataset = Dataset(samples / json.loads((run / "dataset.json").read_text())["name"])
    found: list[Any] = []
    for shard in dataset.read("test", {"hits"}):
        found += [Events({"hits": shard.hits.take(np.array([i]))}) for i in range(min(len(shard), count - len(found)))]
        if len(found) == count:
            break
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--samples", type=Path, default=Path("samples"))
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--alone", type=int)
    arguments = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):  # libraries read these when they are loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    import torch

    torch.set_num_threads(1)
    runs = arguments.runs
    hashes = {json.loads((run / "dataset.json").read_text())["test_hash"] for run in runs}
    if len(hashes) > 1:
        parser.error(f"all runs must have the same test events; got {len(hashes)} samples")
    events = events_of(runs[0], arguments.samples, arguments.events + _COMPILE)
    makers: list[Callable[[], tuple[str, Finder]]] = [lambda run=run: network(run) for run in runs]  # type: ignore[misc]
    names = ("clue", "dbscan", "seeded_cone")
    makers += [lambda name=name: classical(runs[0], name) for name in names]  # type: ignore[misc]
    if arguments.alone is not None:  # memory of one in this process
        _, find = makers[arguments.alone]()
        for event in events[:_COMPILE]:
            find(event)
        forget()
        before = resident("VmRSS")
        for event in events[_COMPILE:]:
            find(event)
        print(resident("VmHWM") - before)
        return
    every = [make() for make in makers]
    spent: list[dict[str, list[float]]] = [{} for _ in every]
    for number, event in enumerate(events):
        for place, (_, find) in enumerate(every):
            for stage, seconds in find(event).items():
                if number >= _COMPILE:
                    spent[place].setdefault(stage, []).append(seconds)
    whole = [np.sum(list(one.values()), axis=0) for one in spent]
    clue = np.median(whole[len(runs)])
    hits = np.mean([event.hits.rows for event in events[_COMPILE:]])
    print(f"{len(whole[0])} events of {hits:.0f} hits\n")
    print("| | stages [ms] | median [ms] | 90 % quantile [ms] | over CLUE | more memory [MiB] |")
    print("|---|---|---|---|---|---|")
    for place, (label, _) in enumerate(every):
        memory = "-"
        if not torch.cuda.is_available() or place >= len(runs):
            command = [sys.executable, __file__, *map(str, runs), "--samples", str(arguments.samples)]
            command += ["--events", str(min(50, arguments.events)), "--alone", str(place)]
            memory = f"{float(subprocess.run(command, capture_output=True, text=True, check=True).stdout):.0f}"
        stages = " + ".join(f"{name} {1e3 * np.median(values):.3g}" for name, values in spent[place].items())
        median, high = (1e3 * np.quantile(whole[place], share) for share in (0.5, 0.9))
        print(f"| {label} | {stages} | {median:.3g} | {high:.3g} | {median / 1e3 / clue:.3g} | {memory} |")


if __name__ == "__main__":
    main()
