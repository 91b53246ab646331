"""Write docs/calorimeter_results.md from finished runs of recipes/hgcal.

Example: python docs/plots/calorimeter_results.py runs > docs/calorimeter_results.md
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

Values = dict[str, Any]
_ENERGIES = (0, 60, 200)


def read(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def number(value: Values | None, digits: int, scale: float = 1.0) -> str:
    """Format a value with its interval."""
    if value is None:
        return ""
    middle, low, high = (scale * value[key] for key in ("value", "low", "high"))
    if low == high:
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def contestants(folder: Path) -> list[tuple[Values, Values, Values]]:
    """Return (contestant, its metrics, paired values own over or minus contestant)."""
    pairs = {pair["name"]: pair["values"] for pair in read(folder / "comparison.json")}
    return [
        (item, read(folder / item["path"] / "metrics.json"), pairs.get(item["name"], {}))
        for item in read(folder / "contestants.json")
    ]


def shower_table(folder: Path) -> list[str]:
    """Return errors by method, in the manner of HAhRD: energy in percent, barycentre in cm."""
    lines = [
        "| | energy error [%] | barycentre x [cm] | y [cm] | z [cm] | stochastic [% sqrt(GeV)] | constant [%] |",
        "|---|---|---|---|---|---|---|",
    ]
    for item, values, _ in contestants(folder):
        cells = [item["label"], number(values.get("test.energy_error"), 2, 100)]
        cells += [number(values.get(f"test.barycentre_{axis}_error"), 3, 0.1) for axis in "xyz"]
        cells += [number(values.get(f"test.energy_{term}"), 2, 100) for term in ("stochastic", "constant")]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def ratio_table(folder: Path, start: str, note: str) -> list[str]:
    """Return paired ratios own / other in bins of true energy; below 1 the run's own network is better."""
    found = [(item, pair) for item, _, pair in contestants(folder) if pair]
    bins = [name for name in (found[0][1] if found else {}) if name.startswith(start)]
    if not bins:
        return []
    titles = [" to ".join(name.removeprefix(start).split("_")) for name in bins]
    lines = [note, "", "| GeV | " + " | ".join(item["label"] for item, _ in found) + " |"]
    lines.append("|---|" + "---|" * len(found))
    for name, title in zip(bins, titles, strict=True):
        lines.append(f"| {title} | " + " | ".join(number(pair.get(name), 3) for _, pair in found) + " |")
    return [*lines, ""]


