"""Datasets and events: made, opened, read from files, written to files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import Detector
from hitforge.events import Dataset, Events, Source, build_dataset
from hitforge.events.source import SPLITS
from hitforge.library.plugins import detector as detector_of
from hitforge.library.plugins import geometry, source
from hitforge.library.showing import shown

Files = str | Path | Sequence[str | Path]
"""A file, a pattern such as ``data/*.root``, or several of them."""


def simulate(
    what: str | Source | Mapping[str, Any],
    out: str | Path | None = None,
    *,
    events: int | Mapping[str, int] | None = None,
    settings: Mapping[str, Any] | None = None,
    samples: str | Path = "samples",
    workers: int = 1,
    progress: bool | None = None,
) -> Dataset:
    """Make a dataset, or open it if it is there already.

    Args:
        what: The name or file of a recipe, its blocks, or what ``hf.source`` returned.
        out: Folder of the dataset; where None, one below ``samples``, which runs of the same events share.
        events: Number of events: all together, divided as ``what`` divides its own, or those of each split.
        settings: Settings of the recipe to change, by dotted key, such as ``{"source.seed": 2}``.
        samples: Folder of the datasets that runs share.
        workers: Processes that make events.
        progress: Show bars; None: in notebooks alone.

    Example:
        >>> dataset = hf.simulate("electron_photon/demo", events={"train": 200, "validation": 50, "test": 100})
        >>> dataset.splits
        ['train', 'validation', 'test']
    """
    from hitforge.runs.sample import description_of, obtain

    if isinstance(what, Source):
        if settings:
            raise ConfigError("'settings' change a recipe; those of a source are given to hf.source", came=settings)
        origin = what
    else:
        from hitforge.library.recipes import recipe_of

        origin = recipe_of(what, settings, network=False).source
    if events is not None:
        origin = source(origin.name, origin.detector, **{**origin.config.model_dump(), **sizes_of(origin, events)})
    with shown(progress) as bars:
        if out is None:
            return obtain(origin.detector, origin, Path(samples), workers, bars)
        description = description_of(origin.detector, origin)
        return build_dataset(origin, Path(out), description, workers=workers, progress=bars)


def sizes_of(origin: Source, events: int | Mapping[str, int]) -> dict[str, int]:
    """Return the number of events of each split, ``events`` in all as the source divides its own, or those named.

    Raises:
        ConfigError: The source reads files, a split has another name, or there are no events.
    """
    config = origin.config
    if not isinstance(events, (Integral, Mapping)) or isinstance(events, bool):
        raise ConfigError("'events' must be a number, or one for each split", came=f"{events!r}")
    if not set(SPLITS) <= set(type(config).model_fields):
        do = "set its 'limit', if it has one"
        raise ConfigError("'events' says how many are simulated", came=f"the reader {origin.name}", do=do)
    if isinstance(events, Mapping):
        wrong = sorted(set(events) - set(SPLITS))
        if wrong:
            raise ConfigError(f"'events' must name the splits {', '.join(SPLITS)}", came=", ".join(wrong))
        return {split: int(events.get(split, 0)) for split in SPLITS}
    own = {split: int(getattr(config, split)) for split in SPLITS}
    total = sum(own.values())
    if events < 1 or not total:
        raise ConfigError("there must be at least one event", came=f"events={events}")
    events = int(events)
    sizes = {split: round(events * own[split] / total) for split in SPLITS[1:]}
    return {"train": events - sum(sizes.values()), **sizes}


def open_dataset(folder: str | Path) -> Dataset:
    """Open a dataset; it shows its splits, fields and collections.

    Args:
        folder: That ``hf.simulate``, ``hf.convert`` or the command line wrote.

    Returns:
        The dataset: ``dataset.events("test")`` are events in memory, ``dataset.read("train")`` those of one shard after
        the other.

    Example:
        >>> hf.open("sample").events("test", limit=10)
    """
    path = Path(folder)
    if (path / "recipe.yaml").exists():
        raise DataError("the folder must hold a dataset", came="a run", where=path, do="open it with hf.load")
    return Dataset(path)


def read(files: Files, reader: str, detector: str | Detector = "pixel_grid", **settings: Any) -> Events:
    """Read events from files of others, all of them, into memory; ``hf.convert`` makes a dataset of large files.

    Args:
        files: A file, a pattern such as ``data/*.root``, or several; also relative to ``HITFORGE_DATA``.
        reader: A name of ``hf.plugins("readers")``.
        detector: Where they happened.
        **settings: Of the reader; see ``hf.settings(reader)``.

    Example:
        >>> events = hf.read("images.h5", reader="ml4sci_hdf5")
        >>> events.hits["energy"]  # (hits,) float32, GeV
    """
    return all_events(reader_of(files, reader, detector, **settings))


def convert(
    files: Files,
    reader: str,
    out: str | Path,
    detector: str | Detector = "pixel_grid",
    *,
    workers: int = 1,
    progress: bool | None = None,
    **settings: Any,
) -> Dataset:
    """Turn files of others into a dataset, shard by shard.

    Args:
        files: A file, a pattern, or several; also relative to ``HITFORGE_DATA``.
        reader: A name of ``hf.plugins("readers")``.
        out: Folder of the dataset.
        detector: Where the events happened.
        workers: Processes that read.
        progress: Show bars; None: in notebooks alone.
        **settings: Of the reader; see ``hf.settings(reader)``.

    Example:
        >>> hf.convert("images.h5", "ml4sci_hdf5", "images", validation=0.1, test=0.3)
    """
    from hitforge.runs.sample import description_of

    origin = reader_of(files, reader, detector, **settings)
    with shown(progress) as bars:
        description = description_of(origin.detector, origin)
        return build_dataset(origin, Path(out), description, workers=workers, progress=bars)


def write(
    events: Events | Dataset, file: str | Path, to: str, detector: str | Detector | None = None, split: str = "test"
) -> Path:
    """Write events in a format that others read.

    Args:
        events: Events, or a dataset.
        file: To write.
        to: Name of a reader that can also write, such as ``ml4sci_hdf5``.
        detector: Of the events; that of the dataset if None.
        split: Part of the dataset.

    Example:
        >>> hf.write(dataset, "test.h5", to="ml4sci_hdf5")
    """
    from hitforge.readers import READERS

    if detector is None and not isinstance(events, Dataset):
        raise ConfigError("events must be written with their detector", came="none", do="name it: detector='...'")
    where = detector_of(events) if isinstance(events, Dataset) and detector is None else geometry(detector or "")
    shards: Iterable[Events] = events.read(split) if isinstance(events, Dataset) else [events]
    READERS.get(to, where=f"to={to!r}").write(Path(file), iter(shards), where)
    return Path(file)


def all_events(origin: Source) -> Events:
    """Return the events of all splits of a source, in memory.

    Raises:
        DataError: There are none.
    """
    parts = [origin.shard(split, i) for split in SPLITS for i in range(origin.splits().get(split, 0))]
    if not sum(map(len, parts)):
        raise DataError("the files must hold events", came="none", where=origin.name)
    return Events.concatenate([part for part in parts if len(part)])


def reader_of(files: Files, reader: str, detector: str | Detector, **settings: Any) -> Source:
    """Build a reader of files or patterns."""
    from hitforge.readers import READERS

    taken = [key for key in ("name", "path") if key in settings]
    if taken:
        raise ConfigError("format and files are named by themselves, not by a setting", came=", ".join(taken))
    if not isinstance(files, (str, Path, Iterable)):
        raise ConfigError("files must be names or patterns", came=f"{files!r}")
    paths = [str(files)] if isinstance(files, (str, Path)) else [str(one) for one in files]
    block = {"name": reader, "path": paths[0] if len(paths) == 1 else paths, **settings}
    return READERS.build(block, geometry(detector), where=f"reader '{reader}'")
