"""Tell what was measured on jets: a table for each run folder, on standard output.

Example: python docs/plots/jet_results.py runs/quark_gluon runs/top
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_AUC = "test.roc_auc"
_EFFICIENCY = "test.background_efficiency.at_0.50"


def told(value: dict[str, Any] | None, digits: int) -> str:
    """Format a number with its interval."""
    if value is None:
        return ""
    half = (value["high"] - value["low"]) / 2
    return f"{value['value']:.{digits}f} ± {half:.{digits}f}"


def rejection(value: dict[str, Any] | None) -> str:
    """Format one over a background efficiency, with its interval."""
    if not value or not value["low"]:
        return ""
    return f"{1 / value['value']:.1f} [{1 / value['high']:.1f}, {1 / value['low']:.1f}]"


def main() -> None:
    """Print the tables."""
    for folder in map(Path, sys.argv[1:]):
        methods = json.loads((folder / "methods.json").read_text())
        pairs = {
            (one["first"], one["second"]): one["values"] for one in json.loads((folder / "comparison.json").read_text())
        }
        own = methods[0]["label"]
        jets = json.loads((folder / "metrics.json").read_text())[_AUC]["n"]
        print(f"\n{folder.name}, {jets:,} test jets:\n")
        print(f"| method | AUC | 1/ε_B at ε_S = 0.5 | AUC of {own} less that |")
        print("|---|---|---|---|")
        for method in methods:
            numbers = json.loads((folder / method["path"] / "metrics.json").read_text())
            apart = pairs.get((own, method["label"]), {}).get("roc_auc_difference")
            row = [method["label"], told(numbers.get(_AUC), 4), rejection(numbers.get(_EFFICIENCY)), told(apart, 4)]
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
