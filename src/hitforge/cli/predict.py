"""hitforge predict: a trained method answers for files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Column, Table

from hitforge.cli._console import Set, Workers, cores, escape, out
from hitforge.cli._progress import progress_bars
from hitforge.cli.convert import blocks_of
from hitforge.core.errors import ConfigError


def predict(
    run: Annotated[Path, typer.Argument(help="Finished run.")],
    files: Annotated[list[str], typer.Argument(help="Files, patterns such as 'data/*.root', folders of datasets.")],
    to_folder: Annotated[Path, typer.Option("--out", help="Folder of the answers, one file for each input.")],
    reader: Annotated[
        str, typer.Option("--from", help="Format of the files; that of the run's recipe, or the only one that fits.")
    ] = "",
    detector: Annotated[str | None, typer.Option(help="Detector of the files.", show_default="that of the run")] = None,
    method: Annotated[
        str | None, typer.Option(help="Method of the run, by its label.", show_default="the run's own")
    ] = None,
    to: Annotated[Literal["parquet", "root"], typer.Option(help="Format of the answers.")] = "parquet",
    truth: Annotated[
        bool, typer.Option("--truth", help="Set the truth beside the answers, where a file has it.")
    ] = False,
    split: Annotated[
        Literal["train", "validation", "test"] | None,
        typer.Option(help="Part of datasets that is answered for.", show_default="all"),
    ] = None,
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
    keep_going: Annotated[
        bool, typer.Option("--keep-going/--stop", help="Do the other files where one is broken, or stop there.")
    ] = True,
) -> None:
    """Let a trained method answer for files.

    Repeating the command goes on where it stopped. Settings are those of the reader, `--set limit=100`.

    Example: `hitforge predict runs/demo 'data/*.h5' --from ml4sci_hdf5 --out answers`
    """
    from hitforge.runs.answering import Question
    from hitforge.runs.predict import predict as answer

    blocks = blocks_of(settings)
    if blocks["detector"] and detector is None:
        raise ConfigError("settings of a detector need --detector", came=", ".join(blocks["detector"]), where="--set")
    geometry = None if detector is None else {"name": detector, **blocks["detector"]}
    splits = ("train", "validation", "test") if split is None else (split,)
    question = Question(run, method, reader, blocks["source"], geometry, splits, to, truth)
    with progress_bars() as progress:
        done = answer(question, files, to_folder, workers=cores(workers), keep_going=keep_going, progress=progress)
    names = (Column(name, overflow="fold") for name in ("input", "answers"))  # a name that is cut names nothing
    table = Table(*names, "events", "unanswered", title=escape(f"{done['plan']['method']}: {to_folder}"))
    for entry in done["files"]:
        if "events" in entry:
            table.add_row(
                escape(entry["name"]), escape(entry["output"]), str(entry["events"]), str(entry["unanswered"])
            )
    out.print(table)
    for entry in done["files"]:
        for name, total in entry.get("dropped", {}).items():
            out.print(escape(f"{entry['name']}: {name}: {total:.10g}"))
        if truth and not entry.get("truth", True):
            out.print(escape(f"{entry['name']}: no truth in this file"))
