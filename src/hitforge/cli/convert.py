"""hitforge convert: files to datasets, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hitforge.cli._console import Set, Workers, cores, escape, out, pair
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_dataset
from hitforge.core.errors import ConfigError

if TYPE_CHECKING:
    from hitforge.events import Dataset, Events


def convert(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE... TARGET",
            help="Files or patterns to read, or one dataset to write in another format; last, what to make.",
        ),
    ],
    reader: Annotated[str, typer.Option("--from", help="Format of the files that are read.")] = "",
    writer: Annotated[str, typer.Option("--to", help="Format of the file that is written.")] = "",
    detector: Annotated[
        str | None, typer.Option(help="Detector of files that are read.", show_default="pixel_grid")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Part of the dataset to write.", show_default="test")] = None,
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
) -> None:
    """Turn files into a dataset, or a dataset into a file for other tools.

    Settings are those of the reader, `--set limit=100`; with a block's name, `--set detector.rows=64`, also of the
    detector.

    Example: `hitforge convert my_sample test.h5 --to ml4sci_hdf5 --split test`

    Example: `hitforge convert run*.root showers --from cms_hgcal --detector hgcal`
    """
    if bool(reader) == bool(writer):
        raise ConfigError("convert must be told either --from or --to", came=f"--from '{reader}', --to '{writer}'")
    if len(paths) < 2:
        raise ConfigError("convert must be told what to read and, last, what to make", came=paths[0])
    *sources, target = paths
    if writer:
        _refuse("--to", {"--set": settings, "--detector": detector, "--workers": workers}, "when files are read")
        if len(sources) > 1:
            raise ConfigError("--to writes one dataset to one file", came=f"{len(sources)} sources", where="convert")
        _write(sources[0], target, writer, split or "test")
        return
    _refuse("--from", {"--split": split}, "when a dataset is written, all events are read")
    if target.is_file():
        raise ConfigError("the last path must be the dataset to make, a folder", came="a file", where=target)
    _read([str(path) for path in sources], target, reader, detector or "pixel_grid", settings, workers)


def _refuse(form: str, given: dict[str, Any], use: str) -> None:
    """Refuse options that would have no effect."""
    for name, value in given.items():
        if value:
            raise ConfigError(f"{name} has no effect with {form}: it is for {use}", came=value, do="leave it out")


def _read(sources: list[str], target: Path, reader: str, detector: str, settings: list[str], workers: int) -> None:
    from hitforge.detectors import DETECTORS
    from hitforge.events import build_dataset
    from hitforge.readers import READERS
    from hitforge.runs.sample import description_of

    blocks = blocks_of(settings)
    geometry = DETECTORS.build({"name": detector, **blocks["detector"]}, where="--detector")
    READERS.get(reader, "--from")
    if "path" in blocks["source"]:
        raise ConfigError("the files are named by themselves, not by a setting", came="path", where="--set")
    path = sources[0] if len(sources) == 1 else sources
    origin = READERS.build({"name": reader, "path": path, **blocks["source"]}, geometry, where="--set")
    description = description_of(geometry, origin)
    with progress_bars() as progress:
        dataset = build_dataset(origin, target, description, workers=cores(workers), progress=progress)
    print_dataset(dataset.path)


def _write(source: Path, target: Path, writer: str, split: str) -> None:
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset
    from hitforge.readers import READERS

    dataset = Dataset(source)
    geometry = DETECTORS.build(dataset.detector_block, where=str(source))
    with progress_bars() as progress, progress.step("write", dataset.count(split), "events") as step:

        def shards(dataset: Dataset) -> Iterator[Events]:
            for events in dataset.read(split):
                yield events
                step.advance(len(events))

        lost = READERS.get(writer, "--to").write(target, shards(dataset), geometry)
    out.print(f"[bold]{escape(str(target))}[/]: {dataset.count(split)} events of the split '{escape(split)}'")
    for text in lost or ():
        out.print(f"lost: {escape(text)}")


def blocks_of(settings: list[str]) -> dict[str, dict[str, Any]]:
    """Return the settings of ``--set`` by block, ``source`` and ``detector``; a bare key is one of the source."""
    blocks: dict[str, dict[str, Any]] = {"source": {}, "detector": {}}
    for text in settings:
        key, value = pair(text)
        block, dot, rest = key.partition(".")
        if dot and block in blocks:
            blocks[block][rest] = value
        else:
            blocks["source"][key] = value
    return blocks
