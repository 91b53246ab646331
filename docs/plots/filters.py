"""Runs the Kalman filter of the networks' recipes alone, on their test events, and prints the table of docs/honesty.md.

Example: python docs/plots/filters.py runs --samples samples gun 0 0:140 20 60
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import yaml
from _results import percent, table

from hitforge.core.progress import Progress
from hitforge.recipe.recipe import read_recipe
from hitforge.recipe.shipped import find_recipe
from hitforge.runs.run import Session, run

RECIPES = {
    "gun": ("30 muons", "condensation"),
    "0": ("tt, no pile-up", "networks"),
    "20": ("tt, 20 collisions", "ttbar_20"),
    "60": ("tt, 60 collisions", "ttbar_60"),
    "dead": ("tt, 20 collisions, 5 % of the modules dead", "dead_modules"),
    "pixels": ("pixels, 200 collisions", "pixels_200"),
}
NUMBERS = ("technical_efficiency_double_majority", "technical_efficiency_perfect", "fake_rate_double_majority")


def main() -> None:
    """Run what is asked for, one after the other; what is done already is only read."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the runs go")
    parser.add_argument("filters", nargs="+", help=f"of {', '.join(RECIPES)}; with ':R' max_middle is R mm instead")
    parser.add_argument("--samples", type=Path, default=Path("samples"))
    arguments = parser.parse_args()
    rows = []
    for asked in arguments.filters:
        name, _, radius = asked.partition(":")
        title, recipe = RECIPES[name]
        blocks = yaml.safe_load(find_recipe(f"tracking/{recipe}").read_text(encoding="utf-8"))["evaluation"][
            "baselines"
        ]
        block = next(one for one in blocks if one["name"] == "combinatorial_kalman_filter")
        block |= {"max_middle": float(radius)} if radius else {}
        settings = ["source.train=1", "source.validation=1", f"evaluation.baselines={json.dumps([block])}"]
        folder = arguments.folder / f"filter_{asked.replace(':', '_')}"
        session = Session(arguments.samples, 1, Progress())
        run(read_recipe(f"tracking/kalman_{name}", settings), folder, session, resume=folder.exists())
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        stages = json.loads((folder / "stages.json").read_text(encoding="utf-8"))
        time = sum(stage["median_ms"] for stage in stages.values() if isinstance(stage, dict))
        label = f"{title}, middle points to {radius} mm" if radius else title
        rows.append([label, *(percent(metrics[f"test.{number}"]) for number in NUMBERS), f"{time:,.0f}"])
    head = ["sample", "double majority [%]", "perfect [%]", "fakes [%]", "median time of an event [ms]"]
    print("\n".join(table(head, rows)))


if __name__ == "__main__":
    main()
