"""hitforge compare: finished runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table

from hitforge.cli._console import escape, out
from hitforge.cli.run import write_report_of


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Finished runs; the first with each other.")],
    to: Annotated[Path | None, typer.Option("--out", help="New folder for a report of the comparison.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Show every number.")] = False,
) -> None:
    """Compare finished runs, event by event where they were measured on the same ones.

    Example: `hitforge compare runs/resnet runs/vit`
    """
    from hitforge.report.numbers import measured
    from hitforge.runs.compare import compare_runs, write_compared
    from hitforge.runs.headline import headline, is_headline_difference

    compared = compare_runs(runs)
    main = headline(compared.measured[0])
    table = Table(
        Column("number", overflow="fold"), *(Column(escape(label), overflow="fold") for label in compared.labels)
    )
    for name in compared.measured[0] if full else main:
        cells = (measured(values[name]) if name in values else "" for values in compared.measured)
        table.add_row(escape(name.removeprefix("test.")), *cells)
    out.print(table)
    for pair in compared.pairs:
        both = f"{escape(pair.first)} − {escape(pair.second)}"
        if pair.unpaired:
            out.print(f"[bold]{both}[/] is not paired: {escape(pair.unpaired)}")
        else:
            table = Table(Column(f"{both}, paired on the same events", overflow="fold"), "difference")
            for name, value in pair.differences.items():
                if "_ratio_" not in name and (full or is_headline_difference(name, main)):  # those are one a bin
                    table.add_row(escape(name), measured(value))
            out.print(table)
        if not pair.settings:
            out.print(f"[bold]{both}[/]: no setting differs")
            continue
        table = Table(
            "setting that differs", *(Column(escape(one), overflow="fold") for one in (pair.first, pair.second))
        )
        for key, values in pair.settings.items():
            table.add_row(escape(key), *(escape(_short(value)) for value in values))
        out.print(table)
    if to is not None:
        write_compared(compared, to)
        write_report_of(to)
        out.print(f"report: [bold]{escape(str(to / 'report.html'))}[/]")


def _short(value: Any) -> str:
    text = "absent" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
