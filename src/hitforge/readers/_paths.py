"""Which files a reader reads: names, folders and patterns become what is there, each once, in natural order."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.errors import DataError
from hitforge.core.files import content_hash, in_order
from hitforge.events import Events
from hitforge.events.repeats import Repeats, event_keys, event_places
from hitforge.readers import Reader
from hitforge.readers._foreign import foreign
from hitforge.readers.public import FOLDER, locate

Find = Callable[[str, Path], Path | None]
"""Name and folder -> what it names there, None where that is nothing of this format."""


class PathsConfig(config.Config):
    """Files."""

    path: str | tuple[str, ...] = Field(
        description="file, files, or patterns such as data/*.root in natural order; also relative to HITFORGE_DATA"
    )
    repeated: Literal["refuse", "keep"] = Field(
        "refuse", description="events that hold the same hits as others; refuse: an error, since one may be in the test"
    )

    @model_validator(mode="after")
    def _names_a_file(self) -> Self:
        if not self.paths or not all(self.paths):
            raise ValueError("path must name a file")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """Files and patterns."""
        return (self.path,) if isinstance(self.path, str) else self.path


class PathsReader(Reader):
    """A reader of one file or several; which they are is found out once, when they are first asked for."""

    @cached_property
    def _named(self) -> dict[str, Path]:
        """Each file's name, as it was given or matched, and where it is."""
        return expand(self.config.paths, self._matched_file, self._named_file)

    @property
    def _files(self) -> list[Path]:
        return list(self._named.values())

    @property
    def once(self) -> bool:
        """True where an event that is given twice is an error."""
        return bool(self.config.repeated == "refuse")

    @cached_property
    def _repeats(self) -> Repeats:
        return Repeats(self.files())

    def _refuse_repeated(self, events: Events) -> Events:
        """Return events that are read, unless they were read from another place before.

        Raises:
            DataError: One was.
        """
        if self.once:
            self._repeats.add(event_keys(events), event_places(events))
        return events

    def _matched_file(self, match: str, folder: Path) -> Path | None:
        """Return what the match of a pattern in a folder stands for, None where it is nothing of this format."""
        path = folder / match
        return path if path.is_file() else None

    def _named_file(self, name: str) -> Path:
        """Return what a name stands for, or say that it is nowhere."""
        return locate(name)

    def files(self) -> list[str]:
        """Return the files that are read, as they are named, in the order in which the field ``file`` counts them.

        Raises:
            DataError: A file is missing, a pattern matches none, or one is named twice.
        """
        return list(self._named)

    def inputs(self) -> list[str]:
        """Return the SHA-256 of each file, and of each that is read through it."""
        return [content_hash(each) for path in self._files for each in (path, *self._behind(path))]

    def _behind(self, path: Path) -> list[Path]:
        """Return the files that are read beside or through a file that is named."""
        return []


def folders() -> list[Path]:
    """Return the folders in which names are looked for: the working one, HITFORGE_DATA, and ``public_data``."""
    data = os.environ.get("HITFORGE_DATA")
    return [Path(), *([Path(data)] if data else []), FOLDER]


def is_pattern(name: str) -> bool:
    """True for a name with ``*``, ``?`` or ``[``."""
    return glob.has_magic(name)


def expand(names: Iterable[str], find: Find, locate: Callable[[str], Path]) -> dict[str, Path]:
    """Return the files that are named, in the order of the names, and those of a pattern in natural order.

    A name that is there as it stands is no pattern, whatever its letters.

    Args:
        names: Paths or patterns, also relative to HITFORGE_DATA.
        find: Says what a name in a folder stands for, None where it is nothing.
        locate: The same for a name that is no pattern, in any folder; raises where it is nothing.

    Returns:
        Each file's name, relative as it was given, and where it is.

    Raises:
        DataError: A file is missing, a pattern matches nothing, or a file is named twice.
    """
    found: dict[str, Path] = {}
    owner: dict[Path, str] = {}  # file -> the name or pattern that brought it
    for name in names:
        pattern = is_pattern(name) and not any(find(name, folder) for folder in folders())
        for match, path in (_matches(name, find) if pattern else {name: locate(name)}).items():
            real = path.resolve()
            if real in owner:
                raise DataError(
                    "each file must be named once: its events would stand in training and test",
                    came=f"'{owner[real]}' and '{name}'",
                    where=path,
                    do="leave one of them out",
                )
            found[match], owner[real] = path, name
    refuse_same_events({name: path for name, path in found.items() if path.is_file()})
    return found


def refuse_same_events(files: Mapping[str, Path]) -> None:
    """Refuse files that hold the same bytes: links of either kind, and copies under other names.

    Only files of the same size are read, and each once a process.

    Args:
        files: How each file is called in the error -> where it is; one file an event where an event has several.

    Raises:
        DataError: Two files are the same; the error names both.
    """
    sizes: dict[int, dict[str, Path]] = {}
    for name, path in files.items():
        sizes.setdefault(path.stat().st_size, {})[name] = path
    for size, alike in sizes.items():
        if len(alike) < 2 or not size:  # an empty file is refused for holding no events
            continue
        digests = {}
        for name, path in alike.items():
            with foreign(path):
                digests[name] = content_hash(path)
        pair = equal_pair(digests)
        if pair is not None:
            raise DataError(
                "each file must be named once: its events would stand in training and test",
                came=f"'{pair[0]}' and '{pair[1]}', which hold the same bytes",
                where=pair[1],
                do="leave one of them out",
            )


def equal_pair(digests: Mapping[str, str]) -> tuple[str, str] | None:
    """Return how the first two are called whose digests are the same, None where all differ."""
    owner: dict[str, str] = {}
    for name, digest in digests.items():
        other = owner.setdefault(digest, name)
        if other != name:
            return other, name
    return None


def _below(pattern: str, folder: Path) -> str:
    """The same pattern, the folders of it that are there as they stand taken letter by letter."""
    path = Path(pattern)
    for parent in path.parents:  # the longest first
        if is_pattern(str(parent)) and (folder / parent).is_dir():
            return str(Path(glob.escape(str(parent)), path.relative_to(parent)))
    return pattern


def _matches(pattern: str, find: Find) -> dict[str, Path]:
    """What a pattern names, in the first of the folders that has any."""
    for folder in folders():
        matches: dict[str, Path] = {}
        for match in in_order(glob.glob(_below(pattern, folder), root_dir=folder, recursive=True)):
            path = find(match, folder)
            if path is not None and path not in matches.values():  # the tables of an event are one event
                matches[match] = path
        if matches:
            return matches
    places = ", ".join(str(folder.absolute()) for folder in folders())
    raise DataError(
        f"the pattern '{pattern}' must match a file of this format",
        came=f"none in {places}",
        do="check the pattern, or let HITFORGE_DATA name the folder of your data",
    )
