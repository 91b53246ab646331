"""What runs and datasets hold, as tables of the terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from hitforge.cli._console import escape, out
from hitforge.core.errors import RunError

_NUMBER = 18  # columns that a number with its interval takes


def print_summary(folder: Path, *, full: bool = False, console: Console = out) -> None:
    """Print what a run measured: a row a method and its main numbers; with ``full`` every number.

    Raises:
        RunError: The run has not gone to its end.
    """
    from hitforge.report.numbers import measured
    from hitforge.runs.folder import is_done, measured_run
    from hitforge.runs.headline import headline, is_headline_difference

    if not is_done(folder):
        trained = measured_run(folder)
        command = (
            f"hitforge run {folder} --resume" if trained is None else f"hitforge evaluate {trained} --out {folder}"
        )
        raise RunError(
            "the run must have gone to its end",
            came="an unfinished run",
            where=folder,
            do=f"continue it with '{command}'",
        )
    methods = [(one["label"], _read(folder / one["path"] / "metrics.json")) for one in _read(folder / "methods.json")]
    names = list(dict.fromkeys(name for _, metrics in methods for name in metrics))
    main = headline({name: metrics[name] for _, metrics in reversed(methods) for name in metrics})
    main = [name for name in names if name in main] if full else main
    widest = min(max(len(label) for label, _ in methods), 30)
    shown = main[: max((console.width - widest - 4) // (_NUMBER + 3), 1)]
    if full:
        table = Table(Column("number", overflow="fold"), Column("method", overflow="fold"), "value")
        for name in names:
            for place, (label, metrics) in enumerate(one for one in methods if name in one[1]):
                table.add_row("" if place else escape(name), escape(label), measured(metrics[name]))
    else:
        table = Table(Column("method", overflow="fold"), *(Column(_title(name), max_width=_NUMBER) for name in shown))
        for label, metrics in methods:
            table.add_row(escape(label), *(measured(metrics[name]) if name in metrics else "" for name in shown))
    console.print(table)
    record = _read(folder / "provenance.json")
    for text in record.get("dataset", {}).get("losses", ()):
        console.print(escape(text))
    if not record.get("truth", True):
        console.print(
            "no truth in these events, and so no efficiency: what was found is counted, and not matched to truth"
        )
    # of those in bins, the report draws one number a bin
    pairs = [
        (f"{name}: {pair['first']} − {pair['second']}", measured(value))
        for pair in _read(folder / "comparison.json")
        for name, value in pair["values"].items()
        if "_ratio_" not in name and (full or is_headline_difference(name, main))
    ]
    if pairs:
        differences = Table(Column("paired, on the same events", overflow="fold"), "difference")
        for what, value in pairs:
            differences.add_row(escape(what), value)
        console.print(differences)
    if not full and len(names) > len(shown):
        console.print(
            f"{len(names) - len(shown)} more numbers: hitforge inspect {escape(shlex.quote(str(folder)))} --full"
        )
    console.print(f"report: [bold]{escape(str(folder / 'report.html'))}[/]")


def _title(name: str) -> str:
    """A flat name as words, which a column can break."""
    return escape(name.removeprefix("test.").replace("_", " ").replace(".", " ", 1))


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def print_dataset(path: Path) -> None:
    """Print splits, fields and collections of a dataset."""
    from hitforge.events import Dataset

    dataset = Dataset(path)
    description: Mapping[str, Any] = dataset.index["description"]
    made_of = f"{path}: {description['detector']['name']}, {description['source']['name']}"
    table = Table("split", "shards", "events", title=escape(made_of))
    for split in dataset.splits:
        table.add_row(escape(split), str(len(dataset.files(split))), str(dataset.count(split)))
    out.print(table)
    first = next(iter(dataset.read(dataset.splits[0])))
    columns = Table("field or collection", "unit", "meaning")
    for name, info in first.info.items():
        columns.add_row(escape(name), escape(info.unit), escape(info.description))
    for name, collection in first.collections.items():
        text = f"{collection.rows / len(first):.1f} rows an event: {', '.join(collection.columns)}"
        columns.add_row(escape(name), "", escape(text))
    out.print(columns)
    print_losses(dataset)


def print_losses(dataset: Any) -> None:
    """Print what was dropped, clipped, moved, unmatched or guessed; file by file where several were read."""
    for one in dataset.losses():
        out.print(escape(str(one)))
        for name, (value, events) in one.files.items():
            out.print(escape(f"  {name}: {value:.10g} in {events} events"))
