"""Put the folds of a cross-validation together: a table of each method's mean AUC, on standard output.

Example: python docs/plots/cross_validation.py runs/flavour_0 runs/flavour_1 runs/flavour_2
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import mean, stdev
from typing import Any

_AUC, _APART = "test.roc_auc", "roc_auc_difference"


def over_folds(values: list[dict[str, Any]]) -> str:
    """Format the mean of folds, whose test events differ: intervals add up in quadrature; and their deviation."""
    half = sum(((one["high"] - one["low"]) / 2) ** 2 for one in values) ** 0.5 / len(values)
    numbers = [one["value"] for one in values]
    return f"{mean(numbers):.4f} ± {half:.4f} | {min(numbers):.4f} to {max(numbers):.4f} | {stdev(numbers):.4f}"


def main() -> None:
    """Print the table."""
    folders = [Path(name) for name in sys.argv[1:]]
    metrics: dict[str, list[dict[str, Any]]] = {}
    apart: dict[str, list[dict[str, Any]]] = {}
    jets = 0
    for folder in folders:
        methods = json.loads((folder / "methods.json").read_text())
        for method in methods:
            found = json.loads((folder / method["path"] / "metrics.json").read_text())[_AUC]
            metrics.setdefault(method["label"], []).append(found)
        jets += metrics[methods[0]["label"]][-1]["n"]
        for pair in json.loads((folder / "comparison.json").read_text()):
            apart.setdefault(f"{pair['first']} less {pair['second']}", []).append(pair["values"][_APART])
    print(f"\n{len(folders)} folds, {jets:,} test jets in all:\n")
    print("| | AUC, mean of the folds | folds | standard deviation |")
    print("|---|---|---|---|")
    for name, values in (metrics | apart).items():
        print(f"| {name} | {over_folds(values)} |")


if __name__ == "__main__":
    main()
