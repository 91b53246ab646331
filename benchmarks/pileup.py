"""Pile-up: time for an event and peak memory at several mu, in a window and in the whole detector, on one core.

Electrons of 5 to 300 GeV in hgcal. Memory of a shard beyond that of the process with its pool is given for each event.

Example: python benchmarks/pileup.py --mu 0 60 200 --windowed 500 --whole 20
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

WINDOW = 150.0


def peak() -> float:
    """Peak memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def simulate(mu: float, window: float, events: int) -> None:
    """Simulate a shard in this process and print times [s], memory [MiB] and what is in the events."""
    from hitforge.detectors import DETECTORS
    from hitforge.simulation import SIMULATIONS

    detector = DETECTORS.build("hgcal", where="benchmark")
    block = {"name": "shower_gun", "window": window, "pileup": {"mu": mu}, "memory": 64}

    def shard(count: int):  # type: ignore[no-untyped-def]
        return SIMULATIONS.build(block | {"train": count, "shard_size": count}, detector, where="benchmark").shard(
            "train", 0
        )

    start = time.perf_counter()
    shard(1)  # compiles, and showers the pool
    first = time.perf_counter() - start
    before, start, busy = peak(), time.perf_counter(), time.process_time()
    made = shard(events)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    energy = made.hits["energy"].sum(dtype=float) / events
    pileup = made.field("pileup_energy").mean()
    print(first, seconds, busy, before, peak(), made.hits.rows / events, energy, pileup)


def main() -> None:
    """Run each case in a process of its own, because peak memory never falls within one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mu", type=float, nargs="+", default=[0, 60, 200])
    parser.add_argument("--windowed", type=int, default=500, help="events in a window")
    parser.add_argument("--whole", type=int, default=20, help="events in the whole detector")
    parser.add_argument("--one", type=float, nargs=3)
    arguments = parser.parse_args()
    if arguments.one:
        mu, window, events = arguments.one
        simulate(mu, window, int(events))
        return
    print(
        f"{'mu':>4} {'read out':>10} {'first s':>8} {'ms/event':>9} {'of CPU':>7} {'events/s':>9} {'before MiB':>11} "
        f"{'peak MiB':>9} {'hits':>8} {'GeV':>8} {'pile-up GeV':>12}"
    )
    for window, events in ((WINDOW, arguments.windowed), (0.0, arguments.whole)):
        for mu in arguments.mu:
            command = [sys.executable, __file__, "--one", str(mu), str(window), str(events)]
            run = subprocess.run(command, capture_output=True, text=True, check=True)
            first, seconds, busy, before, most, hits, energy, pileup = map(float, run.stdout.split())
            where = f"{window:.0f} mm" if window else "everything"
            print(
                f"{mu:4.0f} {where:>10} {first:8.1f} {1e3 * seconds / events:9.2f} {1e3 * busy / events:7.2f} "
                f"{events / seconds:9.1f} {before:11.0f} {most:9.0f} {hits:8.0f} {energy:8.1f} {pileup:12.1f}"
            )


if __name__ == "__main__":
    main()
