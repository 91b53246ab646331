"""HDF5 arrays that are there: the library fills what it cannot find with zeros, so it is looked for first."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from math import ceil, prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._ends import refuse_joined_hdf5
from hitforge.readers._foreign import foreign

_AT_START = {key: os.environ[key] for key in ("HDF5_VDS_PREFIX", "HDF5_EXTFILE_PREFIX") if os.environ.get(key)}
"""These the library reads once, and knows ${ORIGIN} in them; those of links it reads each time, as they stand."""
_LINKS = 16  # the library, too, gives up after so many
_DECODES = 2  # H5Z_FILTER_CONFIG_DECODE_ENABLED
_PLUGIN = {
    307: "bzip2", 32001: "Blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP", 32015: "Zstandard", 32017: "SZ",
    32018: "FCIDECOMP", 32024: "SZ3", 32026: "Blosc2", 32028: "SPERR",
}  # fmt: skip
"""Filters that the package hdf5plugin brings, by their registered number (github.com/HDFGroup/hdf5_plugins)."""

RowRange = tuple[Path, str, int, int]
"""File, array in it, first row and one behind the last."""


class Search:
    """Follows links and looks at what is stored; files stay open until the stack closes them."""

    def __init__(self, stack: ExitStack) -> None:
        self.met: dict[Path, Path] = {}  # real path -> as it was found
        self.stretches: list[RowRange] = []  # of the arrays that were looked at
        self._stack, self._open = stack, dict[Path, h5py.File]()
        self._whole: set[tuple[Path, str]] = set()

    def open(self, path: Path) -> h5py.File:
        real = path.resolve()
        if real not in self._open:
            self.met[real] = path
            with foreign(path):
                self._open[real] = self._stack.enter_context(h5py.File(path, "r"))
                refuse_joined_hdf5(path)
        return self._open[real]

    def find(self, file: h5py.File, path: Path, name: str, turns: int = 0) -> tuple[h5py.Dataset | None, Path]:
        """Return the array of a name and the file that holds it, None where the name is no array."""
        if turns > _LINKS:
            raise DataError("links must end", came=f"more than {_LINKS} after each other at '{name}'", where=path)
        item: Any = file
        parts = [part for part in name.split("/") if part not in ("", ".")]
        for number, part in enumerate(parts):
            link = item.get(part, getlink=True) if isinstance(item, h5py.Group) else None
            rest = "/".join(parts[number + 1 :])
            if isinstance(link, h5py.SoftLink):
                start = "" if link.path.startswith("/") else item.name
                target, home, inside = file, path, f"{start}/{link.path}/{rest}"
            elif isinstance(link, h5py.ExternalLink):
                home = self._need(link.filename, path, "HDF5_EXT_PREFIX", f"the file that '{name}' is linked to")
                target, inside = self.open(home), f"{link.path}/{rest}"
            elif link is None:
                return None, path
            else:
                item = item[part]
                continue
            found = self.find(target, home, inside, turns + 1)
            if found[0] is None:
                came = f"no '{inside.strip('/')}' in {home}"
                raise DataError(f"the array that '{name}' is linked to must be there", came=came, where=path)
            return found
        return (item if isinstance(item, h5py.Dataset) else None), path

    def require(self, array: h5py.Dataset, path: Path) -> None:
        """Refuse an array of which not all values are there."""
        key = path.resolve(), array.name
        if array.shape is None:
            raise DataError(f"'{array.name}' must be an array", came="an empty one without shape", where=path)
        if not array.is_virtual:
            self.stretches.append((*key, 0, len(array) if array.shape else 1))
        if key in self._whole:
            return
        self._whole.add(key)
        if array.is_virtual:
            self._require_sources(array, path)
        elif array.external:
            self._require_external(array, path)
        elif array.chunks is not None:
            _require_filters(array, path)
            _require_chunks(array, path)
        elif array.size and _is_contiguous(array) and not array.id.get_storage_size():
            _never_written(array, path, "no storage")

    def _require_sources(self, array: h5py.Dataset, path: Path) -> None:
        boxes: list[_Box] = []
        for source in array.virtual_sources():
            start, stride, count, block = _slab(source.vspace, array.shape)
            grows = h5py.h5s.UNLIMITED in (*count, *block)
            axis = next((i for i, n in enumerate(count) if n == h5py.h5s.UNLIMITED), 0)
            if grows and "%b" in source.file_name + source.dset_name:
                blocks = ceil(max(array.shape[axis] - start[axis], 0) / stride[axis])
                self._refuse_gap(array, path, source, blocks)
                for number in range(max(blocks, 1)):  # the first one must be there
                    file, name = (form.replace("%b", str(number)) for form in (source.file_name, source.dset_name))
                    self._require_source(array, path, file, name, source.src_space, prod(block))
            else:
                points = None if grows else source.vspace.get_select_npoints()
                self._require_source(array, path, source.file_name, source.dset_name, source.src_space, points)
            count = [
                n if n != h5py.h5s.UNLIMITED else max(0, ceil((size - first) / step))
                for n, size, first, step in zip(count, array.shape, start, stride, strict=True)
            ]
            block = [min(n, size) for n, size in zip(block, array.shape, strict=True)]
            boxes += [(start, stride, count, block)] if grows else _boxes(source.vspace, array.shape)
        rows, whole = _covered(array.shape, boxes)
        gaps = np.flatnonzero(~rows)
        if not whole:
            came = f"none for {len(gaps)} rows, the first is {gaps[0]}" if len(gaps) else "none for some values"
            raise DataError(
                f"the sources of the virtual array '{array.name}' must give all of it",
                came=came,
                where=path,
                do="make the virtual array again",
            )

    def _refuse_gap(self, array: h5py.Dataset, path: Path, source: Any, blocks: int) -> None:
        """The library ends such an array at the first source that is missing."""
        if "%b" in source.file_name:
            pattern = Path(source.file_name)
            folder = pattern.parent if pattern.is_absolute() else path.absolute().parent / pattern.parent
            form, names = pattern.name, [each.name for each in folder.iterdir()] if folder.is_dir() else []
        else:
            home = path if source.file_name == "." else self._need(
                source.file_name, path, "HDF5_VDS_PREFIX", f"a source of the virtual array '{array.name}'"
            )  # fmt: skip
            group, _, form = source.dset_name.rpartition("/")
            names = list(self.open(home)[group or "/"])
        shape = re.compile(r"(\d+)".join(map(re.escape, form.split("%b"))))
        later = [
            int(match.group(1)) for match in map(shape.fullmatch, names) if match and int(match.group(1)) >= blocks
        ]
        if later:
            raise DataError(
                f"no source of the virtual array '{array.name}' may be missing",
                came=f"none with the number {blocks}, but one with {min(later)}",
                where=path,
                do=f"bring {form.replace('%b', str(blocks))} back",
            )

    def _require_source(
        self, array: h5py.Dataset, path: Path, file_name: str, name: str, space: Any, points: int | None
    ) -> None:
        """Refuse a source that is not there, or has fewer values than ``points`` or than are selected in ``space``."""
        what, open_before = f"a source of the virtual array '{array.name}'", set(self._open)
        home = path if file_name == "." else self._need(file_name, path, "HDF5_VDS_PREFIX", what)
        source, home = self.find(self.open(home), home, name)
        if source is None:
            raise DataError(f"{what} must be there", came=f"no '{name}' in {home}", where=path)
        kind = space.get_select_type()
        slab = kind == h5py.h5s.SEL_HYPERSLABS
        try:
            high = space.get_select_bounds()[1] if slab else ()
        except (RuntimeError, ValueError):  # it has no end
            high = ()
        small = points is not None and kind == h5py.h5s.SEL_ALL and source.size != points
        if small or any(last >= size for last, size in zip(high, source.shape or (), strict=False)):
            need = f"up to row {high[0]}" if high else f"{points} values"
            came = f"the shape {source.shape} of '{name}' in {home}, where {need} should be"
            raise DataError(f"{what} must be as large as its place", came=came, where=path, do="make either again")
        before = len(self.stretches)
        self.require(source, home)
        if slab and high:  # of the source's rows only those that are selected
            low = space.get_select_bounds()[0]
            place = home.resolve(), source.name
            self.stretches[before:] = [
                (*s[:2], int(low[0]), int(high[0]) + 1) if s[:2] == place else s for s in self.stretches[before:]
            ]
        for real in set(self._open) - open_before:  # a process may not hold thousands of files open
            self._open.pop(real).close()

    def _require_external(self, array: h5py.Dataset, path: Path) -> None:
        left = array.size * array.dtype.itemsize
        for name, offset, size in array.external:
            if not left:
                break
            raw, need = _prefix(path, "HDF5_EXTFILE_PREFIX") / name, min(left, size)
            there = raw.stat().st_size if raw.is_file() else None
            if there is None or there < offset + need:
                raise DataError(
                    f"the file that holds '{array.name}' must be whole",
                    came="no such file" if there is None else f"{there} bytes of {offset + need}",
                    where=f"{raw}, named in {path}",
                    do="bring it back, or work in the folder from which it is named"
                    if there is None
                    else "fetch it again",
                )
            self.met[raw.resolve()] = raw
            left -= need
        if left:
            _never_written(array, path, f"external files that end {left} bytes early")

    def _need(self, name: str, path: Path, variable: str, what: str) -> Path:
        """Return the file of a name in a link where the library looks for it."""
        folders, tail = [path.absolute().parent, Path(), path.resolve().parent], name
        if Path(name).is_absolute():
            if Path(name).is_file():
                return Path(name)
            tail = Path(name).name
        more = [Path(one) for one in os.environ.get(variable, "").split(":") if one]
        more += [_prefix(path, variable)] if variable in _AT_START else []
        for folder in [*more, *folders]:
            if (folder / tail).is_file():
                return folder / tail
        raise DataError(
            f"{what} must be there",
            came=f"no file {name}",
            where=path,
            do=f"bring it back beside this file, or name its folder in {variable}",
        )


def _prefix(path: Path, variable: str) -> Path:
    return Path(_AT_START.get(variable, "").replace("${ORIGIN}", str(path.absolute().parent)))


_Box = tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int]]
"""Start, stride, count and block along each axis."""


def _slab(space: Any, shape: tuple[int, ...]) -> _Box:
    """Start, stride, count and block of a selection; its bounds where it is not regular, all where all is selected."""
    one = (1,) * len(shape)
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS:
        return (0,) * len(shape), one, one, shape
    if space.is_regular_hyperslab():
        regular: _Box = space.get_regular_hyperslab()
        return regular
    low, high = space.get_select_bounds()
    return low, one, one, [int(b - a + 1) for a, b in zip(low, high, strict=True)]


def _boxes(space: Any, shape: tuple[int, ...]) -> list[_Box]:
    """Parts of a selection of known size, start, stride, count and block of each."""
    if space.get_select_type() == h5py.h5s.SEL_NONE:
        return []
    if space.get_select_type() != h5py.h5s.SEL_HYPERSLABS or space.is_regular_hyperslab():
        return [_slab(space, shape)]
    one = (1,) * len(shape)
    return [(low, one, one, high - low + 1) for low, high in space.get_select_hyper_blocklist().astype(np.int64)]


def _covered(shape: tuple[int, ...], boxes: Sequence[_Box]) -> tuple[Array, bool]:
    """Return in which rows of an array any box lies, and whether the boxes together fill it, however they overlap.

    Places of an axis that are in the same boxes are one class: one value of each combination of classes stands for all.
    """
    marks = np.random.default_rng(0).integers(1, 2**63, len(boxes))
    kinds, chosen = [], []
    for axis, size in enumerate(shape):
        sums = np.zeros(size, np.int64)  # tells which boxes a place is in
        places = []
        for mark, (start, stride, count, block) in zip(marks, boxes, strict=True):
            first = int(start[axis]) + int(stride[axis]) * np.arange(int(count[axis]))
            place = (first[:, None] + np.arange(int(block[axis]))).ravel()
            places.append(place[place < size])
            sums[places[-1]] += mark
        _, kind = np.unique(sums, return_inverse=True)
        kinds.append(kind)
        chosen.append([np.unique(kind[place]) for place in places])
    filled = np.zeros([int(kind.max(initial=-1)) + 1 for kind in kinds], np.bool_)
    for box in zip(*chosen, strict=True):
        filled[np.ix_(*box)] = True
    rows: Array = np.asarray(filled.any(axis=tuple(range(1, filled.ndim))))[kinds[0]]
    return rows, bool(filled.all())


def _is_contiguous(array: h5py.Dataset) -> bool:
    return bool(array.id.get_create_plist().get_layout() == h5py.h5d.CONTIGUOUS)


def _require_chunks(array: h5py.Dataset, path: Path) -> None:
    need = prod(ceil(size / chunk) for size, chunk in zip(array.shape, array.chunks, strict=True))
    there = array.id.get_num_chunks()
    if there < need:
        _never_written(array, path, f"{there} of {need} chunks")


def _never_written(array: h5py.Dataset, path: Path, came: str) -> None:
    fill: Array = np.asarray(array.fillvalue)
    raise DataError(
        f"'{array.name.lstrip('/')}' must be written to its end",
        came=f"{came}; the rest would be read as the fill value {fill}",
        where=path,
        do="let the job that writes it end, or cut the array to what was written",
    )


def _require_filters(array: h5py.Dataset, path: Path) -> None:
    """Refuse an array that is packed with a filter that is not installed."""
    made = array.id.get_create_plist()
    for place in range(made.get_nfilters()):
        number, flags, _, label = made.get_filter(place)
        if _decodes(number):
            continue
        if number in _PLUGIN:
            with suppress(ImportError):
                importlib.import_module("hdf5plugin")  # its import is what installs the filters
            if _decodes(number):
                continue
        if flags & h5py.h5z.FLAG_OPTIONAL and _skipped(array, place):
            continue
        name = _PLUGIN.get(number) or label.decode(errors="replace") or "unnamed"
        raise DataError(
            f"the HDF5 filter {number} ({name}) that packed '{array.name.lstrip('/')}' must be installed",
            came="a whole file, but no such filter",
            where=path,
            do="pip install hdf5plugin"
            if number in _PLUGIN
            else "name the folder of its plug-in in HDF5_PLUGIN_PATH, or pack the file anew: h5repack -f GZIP=4",
        )


def _decodes(number: int) -> bool:
    return bool(h5py.h5z.filter_avail(number) and h5py.h5z.get_filter_info(number) & _DECODES)


def _skipped(array: h5py.Dataset, place: int) -> bool:
    """True if no chunk was packed with an optional filter."""
    chunks = (array.id.get_chunk_info(i) for i in range(array.id.get_num_chunks()))
    return all(chunk.filter_mask >> place & 1 for chunk in chunks)
