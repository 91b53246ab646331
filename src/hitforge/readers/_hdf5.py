"""HDF5 files and their arrays, once these are known to be whole, and the readers of such files."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import h5py
import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._hdf5_search import RowRange, Search
from hitforge.readers.files import SplitReader, foreign


@dataclass
class Contents:
    """What arrays of a file stand on.

    Attributes:
        names: Arrays that are there.
        behind: Other files that they are read from, in the order in which they were met.
        stretches: Name -> stretches of arrays in any file that hold its values.
    """

    names: list[str] = field(default_factory=list)
    behind: list[Path] = field(default_factory=list)
    stretches: dict[str, list[RowRange]] = field(default_factory=dict)


_KNOWN: dict[tuple[Path, tuple[str, ...]], tuple[tuple[object, ...], Contents]] = {}


def contents(path: Path, names: Sequence[str], optional: Sequence[str] = ()) -> Contents:
    """Find arrays through all links and see that each of their values was written and can be unpacked.

    A file is looked through once a process, until it or one behind it changes.

    Args:
        path: HDF5 file.
        names: Arrays.
        optional: Those of them that may be absent; a link that leads nowhere is an error all the same.

    Raises:
        DataError: An array is absent or no array, a link leads nowhere, a source of a virtual array is missing or too
            short, chunks or the whole array were never written, an external file is missing or too short, or a filter
            is not installed.
    """
    key = path.absolute(), tuple(names)
    if key in _KNOWN and _KNOWN[key][0] == _stamps([path, *_KNOWN[key][1].behind]):
        return _KNOWN[key][1]
    found = Contents()
    with foreign(path), ExitStack() as stack:
        search = Search(stack)
        file = search.open(path)
        for name in names:
            if name in optional and file.get(name, getlink=True) is None:
                continue
            array, home = search.find(file, path, name)
            if array is None:
                came, do = ", ".join(file) or "nothing", None
                if file.get(name, getlink=True) is not None:  # such as a table of pandas or PyTables
                    came, do = (
                        f"a group of that name with {', '.join(file[name]) or 'nothing'}",
                        "write it as one array",
                    )
                raise DataError(f"the file must have the array '{name}'", came=came, where=path, do=do)
            _refuse_packed(array, name, path)
            search.stretches = []
            search.require(array, home)
            found.names.append(name)
            found.stretches[name] = search.stretches
        found.behind = [each for each in search.met.values() if each != path]
    _KNOWN[key] = _stamps([path, *found.behind]), found
    return found


def _stamps(paths: Sequence[Path]) -> tuple[object, ...]:
    """Size and time of each file, None for one that is gone."""
    stats = (path.stat() if path.is_file() else None for path in paths)
    return tuple(s and (s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in stats)


def floats(array: h5py.Dataset, name: str, path: Path) -> h5py.Dataset:
    """Return an array of floating-point numbers.

    Raises:
        DataError: It holds something else.
    """
    if array.dtype.kind != "f":
        raise DataError(f"'{name}' must hold floating-point numbers", came=array.dtype, where=path)
    return array


ENERGY_UNITS = {"ev": 1e-9, "kev": 1e-6, "mev": 1e-3, "gev": 1.0, "tev": 1e3}
"""Units of energy in small letters -> GeV."""


def _refuse_packed(array: h5py.Dataset, name: str, path: Path) -> None:
    """Refuse numbers that stand for others, as netCDF's conventions allow."""
    for key, nothing in (("scale_factor", 1), ("add_offset", 0)):
        if key in array.attrs and not np.all(np.asarray(array.attrs[key]) == nothing):
            raise DataError(
                f"the values of '{name}' must stand as they are",
                came=f"the attribute {key} = {array.attrs[key]}",
                where=path,
                do="write the unpacked values: value * scale_factor + add_offset",
            )


def told_units(array: h5py.Dataset) -> tuple[str, list[str]]:
    """Return the text of an array's attribute ``unit`` or ``units`` and the units of energy in it, in small letters."""
    for key in array.attrs:
        if key.lower() in ("unit", "units"):
            parts = np.asarray(array.attrs[key]).ravel().tolist()  # one text, or a list of them
            text = ", ".join(one.decode(errors="replace") if isinstance(one, bytes) else str(one) for one in parts)
            units = [word.lower() for word in re.findall("[A-Za-z]+", text) if word.lower() in ENERGY_UNITS]
            if units:
                return f"the attribute {key} = {text.strip('[] ')}", units
    return "", []


