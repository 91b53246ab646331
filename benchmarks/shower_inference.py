"""Time and memory of an event for every network and classical algorithm that finds showers, beside each other.

All work on the same events, one event at a time, in turn, in one process and on one thread: representation, network and
reading of the showers for networks, the whole search for classical algorithms, each tuned as its run left it. Times are
medians over events [ms], ratios are to CLUE. Memory is what a process of its own holds more at most than after loading
[MiB], for the same events.

Runs must be finished; the events are the test events of the first one's sample, and others must have the same.

    python benchmarks/shower_inference.py runs/one_stage runs/two_stage runs/mask_rcnn runs/condensation runs/masks
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

_OWN = "OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"
Finder = Callable[[Any], dict[str, float]]


def peak() -> float:
    """Largest resident set of this process so far [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def network(run: Path) -> tuple[str, Finder]:
    """The trained network of a run, and what finds showers with it and tells seconds of stages."""
    from hitforge.training.folder import open_recipe
    from hitforge.training.needs import build_engine
    from hitforge.training.reconstruct import Stopwatch, find_objects

    recipe = open_recipe(run)
    engine = build_engine(recipe, Path(tempfile.mkdtemp()))
    engine.load(run / "model.safetensors")

    def find(event: Any) -> dict[str, float]:
        watch = Stopwatch()
        find_objects(engine, recipe.representation, recipe.task, event, watch)
        return {name: seconds[0] for name, seconds in watch.seconds.items()}

    return f"{recipe.title} ({engine.parameters:,} parameters, {engine.device})", find


def classical(run: Path) -> Iterator[tuple[str, Finder]]:
    """The classical algorithms of a run."""
    from hitforge.training.folder import open_recipe

    for baseline in open_recipe(run).baselines:
        baseline.load(run / "baselines" / baseline.name)

        def find(event: Any, own: Any = baseline) -> dict[str, float]:
            start = time.perf_counter()
            own.find(event)
            return {"clustering": time.perf_counter() - start}

        yield baseline.name, find


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


def contestants(runs: list[Path]) -> list[tuple[str, Finder]]:
    """All that is compared."""
    return [network(run) for run in runs] + list(classical(runs[0]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--samples", type=Path, default=Path("samples"))
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--alone", type=int)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    hashes = {json.loads((run / "dataset.json").read_text())["test_hash"] for run in arguments.runs}
    if len(hashes) > 1:
        parser.error(f"all runs must have the same test events; got {len(hashes)} samples")
    events = events_of(arguments.runs[0], arguments.samples, arguments.events)
    if arguments.alone is not None:  # memory of one in this process
        _, find = contestants(arguments.runs)[arguments.alone]
        before = peak()
        for event in events:
            find(event)
        print(peak() - before)
        return
    every = contestants(arguments.runs)
    spent: list[dict[str, list[float]]] = [{} for _ in every]
    for number, event in enumerate([*events[:5], *events]):
        for place, (_, find) in enumerate(every):
            for stage, seconds in find(event).items():
                if number >= 5:  # the first compile
                    spent[place].setdefault(stage, []).append(seconds)
    whole = [np.sum(list(one.values()), axis=0) for one in spent]
    clue = next(i for i, (label, _) in enumerate(every) if label == "clue")
    hits = np.mean([event.hits.rows for event in events])
    print(f"{len(events)} events of {hits:.0f} hits\n")
    print("| | stages [ms] | median [ms] | 90 % quantile [ms] | over CLUE | more memory [MiB] |")
    print("|---|---|---|---|---|---|")
    own = dict.fromkeys(_OWN, "1")
    for place, (label, _) in enumerate(every):
        command = [sys.executable, __file__, *map(str, arguments.runs), "--samples", str(arguments.samples)]
        command += ["--events", str(min(50, arguments.events)), "--alone", str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | own)
        stages = " + ".join(f"{name} {1e3 * np.median(values):.3g}" for name, values in spent[place].items())
        median, high = (1e3 * np.quantile(whole[place], share) for share in (0.5, 0.9))
        ratio = np.median(whole[place]) / np.median(whole[clue])
        print(f"| {label} | {stages} | {median:.3g} | {high:.3g} | {ratio:.3g} | {float(done.stdout):.0f} |")


if __name__ == "__main__":
    main()
