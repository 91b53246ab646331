"""Columns of ROOT trees as flat arrays and counts, and the particles of a file as a collection."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Collection


class Tree:
    """Entries ``first`` to ``last - 1`` of a tree, column by column.

    Args:
        path: ROOT file.
        name: The tree in it.
        first: First entry.
        last: One behind the last entry; None: all of the tree.

    Raises:
        DataError: The file has no such tree.
    """

    def __init__(self, path: Path, name: str, first: int = 0, last: int | None = None) -> None:
        import uproot  # takes a third of a second that only reading a ROOT file should pay

        self._file, self._path = uproot.open(path), path
        names = self._file.keys(cycle=False)
        tree: Any = self._file[name] if name in names else None  # read once: a tree of many branches takes a second
        if not hasattr(tree, "branches"):
            came = ", ".join(sorted(names)[:8]) or "nothing"
            raise DataError(f"the file must have the tree '{name}'", came=came, where=path)
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

    def types(self) -> dict[str, str]:
        """Name of each branch at the top of the tree -> its C++ class, empty for numbers."""
        return {branch.name: branch.member("fClassName", none_if_missing=True) or "" for branch in self._tree.branches}

    def need(self, *branches: str) -> None:
        """Refuse a tree without some branches.

        Raises:
            DataError: Names those that are missing.
        """
        missing = [branch for branch in branches if branch not in self._tree]
        if missing:
            came = f"none named {', '.join(missing)}"
            raise DataError(
                f"the tree '{self._tree.name}' must have the branches of its format", came=came, where=self._path
            )

    def flat(self, branch: str) -> tuple[Array, Array]:
        """Return one value a row and the number of rows of each entry: (rows,), (n,) int64.

        Raises:
            DataError: The branch is missing, or is not a list of numbers an entry.
        """
        import awkward as ak

        self.need(branch)
        jagged = self._tree[branch].array(library="ak", entry_start=self.first, entry_stop=self.last)
        counts = np.asarray(ak.num(jagged), np.int64)
        return np.asarray(ak.flatten(jagged)), counts

    def nested(self, branch: str) -> tuple[Array, Array, Array]:
        """Return values, rows of each list and lists of each entry: (values,), (lists,) int64, (n,) int64."""
        import awkward as ak

        self.need(branch)
        jagged = self._tree[branch].array(library="ak", entry_start=self.first, entry_stop=self.last)
        lists = ak.flatten(jagged)
        flat = np.asarray(ak.flatten(lists)) if len(lists) else np.empty(0)
        return flat, np.asarray(ak.num(lists), np.int64), np.asarray(ak.num(jagged), np.int64)

    def scalar(self, branch: str) -> Array:
        """Return one value an entry, (n,)."""
        self.need(branch)
        return np.asarray(self._tree[branch].array(library="np", entry_start=self.first, entry_stop=self.last))


def particles(counts: Array, columns: Mapping[str, Array]) -> Collection:
    """Return a collection of particles; columns that are absent are 0, parents -1."""
    rows = int(counts.sum())
    names = ("pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time")
    full = {name: columns.get(name, np.zeros(rows)) for name in names}
    return Collection.from_counts(counts, {**full, "parent": columns.get("parent", np.full(rows, -1))})
