"""Which files of a folder are tables of which event: names are compared letter by letter, never as patterns."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from hitforge.core.errors import DataError
from hitforge.readers._tables import ENDINGS, ending_of

Found = Mapping[str, Mapping[str, list[str]]]
"""Event -> table -> names of its files."""

_COPY = re.compile(r"( ?\(\d+\)|[ _-]+v?\d+|[ _-]+copy( ?\(?\d+\)?)?)$", re.IGNORECASE)
_BESIDE = (".md5", ".sha1", ".sha256", ".sha512", ".asc", ".sig")  # what may stand beside a file of the same name


def split_name(name: str, tables: Iterable[str]) -> tuple[str, str] | None:
    """Return event and table of a file ``<event>-<table>.<ending>``, None if the table is none of those known.

    The ending may be any or none, the table in any letter case: such a file must not count as absent. Hidden files and
    checksums are no tables.
    """
    if name.startswith(".") or name.lower().endswith(_BESIDE):
        return None
    known = {table.lower(): table for table in tables}
    words = "|".join(map(re.escape, known))
    match = re.fullmatch(rf"(.+)-({words})(?:[.~].*)?", name, re.IGNORECASE | re.DOTALL)
    return (match[1], known[match[2].lower()]) if match else None


def _copied(name: str, tables: Iterable[str]) -> tuple[str, str] | None:
    """Return event and table of a file that was named by hand or by a browser: ``<event>-<table> (1).csv``, ``_v2``."""
    stem, dot, endings = name.partition(".")
    plain = _COPY.sub("", stem)
    return split_name(plain + dot + endings, tables) if plain != stem and ending_of(name) else None


def scan(folder: Path, tables: Iterable[str]) -> Found:
    """Return the files of the tables in a folder, events and files in the order of their names.

    What looks like a copy of a table by its name counts where the table itself is absent.
    """
    found: dict[str, dict[str, list[str]]] = {}
    tables = tuple(tables)
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    for name in names:
        if (parts := split_name(name, tables)) is not None:
            found.setdefault(parts[0], {}).setdefault(parts[1], []).append(name)
    for name in names:
        parts = None if split_name(name, tables) else _copied(name, tables)
        if parts is not None and parts[1] not in found.get(parts[0], {}):
            found.setdefault(parts[0], {})[parts[1]] = [name]
    return dict(sorted(found.items()))


def one_file(folder: Path, event: str, table: str, names: list[str]) -> Path | None:
    """Return the file of an event's table, None if there is none.

    Raises:
        DataError: There are two of them, or one that cannot be read by its ending.
    """
    if not names:
        return None
    path = folder / names[0]
    if len(names) > 1:
        must = f"the table '{table}' of an event must be one file"
        raise DataError(must, came=", ".join(names), where=folder / event, do="keep one of them there")
    if split_name(path.name, [table]) is None:
        raise DataError(
            f"the table '{table}' of an event must be named {event}-{table}{{{','.join(ENDINGS)}}}",
            came=f"'{path.name}'",
            where=path,
            do="name it so, or move it elsewhere if it must not be read",
        )
    if ending_of(path.name) is None:
        raise DataError(
            f"the table '{table}' of an event must end in one of {', '.join(ENDINGS)}",
            came=f"'{path.name}'",
            where=path,
            do="decompress it, or write it in one of these formats; move it elsewhere if it must not be read",
        )
    if not path.is_file():
        came = "a folder" if path.is_dir() else "a link to nothing" if path.is_symlink() else "something else"
        raise DataError(f"the table '{table}' of an event must be a file", came=came, where=path)
    return path
