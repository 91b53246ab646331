"""Events whose tables are files of their own, ``<event>-<table>.<ending>``, in folders: TrackML, ACTS, ACORN."""

from __future__ import annotations

import hashlib
import re
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import content_hash
from hitforge.events import Events, FieldInfo
from hitforge.readers._event_tables import Found, one_file, scan, split_name
from hitforge.readers._paths import equal_pair, folders, refuse_same_events
from hitforge.readers._tables import ENDINGS, ending_of, read_table
from hitforge.readers.files import FileConfig, FileReader

_DIGITS = 19  # of a number that may not fit int64


class EventFilesConfig(FileConfig):
    """Folders or events, splits and limits."""

    path: str | tuple[str, ...] = Field(
        description="folder of events, or one event (such as data/event000000001), or several, or a pattern; also "
        "relative to HITFORGE_DATA"
    )
    truth: Literal["required", "optional", "none"] = Field(
        "required",
        description="required: an event without truth is an error; optional: it is read without links, and its field "
        "'truth' is 0; none: the truth is not read",
    )


class EventFilesReader(FileReader):
    """Reads events one by one from their tables; a folder's events are in the order of their names."""

    TABLE: ClassVar[str]
    """Table that every event has."""

    TABLES: ClassVar[tuple[str, ...]]
    """All tables that an event may have; what else stands beside them is not looked at."""

    ALIKE: ClassVar[tuple[str, ...]] = ()
    """Tables that all events have, or none."""

    BLOCK = 16

    @abstractmethod
    def _event(self, event: Path, number: int) -> Events:
        """Return one event: the path before its tables' names, and its number for errors."""

    @property
    def _known(self) -> tuple[str, ...]:
        """Names of tables."""
        return self.TABLES

    @cached_property
    def _found(self) -> dict[Path, Found]:
        """Folder -> its events and their tables, as far as they were asked for."""
        return {}

    def _scan(self, folder: Path) -> Found:
        if folder not in self._found:
            self._found[folder] = scan(folder, self._known)
        return self._found[folder]

    def _table(self, event: Path, table: str) -> Path | None:
        """Return the file of an event's table, None if there is none.

        Raises:
            DataError: There are two, or one that cannot be read by its ending.
        """
        names = self._scan(event.parent).get(event.name, {}).get(table, [])
        return one_file(event.parent, event.name, table, names)

    @cached_property
    def _events(self) -> dict[Path, list[Path]]:
        """Folder or event -> its events.

        Raises:
            DataError: An event is given twice, lacks its first table, has others than the rest, or shares its
                simulation with one of another split.
        """
        events = {place: self._in_folder(place) if place.is_dir() else [place] for place in self._files}
        everyone = [event for mine in events.values() for event in mine]
        called: dict[str, Path] = {}
        for place, mine in events.items():
            for event in mine:
                path = self._table(event, self.TABLE)
                if path is not None:  # its absence is an error when it is read
                    called[f"{event}" if place == event else f"{event.name} in {place}"] = path
        refuse_same_events(called)
        rest = 1 - self.config.validation - self.config.test
        if max(rest, self.config.validation, self.config.test) < 1:
            simulated = {f"{event}": self._simulated(event) for event in everyone}
            refuse_split_simulations({name: path for name, path in simulated.items() if path is not None})
        for table in self.ALIKE:
            lacking = [event for event in everyone if self._table(event, table) is None]
            if 0 < len(lacking) < len(everyone):
                raise DataError(
                    f"all events must have the table '{table}', or none",
                    came=f"none in {len(lacking)} of {len(everyone)} events",
                    where=lacking[0],
                    do="fetch it, or read these events by themselves",
                )
        return events

    def _simulated(self, event: Path) -> Path | None:
        """Return the table that events have in common where one simulation was digitised twice, None without any."""
        return None

    def _in_folder(self, folder: Path) -> list[Path]:
        """Events of a folder, in the order of their names."""
        found = self._scan(folder)
        events = [folder / name for name in found if self._has_first(folder / name)]
        if events:  # with none at all, that is what is said
            self._refuse_orphans(folder, found)
        return events

    def _has_first(self, event: Path) -> bool:
        return self._table(event, self.TABLE) is not None

    def _refuse_orphans(self, folder: Path, names: Iterable[str]) -> None:
        """Refuse events that have other tables but not the first; those of another prefix of one event may."""
        found = self._scan(folder)
        numbers = {number_of(name) for name, tables in found.items() if self.TABLE in tables}
        for name in names:
            if self.TABLE not in found[name] and (number_of(name) is None or number_of(name) not in numbers):
                raise DataError(
                    f"each event must have the table '{self.TABLE}'",
                    came=f"only {', '.join(file for files in found[name].values() for file in files)}",
                    where=folder / name,
                    do="fetch it, or take these files away",
                )

    def _matched_file(self, match: str, folder: Path) -> Path | None:
        """Return the folder or event that is named by itself or by one of its tables."""
        path = folder / match
        if path.is_dir():
            return path
        found = self._scan(path.parent)
        parts = split_name(path.name, self._known)
        names = (path.name, parts[0] if parts else "", path.name.rpartition("-")[0] if ending_of(match) else "")
        event = next((path.with_name(name) for name in names if name in found), None)
        if event is None or self._has_first(event):
            return event
        self._refuse_orphans(event.parent, [event.name])
        return None

    def _named_file(self, name: str) -> Path:
        found = next((path for folder in folders() if (path := self._matched_file(name, folder)) is not None), None)
        if found is not None:
            return found
        there = next((folder / name for folder in folders() if (folder / name).exists()), None)
        if there is not None:
            raise DataError(
                f"the name must be that of a folder of events, of an event, or of one of its tables {self._known}",
                came="another file",
                where=there,
                do="unpack it first if it is an archive",
            )
        raise DataError(
            "the folder or event must exist",
            came=f"neither a folder nor a file {name}-{self.TABLE}{{{','.join(ENDINGS)}}} in "
            + ", ".join(str(folder.absolute()) for folder in folders()),
            where=name,
            do="check the path, or let HITFORGE_DATA name the folder of your data",
        )

    def count(self, path: Path) -> int:
        if not self._events[path]:
            came = "none"
            raise DataError(f"the folder must hold files <event>-{self.TABLE}.csv", came=came, where=path)
        return len(self._events[path])

    def read(self, path: Path, first: int, last: int) -> Events:
        parts = []
        for number in range(first, last):
            event = self._events[path][number]
            found = re.findall(r"event([0-9]+)", event.name) or re.findall(r"[0-9]+", event.name)
            named = {"event_number": np.array([int(found[-1]) if found and len(found[-1]) < _DIGITS else -1])}
            info = {"event_number": FieldInfo("int64", "", "number in the event's name, -1 for none or a longer one")}
            try:
                one = self._event(event, number)
            except DataError as error:
                if error.where is not None:
                    raise
                raise DataError(error.must, came=error.came, where=event, do=error.do) from None
            parts.append(one.with_fields(named, info))
        return Events.concatenate(parts)

    def _need(
        self, event: Path, table: str, need: Mapping[str, str], optional: Mapping[str, str] | None = None
    ) -> tuple[Path, dict[str, Array]]:
        """Return the file and the columns of a table that must be there."""
        path = self._table(event, table)
        if path is None:
            raise DataError(
                f"the event must have the table '{table}'",
                came="no such file",
                where=f"{event}-{table}{{{','.join(ENDINGS)}}}",
                do="fetch it, or set 'truth: optional' or 'truth: none' if it is the truth that is missing",
            )
        return path, read_table(path, need, optional)

    def inputs(self) -> list[str]:
        """Return the SHA-256 of each table of each event, in the order of names."""
        events = [event for place in self._files for event in self._events[place]]
        return [content_hash(path) for event in events for path in self._tables(event)]

    def _tables(self, event: Path) -> list[Path]:
        """Files that an event is read from, in the order of their names."""
        files = (names for names in self._scan(event.parent).get(event.name, {}).values())
        return sorted(event.parent / name for names in files for name in names if ending_of(name))

    def __getstate__(self) -> dict[str, Any]:
        """Keep the events as well: to find out that none stands twice takes a while."""
        return super().__getstate__() | ({"_events": self._events} if "_events" in vars(self) else {})


