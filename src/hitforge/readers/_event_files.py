"""Events whose tables are files of their own, ``<event>-<table>.<ending>``, in folders: TrackML, ACTS, ACORN."""

from __future__ import annotations

import glob
import re
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.files import sha256
from hitforge.core.particles import TRACKED, masses
from hitforge.events import Events, FieldInfo
from hitforge.readers._paths import folders
from hitforge.readers._tables import ENDINGS, read_table
from hitforge.readers.files import FileConfig, FileReader


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

    BLOCK = 16

    @abstractmethod
    def _event(self, event: Path, number: int) -> Events:
        """Return one event: the path before its tables' names, and its number for errors."""

    @cached_property
    def _events(self) -> dict[Path, list[Path]]:
        """Folder or event -> its events.

        Raises:
            DataError: An event is named beside its folder.
        """
        events = {place: _in_folder(place, self.TABLE) if place.is_dir() else [place] for place in self._files}
        owner: dict[Path, Path] = {}
        for place, mine in events.items():
            for event in mine:
                other = owner.setdefault(event.resolve(), place)
                if other != place:
                    raise DataError(
                        "each event must be named once: it would stand in training and test",
                        came=f"'{other}' and '{place}'",
                        where=event,
                        do="name the folder or its events",
                    )
        return events

    def _matched_file(self, match: str, folder: Path) -> Path | None:
        """Return the folder or event that is named by itself or by one of its tables."""
        if (folder / match).is_dir():
            return folder / match
        ending = "|".join(re.escape(ending) for ending in ENDINGS)
        names = (match, re.sub(rf"-{self.TABLE}({ending})$", "", match), re.sub(rf"-[^-/]*({ending})$", "", match))
        return next((folder / name for name in names if find_table(folder / name, self.TABLE) is not None), None)

    def _named_file(self, name: str) -> Path:
        found = next((path for folder in folders() if (path := self._matched_file(name, folder)) is not None), None)
        if found is not None:
            return found
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
            found = re.findall(r"\d+", event.name)
            named = {"event_number": np.array([int(found[-1][-18:]) if found else -1])}
            info = {"event_number": FieldInfo("int64", "", "number in the event's name, -1 for none")}
            parts.append(self._event(event, number).with_fields(named, info))
        return Events.concatenate(parts)

    def _need(
        self, event: Path, table: str, need: Mapping[str, str], optional: Mapping[str, str] | None = None
    ) -> tuple[Path, dict[str, Array]]:
        """Return the file and the columns of a table that must be there."""
        path = find_table(event, table)
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
        return [sha256(path) for event in events for path in self._tables(event)]

    def _tables(self, event: Path) -> list[Path]:
        """Files that an event is read from, in the order of their names."""
        tables = event.parent.glob(f"{glob.escape(event.name)}-*")  # a name may hold the letters of a pattern
        return [path for path in sorted(tables) if path.name.endswith(ENDINGS)]


def find_table(event: Path, table: str) -> Path | None:
    """Return the file of an event's table, None if there is none."""
    paths = (event.with_name(f"{event.name}-{table}{ending}") for ending in ENDINGS)
    return next((path for path in paths if path.is_file()), None)


def _in_folder(folder: Path, table: str) -> list[Path]:
    names = {path.name for ending in ENDINGS for path in folder.glob(f"*-{table}{ending}")}
    return [folder / name for name in sorted({name.rpartition(f"-{table}")[0] for name in names})]


def truth_field(kind: int) -> tuple[Array, FieldInfo]:
    """Return the event field that tells which hits have truth."""
    return np.array([kind]), FieldInfo("int8", "", "hits whose particle is known: 0 none, 1 pixels, 2 all")


def energy_of(momentum: Array, pdg: Array) -> Array:
    """Return energies, (3, P) [GeV] and (P,) -> (P,) [GeV]; a particle of unknown mass gets that of none."""
    mass = masses(np.where(np.isin(np.abs(pdg), TRACKED), pdg, 0))
    energy: Array = np.sqrt((momentum**2).sum(axis=0) + mass**2)
    return energy
