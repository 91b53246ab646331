"""hitforge fetch: public data, checked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from hitforge.cli._console import escape, out
from hitforge.cli._progress import progress_bars


def fetch(
    name: Annotated[str, typer.Argument(help="Name of a public data set; absent: list them.")] = "",
    to: Annotated[Path | None, typer.Option("--out", help="Folder; else HITFORGE_DATA, else public_data.")] = None,
) -> None:
    """Download public data, with a checked SHA-256.

    Example: `hitforge fetch electron_photon_sample`
    """
    from hitforge.readers.public import CATALOGUE
    from hitforge.readers.public import fetch as download

    if not name:
        table = Table(Column("name", no_wrap=True), "files", "licence", "what it is")
        for entry in CATALOGUE.values():
            table.add_row(entry.name, str(len(entry.files)), entry.licence, entry.description)
        out.print(table)
        return
    folder = to or Path(os.environ.get("HITFORGE_DATA") or "public_data")
    with progress_bars() as progress:
        for path in download(name, folder, progress):
            out.print(f"[bold]{escape(str(path))}[/]")
