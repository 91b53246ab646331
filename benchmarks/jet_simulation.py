"""Jets from collisions: jets a second of one core, and what each stage of the barrel's simulation takes.

OMP_NUM_THREADS=1 python benchmarks/jet_simulation.py --jets 400
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS, barrel_jets, pythia_jets
from hitforge.simulation.barrel import tracks

STAGES = (
    (tracks.fatras, "crossings", "tracker: Fatras"),
    (tracks, "fit_groups", "tracker: Kalman fit"),
    (barrel_jets, "to_cylinder", "helices"),
    (barrel_jets, "deposit_in_crystals", "electromagnetic showers"),
    (barrel_jets, "deposit_hadrons", "hadronic showers"),
    (barrel_jets, "read_out", "read-out"),
    (barrel_jets, "clustered_near", "jets of cells: FastJet"),
)


def timed(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """Return the function, whose processor time is added up."""

    def call(*values: Any, **more: Any) -> Any:
        start = time.process_time()
        try:
            return function(*values, **more)
        finally:
            spent[name] = spent.get(name, 0.0) + time.process_time() - start

    return call


def collisions(function: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    """Return the generator of jets, whose processor time is added up."""

    def call(*values: Any, **more: Any) -> Iterator[Any]:
        batches = function(*values, **more)
        while True:
            start = time.process_time()
            batch = next(batches)
            spent["collisions: Pythia, FastJet"] = (
                spent.get("collisions: Pythia, FastJet", 0.0) + time.process_time() - start
            )
            yield batch

    return call


def shard(jets: int, seed: int) -> float:
    """Processor seconds of a shard of quark and gluon jets in the barrel."""
    block = {"name": "barrel_jets", "train": jets, "validation": 0, "test": 0, "shard_size": jets, "seed": seed}
    source = SIMULATIONS.build(
        {**block, "pt": (400, 600), "radius": 0.4, "spectrum": "log", "eta_max": 0.9},
        DETECTORS.build("composite", where="benchmark"),
        where="benchmark",
    )
    start = time.process_time()
    source.shard("train", 0)
    return time.process_time() - start


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jets", type=int, default=400)
    options = parser.parse_args()
    shard(20, 1)  # compiles
    spent: dict[str, float] = {}
    for module, name, title in STAGES:
        setattr(module, name, timed(getattr(module, name), title, spent))
    pythia_jets.generate = collisions(pythia_jets.generate, spent)
    total = shard(options.jets, 2)
    spent["all else"] = total - sum(spent.values())
    print(f"{options.jets} jets, {options.jets / total:.1f} jets/s of one core\n")
    print("| stage | ms a jet | share |\n|---|---|---|")
    for name, seconds in spent.items():
        print(f"| {name} | {1e3 * seconds / options.jets:.1f} | {100 * seconds / total:.0f} % |")


if __name__ == "__main__":
    main()
