"""Simulation: events and showers a second on one core, and peak memory against the number of events.

Example: python benchmarks/simulation.py --events 10000 200000
Showers in a calorimeter of layers alone: python benchmarks/simulation.py --events --layers 2000
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def simulate(events: int, folder: Path) -> None:
    """Simulate a dataset in this process and print events, particles, seconds and peak memory [MiB]."""
    from hitforge.detectors import DETECTORS
    from hitforge.events import build_dataset
    from hitforge.simulation import SIMULATIONS

    detector = DETECTORS.build("crystal_barrel", where="benchmark")
    block = {"name": "particle_gun", "train": events, "validation": 0, "test": 0}
    source = SIMULATIONS.build(block, detector, where="benchmark")
    source.shard("train", 0)  # compiles the kernels and builds the tracker, which is not to be timed
    start = time.perf_counter()
    dataset = build_dataset(source, folder, block)
    seconds = time.perf_counter() - start
    showers = sum(int((part.particles["energy"] > 0.02).sum()) for part in dataset.read("train", {"particles"}))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(events, showers, seconds, peak)


def layers(count: int) -> None:
    """Print showers a second (of processor time) in the layers of ``hgcal``, cells found and merged."""
    import numpy as np

    from hitforge.detectors import DETECTORS
    from hitforge.simulation.layered.sampling_shower import SamplingSettings, deposit_in_layers

    detector = DETECTORS.build("hgcal", where="benchmark")
    rng = np.random.default_rng(1)
    phi = rng.uniform(-np.pi, np.pi, count)
    aim = np.column_stack([np.cos(phi), np.sin(phi), np.full(count, np.sinh(2.0))]) / np.cosh(2.0)
    place = aim * (detector.front / aim[:, 2:])
    # The first call, of every kind, compiles the kernels.
    deposit_in_layers(detector, SamplingSettings(), rng, np.array([11, -211]), np.full(2, 5.0), place[:2], aim[:2])
    print(f"{'hgcal':>10} {'GeV':>6} {'showers/s':>10} {'cells':>7}   (one process, one core)")
    for pdg, name in ((11, "electron"), (-211, "pion")):
        for energy in (10.0, 50.0, 200.0):
            start = time.process_time()
            shower = deposit_in_layers(
                detector, SamplingSettings(), rng, np.full(count, pdg), np.full(count, energy), place, aim
            )
            seconds = time.process_time() - start
            print(f"{name:>10} {energy:6.0f} {count / seconds:10.0f} {len(shower.cell) / count:7.0f}")


def main() -> None:
    """Run each size in a process of its own, because peak memory never falls within one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="*", default=[10_000, 50_000])
    parser.add_argument("--layers", type=int, default=2000, help="showers of each kind in hgcal; 0 for none")
    parser.add_argument("--one", type=int)
    arguments = parser.parse_args()
    if arguments.one:
        with tempfile.TemporaryDirectory() as folder:
            simulate(arguments.one, Path(folder) / "sample")
        return
    if arguments.layers:
        layers(arguments.layers)
    if not arguments.events:
        return
    print(f"{'events':>8} {'events/s':>9} {'showers/s':>10} {'peak MiB':>9}   (one process, one core)")
    peaks = []
    for events in arguments.events:
        run = subprocess.run(
            [sys.executable, __file__, "--one", str(events)], capture_output=True, text=True, check=True
        )
        _, showers, seconds, peak = (float(word) for word in run.stdout.split())
        peaks.append(peak)
        print(f"{events:8d} {events / seconds:9.0f} {showers / seconds:10.0f} {peak:9.0f}")
    print(f"peak memory of the largest over the smallest: {peaks[-1] / peaks[0]:.2f}")


if __name__ == "__main__":
    main()