def number_of(event: str) -> str | None:
    """Return what an event is called behind the prefix of its simulation, such as event000000003."""
    match = re.search(r"event\d+$", event)
    return match[0] if match else None


def refuse_split_simulations(simulated: Mapping[str, Path]) -> None:
    """Refuse events that were digitised from one simulation, where events are divided into splits.

    Args:
        simulated: How each event is called in the error -> its table of simulated hits.

    Raises:
        DataError: Two come from one; the error names both.
    """
    several = len({ending_of(path.name) for path in simulated.values()}) > 1
    pair = equal_pair({name: _places_hash(path) if several else content_hash(path) for name, path in simulated.items()})
    if pair is not None:
        path = simulated[pair[1]]
        raise DataError(
            "events of one simulation must not be divided: its particles would stand in training and test",
            came=f"'{pair[0]}' and '{pair[1]}', digitised from {path.name}",
            where=path,
            do="name the events of one digitisation, such as data/exact_event*, or set 'test: 1'",
        )


def _places_hash(path: Path) -> str:
    """Return a digest of where simulated hits are, which is the same in each format; of the bytes without places."""
    table = read_table(path, {}, dict.fromkeys(("tx", "ty", "tz"), "float"))
    if not table:
        return content_hash(path)
    return hashlib.sha256(b"".join(column.astype(np.float32).tobytes() for column in table.values())).hexdigest()