def sweep_table(folder: Path, metric: str, scale: float, digits: int) -> list[str]:
    """Return one number for each combination of a sweep of two settings."""
    found = [(item["axes"], values) for item, values, _ in contestants(folder) if item.get("axes")]
    if not found:
        return []
    first, second = found[0][0]
    rows, columns = (list(dict.fromkeys(axes[key] for axes, _ in found)) for key in (first, second))
    rows, columns = sorted(rows), sorted(columns)
    cell = {(axes[first], axes[second]): number(values.get(metric), digits, scale) for axes, values in found}
    lines = [f"| {first} / {second} | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [f"| {row} | " + " | ".join(cell.get((row, column), "") for column in columns) + " |" for row in rows]
    return [*lines, ""]


def class_table(folder: Path) -> list[str]:
    """Return the area under each identity's ROC curve, one against the rest."""
    names = [name for name in contestants(folder)[0][1] if name.startswith("test.auc_")]
    lines = ["| | " + " | ".join(name.removeprefix("test.auc_") for name in names) + " | accuracy |"]
    lines.append("|---|" + "---|" * (len(names) + 1))
    for item, values, _ in contestants(folder):
        cells = [number(values.get(name), 4) for name in [*names, "test.accuracy"]]
        lines.append(f"| {item['label']} | " + " | ".join(cells) + " |")
    return lines


def pileup_tables(runs: Path) -> list[str]:
    """Return errors of each network trained at one pile-up and tested at another."""
    lines: list[str] = []
    for title, metric, scale in (
        ("energy error [%]", "energy_error", 100.0),
        ("barycentre x error [cm]", "barycentre_x_error", 0.1),
    ):
        rows = []
        for trained in _ENERGIES:
            folders = [
                runs / (f"pileup_{trained}" if tested == trained else f"pileup_{trained}_at_{tested}")
                for tested in _ENERGIES
            ]
            if not all((folder / "contestants.json").exists() for folder in folders):
                continue
            for place, (item, _, _) in enumerate(contestants(folders[0])):
                cells = []
                for folder in folders:
                    same = [values for other, values, _ in contestants(folder) if other["label"] == item["label"]]
                    alike = same or ([contestants(folder)[0][1]] if place == 0 else [])
                    cells.append(number(alike[0].get(f"test.{metric}"), 3, scale) if alike else "")
                if any(cells[1:]):
                    label = item["label"] if place else "network"
                    rows.append(f"| {label}, made for mu = {trained} | " + " | ".join(cells) + " |")
        if rows:
            header = f"| {title} | " + " | ".join(f"tested at mu = {tested}" for tested in _ENERGIES) + " |"
            lines += [header, "|---|---|---|---|", *rows, ""]
    return lines


def head(folder: Path) -> list[str]:
    """Return title, command, sample and device of a run."""
    record, recipe = read(folder / "provenance.json"), yaml.safe_load((folder / "recipe.yaml").read_text())
    sample = " / ".join(f"{record['dataset']['counts'][split]:,}" for split in ("train", "validation", "test"))
    device = record.get("device", record["machine"]["processor"])
    seconds = sum(sum(read(path)["wall_s"].values()) for path in folder.rglob("provenance.json"))
    return [
        f"## {recipe['title']}",
        "",
        f"`hitforge run recipes/hgcal/{folder.name}.yaml`. {recipe['description']}",
        "",
        f"Events for training / validation / test: {sample}; sample `{record['dataset']['test_hash'][:12]}` (test), "
        f"seed {record['seed']}; {device}; {seconds:.0f} s for all of it.",
        "",
    ]


def main() -> None:
    """Print the page."""
    runs = Path(sys.argv[1])
    lines = [
        "# Results in the calorimeter",
        "",
        "Made by `python docs/plots/calorimeter_results.py runs > docs/calorimeter_results.md` from runs of the recipes",
        "named here. Intervals are 68.3 % (bootstrap over test events). Energy error is the mean of",
        "abs(predicted - true) / true, a barycentre error that of abs(predicted - true). Ratios are paired, on the",
        "same test events: below 1 the first method is better. The showers are our own parametrisation:",
        "no number here can be set beside a published one as if the data were the same.",
        "",
    ]
    for name in ("electron", "pion"):
        if (runs / name / "provenance.json").exists():
            lines += [*head(runs / name), *shower_table(runs / name), ""]
            note = f"Relative energy resolution (sigma68) of '{contestants(runs / name)[0][0]['label']}' over that of:"
            lines += ratio_table(runs / name, "energy_sigma68_ratio_", note)
            if name == "electron":
                note = "Mean absolute error of barycentre x over that of:"
                lines += ratio_table(runs / name, "barycentre_x_error_ratio_", note)
    if (runs / "identity" / "provenance.json").exists():
        lines += [*head(runs / "identity"), "Area under the ROC curve, each identity against the rest:", ""]
        lines += [*class_table(runs / "identity"), ""]
    if (runs / "graphs" / "provenance.json").exists():
        lines += [*head(runs / "graphs"), "Energy error [%]:", ""]
        lines += sweep_table(runs / "graphs", "test.energy_error", 100, 2)
    if (runs / "pileup_0" / "provenance.json").exists():
        lines += [*head(runs / "pileup_0"), *pileup_tables(runs)]
    print("\n".join(lines))


if __name__ == "__main__":
    main()
