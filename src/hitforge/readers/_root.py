"""Columns of ROOT trees and RNTuples as flat arrays and counts, and the particles of a file as a collection."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Collection, FieldInfo
from hitforge.readers._ends import refuse_wrong_end_of_root

ROUNDING = 1.001
"""Shares of a hit's energy may sum to this much in a file, for rounding."""
SCALED = FieldInfo("int32", "", "hits whose true shares summed to more than 1 in the file and were scaled", "sum")


class Tree:
    """Entries ``first`` to ``last - 1`` of a tree or an RNTuple, column by column.

    Args:
        path: ROOT file.
        name: The tree in it.
        first: First entry.
        last: One behind the last entry; None: all of the tree.

    Raises:
        DataError: The file is cut short, has no such tree, or has other events in another tree of that name.
    """

    def __init__(self, path: Path, name: str, first: int = 0, last: int | None = None) -> None:
        import uproot  # takes a third of a second that only reading a ROOT file should pay

        refuse_wrong_end_of_root(path)
        self._file, self.path, self._name = uproot.open(path), path, name
        names = self._file.keys(cycle=False)
        tree: Any = self._file[name] if name in names else None  # read once: a tree of many branches takes a second
        if not hasattr(tree, "num_entries"):
            came = ", ".join(sorted(names)[:8]) or "nothing"
            if name in names:
                came = f"one of the class {self._file.classname_of(name)}"
            raise DataError(f"the file must have the tree '{name}'", came=came, where=path)
        _refuse_other_cycles(self._file, name, tree, path)
        self._tree = tree
        self.first, self.last = first, int(self._tree.num_entries) if last is None else last

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        return self.last - self.first

    def __contains__(self, branch: str) -> bool:
        return branch in self._tree

    def part(self, first: int, last: int) -> Tree:
        """Return other entries of the same tree: ``first`` to ``last - 1``, as far as it goes."""
        part = copy.copy(self)
        part.first, part.last = first, min(last, int(self._tree.num_entries))
        return part

    def at(self, entry: int) -> str:
        """Say which event of the file an entry, counted from ``first``, is."""
        return f"{self.path}, event {self.first + int(entry)}"

    def types(self) -> dict[str, str]:
        """Name of each branch at the top of the tree -> its C++ class, empty for numbers.

        Raises:
            DataError: It is an RNTuple.
        """
        if not hasattr(self._tree, "branches"):
            came, do = "an RNTuple of that name", "write it as a TTree"
            raise DataError(f"'{self._name}' must be a TTree", came=came, where=self.path, do=do)
        return {branch.name: branch.member("fClassName", none_if_missing=True) or "" for branch in self._tree.branches}

    def need(self, *branches: str) -> None:
        """Refuse a tree without some branches, or with two of one name.

        Raises:
            DataError: Names those that are missing or doubled.
        """
        must = f"the tree '{self._name}' must have the branches of its format"
        missing = [branch for branch in branches if branch not in self._tree]
        if missing:
            friends = getattr(self._tree, "all_members", {}).get("fFriends")
            do = "put the branches of friend trees into it: they are not read" if friends else None
            raise DataError(must, came=f"none named {', '.join(missing)}", where=self.path, do=do)
        names = [branch.name for branch in getattr(self._tree, "branches", ())]
        twice = [branch for branch in branches if names.count(branch) > 1]
        if twice:
            raise DataError(must + ", each once", came=f"several named {', '.join(twice)}", where=self.path)

    def _entries(self, branch: str) -> Any:
        """The branch as an Awkward array with one item an entry."""
        self.need(branch)
        source = self._tree[branch]
        values = source.array(library="ak", entry_start=self.first, entry_stop=self.last)
        entries = getattr(self._tree, "num_entries", len(self))
        have = getattr(source, "num_entries", entries)
        if have != entries or len(values) != len(self):
            must = f"each branch of '{self._name}' must have an entry for each event"
            raise DataError(must, came=f"{have} entries of '{branch}' for {entries} events", where=self.path)
        return values

    def flat(self, branch: str) -> tuple[Array, Array]:
        """Return one value a row and the number of rows of each entry: (rows,), (n,) int64.

        Raises:
            DataError: The branch is missing, ends early, or is not a list of numbers an entry.
        """
        import awkward as ak

        jagged = self._entries(branch)
        if jagged.ndim != 2:
            self._refuse(branch, "a list of numbers", jagged)
        return self._numbers(ak.flatten(jagged), branch, jagged), np.asarray(ak.num(jagged), np.int64)

    def columns(self, *branches: str) -> tuple[dict[str, Array], Array]:
        """Return columns of one collection, name -> (rows,), and the number of rows of each entry, (n,) int64.

        Raises:
            DataError: As in ``flat``, or the branches do not have as many values as each other in an entry.
        """
        found = {branch: self.flat(branch) for branch in branches}
        counts = self.same({branch: counts for branch, (_, counts) in found.items()})
        return {branch: values for branch, (values, _) in found.items()}, counts

    def same(self, counts: Mapping[str, Array]) -> Array:
        """Return the number of rows of each entry, (n,), on which all branches of a collection must agree.

        Args:
            counts: Branch -> rows of each entry, (n,).

        Raises:
            DataError: Two branches differ, with the first entry in which they do.
        """
        (name, first), *others = counts.items()
        for other, number in others:
            differ = np.flatnonzero(first != number)
            if len(differ):
                row = int(differ[0])
                more = f", and others in {len(differ) - 1} more events" if len(differ) > 1 else ""
                raise DataError(
                    "the branches of a collection must have one value for each of its rows",
                    came=f"{first[row]} values of '{name}', {number[row]} of '{other}'{more}",
                    where=self.at(row),
                )
        return first

    def nested(self, branch: str) -> tuple[Array, Array, Array]:
        """Return values, rows of each list and lists of each entry: (values,), (lists,) int64, (n,) int64.

        Raises:
            DataError: The branch is missing, ends early, or is not lists of numbers.
        """
        import awkward as ak

        jagged = self._entries(branch)
        if jagged.ndim != 3:
            self._refuse(branch, "lists of numbers", jagged)
        lists = ak.flatten(jagged)
        flat = self._numbers(ak.flatten(lists), branch, jagged) if len(lists) else np.empty(0)
        return flat, np.asarray(ak.num(lists), np.int64), np.asarray(ak.num(jagged), np.int64)

    def scalar(self, branch: str) -> Array:
        """Return one number an entry, (n,).

        Raises:
            DataError: The branch is missing, ends early, or is not a number an entry.
        """
        values = self._entries(branch)
        if values.ndim != 1:
            self._refuse(branch, "a number", values)
        return self._numbers(values, branch, values)

    def texts(self, branch: str) -> Any:
        """Return what stands in a branch of texts, or of lists of them, one item an entry."""
        self.need(branch)
        return self._tree[branch].array(library="np", entry_start=self.first, entry_stop=self.last)

    def _numbers(self, values: Any, branch: str, jagged: Any) -> Array:
        import awkward as ak

        try:
            flat: Array = ak.to_numpy(values, allow_missing=False)
        except (TypeError, ValueError):
            flat = np.empty(0, object)
        if flat.ndim != 1 or flat.dtype.kind not in "fiub":
            self._refuse(branch, "numbers alone", jagged)
        return flat

    def _refuse(self, branch: str, what: str, jagged: Any) -> None:
        came = str(jagged.type).partition(" * ")[2]
        raise DataError(f"the branch '{branch}' must hold {what} an event", came=came, where=self.path)


