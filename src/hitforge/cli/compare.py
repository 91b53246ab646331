"""hitforge compare: finished runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from hitforge.cli._console import escape, out


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Finished runs; the first with each other.")],
    to: Annotated[Path | None, typer.Option("--out", help="New folder for a report of the comparison.")] = None,
) -> None:
    """Compare finished runs, event by event where they were measured on the same ones.

    Example: `hitforge compare runs/resnet runs/vit`
    """
    from hitforge.runs.compare import compare_runs, write_compared

    compared = compare_runs(runs)
    table = Table("number", *(escape(label) for label in compared.labels))
    for name in compared.measured[0]:
        if name.count(".") == 1:
            table.add_row(escape(name), *(_interval(values.get(name)) for values in compared.measured))
    out.print(table)
    for pair in compared.pairs:
        title = f"[bold]{escape(pair.first)} - {escape(pair.second)}[/]"
        if pair.unpaired:
            out.print(f"{title}: not paired: {escape(pair.unpaired)}")
        else:
            table = Table("paired difference", "value", "verdict", title=title)
            for name, value in pair.differences.items():
                if "_ratio_" not in name:  # one number a bin
                    table.add_row(escape(name), _interval(value), _verdict(value))
            out.print(table)
        if not pair.settings:
            out.print("no setting differs")
            continue
        table = Table("setting that differs", escape(pair.first), escape(pair.second))
        for key, values in pair.settings.items():
            table.add_row(escape(key), *(escape(_short(value)) for value in values))
        out.print(table)
    if to is not None:
        from hitforge.report.page import write_report

        write_compared(compared, to)
        write_report(to)
        out.print(f"report: [bold]{escape(str(to / 'report.html'))}[/]")


def _interval(value: dict[str, Any] | None) -> str:
    if value is None:
        return ""
    if value["low"] == value["high"]:
        return f"{value['value']:.4g}"
    return f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]".replace("[", r"\[")


def _verdict(value: dict[str, Any]) -> str:
    if value["low"] == value["high"]:
        return ""
    return "within chance" if value["low"] <= 0 <= value["high"] else "[bold]differs[/]"


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
