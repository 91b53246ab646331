"""A ragged table: flat columns and the offsets of each event in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError


class Collection:
    """Columns of equal length, stored flat, with the rows of event ``i`` at ``offsets[i]:offsets[i + 1]``.

    Args:
        offsets: (N + 1,) int64, starts at 0, never falls, ends at the number of rows.
        columns: Name -> (rows, ...) array.

    Raises:
        DataError: Offsets and columns do not fit.

    Example:
        >>> hits = events.hits  # a Collection
        >>> hits["energy"], hits.event, hits.counts  # (rows,) GeV, (rows,) int64, (N,) int64
        >>> hits.sum(hits["energy"])  # (N,) GeV in each event
    """

    __slots__ = ("columns", "offsets")

    def __init__(self, offsets: Array, columns: Mapping[str, Array]) -> None:
        self.offsets = np.ascontiguousarray(offsets, np.int64)
        self.columns = {name: np.asarray(column) for name, column in columns.items()}
        if self.offsets.ndim != 1 or not len(self.offsets) or self.offsets[0] != 0 or (np.diff(self.offsets) < 0).any():
            raise DataError("offsets must be a list of numbers that starts at 0 and never falls", came=self.offsets[:5])
        for name, column in self.columns.items():
            if len(column) != self.offsets[-1]:
                raise DataError(f"column '{name}' must have {self.offsets[-1]} rows", came=len(column))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"Collection({len(self)} events, {self.rows} rows: {', '.join(self.columns)})"

    def __getitem__(self, column: str) -> Array:
        return self.columns[column]

    @property
    def rows(self) -> int:
        """Number of rows in all events together."""
        return int(self.offsets[-1])

    @property
    def counts(self) -> Array:
        """Rows in each event, (N,) int64."""
        return np.diff(self.offsets)

    @property
    def event(self) -> Array:
        """Event index of each row, (rows,) int64."""
        return np.repeat(np.arange(len(self)), self.counts)

    @classmethod
    def from_counts(cls, counts: Array, columns: Mapping[str, Array]) -> Collection:
        """Build from the number of rows in each event, (N,)."""
        return cls(np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]), columns)

    def take(self, index: Array) -> Collection:
        """Return the events ``index``, (M,) int, in that order."""
        counts = self.counts[index]
        offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        rows = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][index] - offsets[:-1], counts)
        return Collection(offsets, {name: column[rows] for name, column in self.columns.items()})

    def slice(self, start: int, stop: int) -> Collection:
        """Return events ``start:stop`` without copying their columns."""
        first, last = self.offsets[start], self.offsets[stop]
        return Collection(
            self.offsets[start : stop + 1] - first, {name: column[first:last] for name, column in self.columns.items()}
        )

    def select_rows(self, keep: Array) -> Collection:
        """Keep the rows where ``keep``, (rows,) bool; events stay, also those that become empty."""
        kept = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
        return Collection(kept[self.offsets], {name: column[keep] for name, column in self.columns.items()})

    def sum(self, values: Array) -> Array:
        """Sum ``values``, (rows,), over each event; (N,) float64."""
        return np.bincount(self.event, weights=values, minlength=len(self))

    @staticmethod
    def concatenate(parts: Sequence[Collection]) -> Collection:
        """Append the events of several collections with the same columns."""
        if not parts:
            raise DataError("at least one collection must be given")
        counts = np.concatenate([part.counts for part in parts])
        names = parts[0].columns
        return Collection.from_counts(counts, {name: np.concatenate([part[name] for part in parts]) for name in names})
