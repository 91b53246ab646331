"""How far the errors of means over events widen where events of a shard share one pool of pile-up, for a finished run.

The error of a mean is taken from events, as intervals do, and from the means of shards, which hold their pools, too.
Independent events give a ratio of 1, within the error that stands beside it.

Example: python benchmarks/pileup_intervals.py runs/pileup_200 --samples samples
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hitforge.report.results import read_run
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import read_predictions
from hitforge.runs.run import Session


def main() -> None:
    """Print a row a method and number: its mean, both errors and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="folder of a finished run of a recipe hgcal/pileup_...")
    parser.add_argument("--samples", type=Path, default=Path("samples"), help="folder of the samples")
    arguments = parser.parse_args()
    dataset = Session(arguments.samples).dataset(open_recipe(arguments.run))
    sizes = [shard["events"] for shard in dataset.index["shards"] if shard["split"] == "test"]
    ends = np.cumsum(sizes)
    around = 1 / np.sqrt(2 * (len(sizes) - 1))
    print(f"{ends[-1]} events, {len(sizes)} shards\n")
    print("| method | mean of | value | error from events | from shards | ratio |")
    print("|---|---|---|---|---|---|")
    for method in read_run(arguments.run).methods:
        columns = read_predictions(arguments.run / method.path).columns
        ratio = columns["predicted_energy"] / columns["true_energy"]
        for name, values in {
            "response": ratio,
            "energy error": np.abs(ratio - 1),
            "error of x [mm]": np.abs(columns["predicted_barycentre_x"] - columns["true_barycentre_x"]),
        }.items():
            means = np.array([part.mean() for part in np.split(values, ends[:-1])])
            events = float(np.sqrt(np.mean([part.var(ddof=1) for part in np.split(values, ends[:-1])]) / ends[-1]))
            shards = float(means.std(ddof=1) / np.sqrt(len(sizes)))
            wider = shards / events
            print(
                f"| {method.label} | {name} | {values.mean():.4f} | {events:.5f} | {shards:.5f} |"
                f" {wider:.2f} ± {wider * around:.2f} |"
            )


if __name__ == "__main__":
    main()