_SAME: set[tuple[object, ...]] = set()
"""Trees whose older cycles were found to be the beginning of the newest."""


def _refuse_other_cycles(file: Any, name: str, newest: Any, path: Path) -> None:
    """Refuse a file in which trees of one name hold other events: ROOT and uproot give the newest alone.

    A job that saves its tree on the way (``AutoSave``) leaves older cycles, too; their baskets are those with which the
    newest begins.
    """
    cycles = [key for key in file.iterkeys() if key.rpartition(";")[0] == name]
    stat = path.stat()
    known = path.absolute(), name, stat.st_ino, stat.st_size, stat.st_mtime_ns
    if len(cycles) < 2 or known in _SAME:
        return
    trees = [file[key] for key in cycles]
    if not all(_begins(newest, tree) for tree in trees if tree.num_entries):
        came = ", ".join(f"{tree.num_entries} in '{key}'" for key, tree in zip(cycles, trees, strict=True))
        raise DataError(
            f"the trees of the name '{name}' must be one that was saved several times",
            came=f"other events in each: {came}",
            where=path,
            do="write each job's tree into a file of its own, or copy the one that is meant",
        )
    _SAME.add(known)


def _begins(newest: Any, tree: Any) -> bool:
    """True if the full baskets of a tree are the first ones of the newest; without any it was saved on the way."""
    if not hasattr(newest, "branches") or not hasattr(tree, "branches") or tree.num_entries > newest.num_entries:
        return False
    for name, branch in tree.iteritems(recursive=True):
        at = branch.member("fBasketSeek")[: branch.member("fWriteBasket")]  # where its full baskets are
        if name not in newest or not np.array_equal(at, newest[name].member("fBasketSeek")[: len(at)]):
            return False
    return True


def whole(values: Array, what: str, where: object) -> Array:
    """Return whole numbers as they are meant, (rows,) int64.

    Raises:
        DataError: One is a fraction, no number, beyond 64 bits, or a float too large to be exact.
    """
    if values.dtype.kind == "f":
        exact = 2.0 ** (np.finfo(values.dtype).nmant + 1)  # beyond it two whole numbers may be the same
        bad = ~(np.isfinite(values) & (values == np.round(values)) & (np.abs(values) < exact))
    elif values.dtype.kind == "u":
        bad = values > np.uint64(2**63 - 1)
    else:
        bad = np.zeros(len(values), np.bool_)
    rows = np.flatnonzero(bad)
    if len(rows):
        came = f"{values[rows[0]]} in row {rows[0]}, and {len(rows) - 1} more such values"
        large = (
            values.dtype.kind == "f" and abs(float(values[rows[0]])) < 2.0**63 and float(values[rows[0]]).is_integer()
        )
        kind = f" that {values.dtype} holds exactly" if large else ""
        raise DataError(f"'{what}' must hold whole numbers of 64 bits{kind}", came=came, where=where)
    return values.astype(np.int64)


def particles(counts: Array, columns: Mapping[str, Array]) -> Collection:
    """Return a collection of particles; columns that are absent are 0, parents -1."""
    rows = int(counts.sum())
    names = ("pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time")
    full = {name: columns.get(name, np.zeros(rows)) for name in names}
    return Collection.from_counts(counts, {**full, "parent": columns.get("parent", np.full(rows, -1))})
