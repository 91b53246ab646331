"""How often intervals of a share hold the truth where particles of an event are found and lost together.

Example: python benchmarks/interval_coverage.py --toys 4000
"""

from __future__ import annotations

import argparse

import numpy as np

from hitforge.metrics._intervals import clopper_pearson, clustered_share

TOYS = ((10, 30, 0.3, 0.9), (300, 30, 0.3, 0.9), (1000, 3, 0.3, 0.9), (10, 30, 0.0, 0.9), (300, 30, 0.0, 0.9))


def main() -> None:
    """Print a row a toy: events, particles of each, their correlation, the true share, and the coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--toys", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    print("| events | particles | correlation | share | Clopper-Pearson over particles | Korn-Graubard over events |")
    print("|---|---|---|---|---|---|")
    for events, particles, correlation, share in TOYS:
        shape = (events, arguments.toys)
        if correlation:  # beta-binomial: the share of an event is drawn, and its variance is the correlation
            strength = 1.0 / correlation - 1.0
            chance = random.beta(share * strength, (1.0 - share) * strength, shape)
        else:
            chance = np.full(shape, share)
        passed, counted = random.binomial(particles, chance), np.full(shape, particles)
        row = []
        for low, high in (clopper_pearson(passed.sum(0), counted.sum(0)), clustered_share(passed, counted)):
            row.append(f"{100 * np.mean((low <= share) & (share <= high)):.1f} %")
        print(f"| {events} | {particles} | {correlation} | {share} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
