"""hitforge convert: files to datasets, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import Set, Workers, cores, out, pair
from hitforge.cli._progress import progress_bars
from hitforge.cli._tables import print_dataset, print_drops
from hitforge.core.errors import ConfigError


def convert(
    source: Annotated[Path, typer.Argument(help="A file to read, or a dataset to write in another format.")],
    target: Annotated[Path, typer.Argument(help="The dataset, or the file, to make.")],
    reader: Annotated[str, typer.Option("--from", help="Format of the file that is read.")] = "",
    writer: Annotated[str, typer.Option("--to", help="Format of the file that is written.")] = "",
    detector: Annotated[str, typer.Option(help="Detector of a file that is read.")] = "pixel_grid",
    split: Annotated[str, typer.Option(help="Part of the dataset to write.")] = "test",
    settings: Set = [],  # noqa: B006
    workers: Workers = 0,
) -> None:
    """Turn a file into a dataset, or a dataset into a file for other tools.

    Example: `hitforge convert my_sample test.h5 --to ml4sci_hdf5 --split test`
    """
    from hitforge.detectors import DETECTORS
    from hitforge.events import Dataset, build_dataset
    from hitforge.readers import READERS
    from hitforge.runs.sample import description_of

    if bool(reader) == bool(writer):
        raise ConfigError("convert must be told either --from or --to", came=f"--from '{reader}', --to '{writer}'")
    with progress_bars() as progress:
        if writer:
            dataset = Dataset(source)
            block = dataset.index["description"]["detector"]
            READERS.get(writer).write(target, dataset.read(split), DETECTORS.build(block, where=str(source)))
            out.print(f"[bold]{target}[/]: {dataset.count(split)} events of the split '{split}'")
            return
        block = {"name": reader, "path": str(source), **dict(pair(text) for text in settings)}
        geometry = DETECTORS.build(detector, where="--detector")
        origin = READERS.build(block, geometry, where="--set")
        description = description_of(geometry, origin)
        dataset = build_dataset(origin, target, description, workers=cores(workers), progress=progress)
    print_dataset(dataset.path)
    print_drops(dataset)
