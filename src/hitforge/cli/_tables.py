"""What runs and datasets hold, as tables of the terminal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.table import Table

from hitforge.cli._console import escape, out
from hitforge.core.errors import RunError


def print_summary(folder: Path) -> None:
    """Print what a run measured."""
    from hitforge.runs.folder import is_done

    if not is_done(folder):
        raise RunError(
            "the run must have gone to its end",
            came="an unfinished run",
            where=folder,
            do="continue it with 'hitforge run --resume'",
        )
    methods = json.loads((folder / "methods.json").read_text())
    measured = {c["label"]: json.loads((folder / c["path"] / "metrics.json").read_text()) for c in methods}
    table = Table("number", *measured)
    for name in next(iter(measured.values())):
        if name.count(".") > 1:
            continue
        table.add_row(name, *(_interval(values.get(name)) for values in measured.values()))
    out.print(table)
    if not json.loads((folder / "provenance.json").read_text()).get("truth", True):
        out.print("no truth in these events, and so no efficiency: what was found is counted, and not matched to truth")
    for pair in json.loads((folder / "comparison.json").read_text()):
        for name, value in pair["values"].items():
            if "_ratio_" in name:  # one number a bin: the report draws them
                continue
            out.print(f"{name}: {escape(pair['first'])} - {escape(pair['second'])} = {_interval(value)}")
    out.print(f"report: [bold]{folder / 'report.html'}[/]")


def _interval(value: dict[str, Any] | None) -> str:
    if value is None:
        return ""
    if value["low"] == value["high"]:
        return f"{value['value']:.4g}"
    return f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"


def print_dataset(path: Path) -> None:
    from hitforge.events import Dataset

    dataset = Dataset(path)
    description = dataset.index["description"]
    table = Table(
        "split", "shards", "events", title=f"{path}: {description['detector']['name']}, {description['source']['name']}"
    )
    for split in dataset.splits:
        table.add_row(split, str(len(dataset.files(split))), str(dataset.count(split)))
    out.print(table)
    first = next(iter(dataset.read(dataset.splits[0])))
    columns = Table("field or collection", "unit", "meaning")
    for name, info in first.info.items():
        columns.add_row(name, info.unit, info.description)
    for name, collection in first.collections.items():
        columns.add_row(name, "", f"{collection.rows / len(first):.1f} rows an event: {', '.join(collection.columns)}")
    out.print(columns)


def print_drops(dataset: Any) -> None:
    """Print the sums of the event fields that count what a reader left out or found far from its place."""
    sums: dict[str, list[float]] = {}
    for split in dataset.splits:
        for events in dataset.read(split, set()):
            for name, info in events.info.items():
                if name.startswith(("dropped_", "far_hits")):
                    values = events.field(name).astype(float)
                    found = sums.setdefault(f"{name} [{info.unit}]" if info.unit else name, [0.0, 0.0])
                    found[0] += values.sum()
                    found[1] += (values > 0).sum()
    for name, (total, count) in sums.items():
        out.print(escape(f"{name}: {total:.10g} in {count:.0f} events"))
