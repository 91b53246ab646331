"""Speed of the tracker simulation: events in a second of one core by pile-up, and where the time goes.

Usage: python benchmarks/tracker_simulation.py [--events 8]
"""

from __future__ import annotations

import argparse
import resource
import time

from hitforge.acts import fatras
from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=8, help="events without pile-up; fewer with")
    events = parser.parse_args().events
    detector = DETECTORS.build("silicon_barrel_endcap", where="benchmark")
    spent = {"ACTS": 0.0}
    run = fatras.crossings

    def timed(*arguments: object, **named: object) -> object:
        start = time.process_time()
        result = run(*arguments, **named)
        spent["ACTS"] += time.process_time() - start
        return result

    fatras.crossings = timed
    print(f"{'process':8} {'mu':>4} {'digitisation':12} {'events/s':>9} {'hits':>8} {'share in ACTS':>14} {'MB':>6}")
    cases = [("gun", 0, "smearing"), *(("ttbar", mu, kind) for kind in ("smearing", "cells") for mu in (0, 20, 200))]
    for process, mu, digitisation in cases:
        count = max(events // (1 + mu // 40), 2)
        block = {
            "name": "fatras", "process": process, "mu": mu, "multiplicity": 50, "digitisation": digitisation,
            "train": count, "validation": 1, "test": 0, "shard_size": count,
        }  # fmt: skip
        source = SIMULATIONS.build(block, detector, where="benchmark")
        source.shard("validation", 0)  # compiles, builds the geometry, makes Pythia's tables
        spent["ACTS"], start = 0.0, time.process_time()
        made = source.shard("train", 0)
        wall = time.process_time() - start
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{process:8} {mu:4} {digitisation:12} {count / wall:9.2f} {made.hits.rows / count:8.0f} "
            f"{spent['ACTS'] / wall:13.0%} {memory:7}"
        )


if __name__ == "__main__":
    main()