def refuse_other_unit(array: h5py.Dataset, name: str, unit: str, path: Path) -> None:
    """Refuse energies that the file itself says to be in another unit.

    Args:
        array: What ``told_units`` finds is looked at; a text without a unit of energy says nothing.
        name: Of the array, for the error.
        unit: The right one, such as MeV.
        path: Of the file, for the error.

    Raises:
        DataError: It is another one.
    """
    came, units = told_units(array)
    if units and unit.lower() not in units:
        raise DataError(f"'{name}' must be in {unit}", came=came, where=path, do=f"convert the values to {unit}")


def written_rows(array: h5py.Dataset, name: str, path: Path, first: int, last: int) -> Array:
    """Return the rows ``first`` to ``last - 1`` of an array of numbers.

    Raises:
        DataError: One holds the fill value where that is not 0, which marks what was never written.
    """
    values: Array = array[first:last]
    fill = array.fillvalue
    if fill and np.isfinite(fill):
        wrong = np.flatnonzero((values == fill).reshape(len(values), -1).any(axis=1))
        if len(wrong):
            raise DataError(
                f"'{name}' must have been written for each event",
                came=f"the fill value {fill:g}, and in {len(wrong) - 1} more events read with it",
                where=f"{path}, event {first + int(wrong[0])}",
                do="write them, or leave them out of the file",
            )
    return values


def refuse_unwritten_rows(array: h5py.Dataset, name: str, path: Path, limit: int | None) -> None:
    """Refuse an array whose last events all hold the fill value.

    A job that is killed leaves such rows in space that was allocated early, or in the rest of a chunk. One empty event
    at the end may be true.

    Args:
        array: (N, ...), one row an event.
        name: Of the array, for the error.
        path: Of the file, for the error.
        limit: Events that are read, None for all.

    Raises:
        DataError: Two rows or more at the end, among those that are read, hold nothing else.
    """
    rows, fill = len(array), array.fillvalue
    last, step = rows, 16
    while last:
        first = max(0, last - step)
        block = array[first:last].reshape(last - first, -1)
        written = np.flatnonzero((block != fill).any(axis=1))
        if len(written):
            last = first + int(written[-1]) + 1
            break
        last, step = first, min(2 * step, 4096)
    if rows - last > 1 and (limit is None or limit > last):
        raise DataError(
            f"'{name}' must have been written to its end",
            came=f"nothing but the fill value {fill:g} in the last {rows - last} of {rows} events",
            where=path,
            do=f"write them, cut the array, or read the first {last} with 'limit'" if last else "write them",
        )


def refuse_shared(files: Mapping[str, Path], found: Mapping[str, Contents], main: str) -> None:
    """Refuse files that give the same events through links.

    Args:
        files: Each file's name -> where it is.
        found: Its contents, by the same names.
        main: Array whose rows are the events.

    Raises:
        DataError: A file stands on another that is named too, or two on the same rows of a third.
    """
    real = {path.resolve(): name for name, path in files.items()}
    seen: dict[tuple[Path, str], list[tuple[int, int, str]]] = {}
    for name, path in files.items():
        came = next(
            (f"'{real[b.resolve()]}', which '{name}' reads" for b in found[name].behind if b.resolve() in real), ""
        )
        for file, array, first, last in found[name].stretches.get(main, []):
            there = seen.setdefault((file, array), [])
            twice = next((n for low, high, n in there if n != name and first < high and low < last), None)
            came = came or (f"'{twice}' and '{name}', which both read {file}" if twice else "")
            there.append((first, last, name))
        if came:
            raise DataError(
                "each event must be named once: it would stand in training and test",
                came=came,
                where=path,
                do="leave one of them out",
            )


class Hdf5Reader(SplitReader):
    """A reader of HDF5 files; the rows of its first array are the events."""

    @abstractmethod
    def _needed(self) -> tuple[str, ...]:
        """Arrays that are read, that of the events first."""

    def _optional(self) -> tuple[str, ...]:
        """Those of them that may be absent."""
        return ()

    def _contents(self, path: Path) -> Contents:
        return contents(path, self._needed(), self._optional())

    def _behind(self, path: Path) -> list[Path]:
        return self._contents(path).behind

    @contextmanager
    def _arrays(self, path: Path) -> Iterator[dict[str, h5py.Dataset]]:
        """Open a file and give its arrays by name, after ``contents`` found them whole."""
        there = self._contents(path).names
        with foreign(path), h5py.File(path, "r") as file:
            yield {name: file[name] for name in there}

    @cached_property
    def _rows(self) -> dict[str, list[Array]]:
        rows = super()._rows
        found = {name: self._contents(path) for name, path in self._named.items()}
        refuse_shared(self._named, found, self._needed()[0])
        return rows
