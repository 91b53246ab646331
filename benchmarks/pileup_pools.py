"""How far what windows see of a pool of pile-up spreads from pool to pool, over shards too, and what a pool costs.

Example: OMP_NUM_THREADS=1 python benchmarks/pileup_pools.py --seeds 6
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.pileup import PileupSettings, pool_of
from hitforge.simulation.layered.sampling_shower import SamplingSettings

ETA = (1.6, 2.8)  # where the recipes shoot


def main() -> None:
    """Print a row a size of pool: interactions, spread of a shard and of 40 of them [%], seconds of a pool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6, help="pools of each kind")
    arguments = parser.parse_args()
    detector, shower = DETECTORS.build("hgcal", where="benchmark"), SamplingSettings()
    far, near = (detector.front / np.sinh(eta) for eta in ETA)  # radii at the front face [mm]
    pool_of(detector, PileupSettings(pool=3), shower, 1)
    print("| interactions | weighted energy in a window, spread over shards [%] | over means of 40 [%] | CPU seconds |")
    print("|---|---|---|---|")
    for size in (100, 300, 1000):
        settings = PileupSettings(pool=size)
        seen, start = [], time.process_time()
        for seed in range(arguments.seeds):
            pool = pool_of(detector, settings, shower, seed)
            square = pool.u.astype(np.float64) ** 2 + pool.v.astype(np.float64) ** 2
            inside = (square > near**2) & (square < far**2)
            weight = detector.layers.weight[detector.layer(pool.cell[0])]
            # windows stand evenly in eta and phi, so that a place is seen as often as one over its radius squared
            seen.append(float((pool.energy * weight / square)[inside].sum() / pool.interactions))
        seconds = (time.process_time() - start) / arguments.seeds
        spread = np.std(seen, ddof=1) / np.mean(seen)
        error = spread / np.sqrt(2 * (arguments.seeds - 1))
        parts = [
            f"{100 * part:.1f} ± {100 * around:.1f}"
            for part, around in ((spread, error), (spread / 40**0.5, error / 40**0.5))
        ]
        print(f"| {size} | {' | '.join(parts)} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
