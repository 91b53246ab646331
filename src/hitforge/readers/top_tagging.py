"""The top-tagging reference sample (zenodo 2603256, arXiv 1902.09914): HDF5 written by pandas, 200 momenta a jet."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._hdf5 import Hdf5Reader
from hitforge.readers._jets import JetConfig, JetReader, one_of

_TABLE = "table/table"
_NUMBERS, _FLAGS = "values_block_0", "values_block_1"
_MOST = 200  # constituents of a jet in the table
_COLUMNS = 4 * _MOST + 4  # E, PX, PY, PZ of each, and of the true top


class TopTagging(Hdf5Reader, JetReader):
    """Jets of tops and of light quarks and gluons, as four-momenta of up to 200 constituents, without kind or charge.

    Event fields: ``jet_label`` (1 top, 0 other), ``published_split`` (the file's flag ``ttv``; splits are drawn here,
    whatever it says) and, of a jet with a true top, ``true_pt`` [GeV], 0 without. Columns
    are known by their order, E, PX, PY, PZ of each constituent and then of the true top, since pandas keeps their names
    as a pickle, which is not opened; that constituents fall in pT and have E >= p is checked.
    """

    BLOCK = 4096

    class Config(JetConfig):
        """Files, splits and limits."""

    def _needed(self) -> tuple[str, ...]:
        return (_TABLE,)

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        with self._arrays(path) as found:
            table = found[_TABLE]
            names = table.dtype.names or ()
            kinds = {name: (table.dtype[name].base.kind, table.dtype[name].shape) for name in names}
            if kinds.get(_NUMBERS) != ("f", (_COLUMNS,)) or kinds.get(_FLAGS) != ("i", (2,)):
                came = ", ".join(f"{name} {shape}" for name, (_, shape) in kinds.items()) or str(table.dtype)
                must = f"the table must have {_COLUMNS} numbers and 2 flags a jet"
                raise DataError(must, came=came, where=path, do="write it as the sample is: a table of pandas")
            _refuse_unwritten(table, path)
            return len(table)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        with self._arrays(path) as found:
            rows = found[_TABLE][first:last]
        numbers, flags = rows[_NUMBERS].astype(np.float64), rows[_FLAGS]
        parts = numbers[:, : 4 * _MOST].reshape(len(rows), _MOST, 4)  # (n, 200, 4) E, px, py, pz
        real = parts[..., 0] != 0
        self._refuse_other_order(parts, real, path, first)
        energy, px, py, pz = parts[real].T
        top = numbers[:, 4 * _MOST :]
        self._refuse_other_flags(flags, top, path, first)
        fields: Fields = {
            "published_split": (flags[:, 0], FieldInfo("int32", "", "the file's flag ttv")),
            "jet_label": (
                one_of({1: flags[:, 1]}, "is_signal_new", path, first),
                FieldInfo("int32", "", "1 top, 0 not"),
            ),
            "true_pt": (np.hypot(top[:, 1], top[:, 2]), FieldInfo("float32", "GeV", "of the true top, 0 without")),
        }
        columns = {"px": px, "py": py, "pz": pz, "energy": energy}
        return jet_events(real.sum(axis=1), columns, None, fields)

    @staticmethod
    def _refuse_other_flags(flags: Array, top: Array, path: Path, first: int) -> None:
        """Refuse labels that mostly contradict the true tops: the flags may stand in another order."""
        there = top[:, 0] > 0
        wrong = (flags[:, 1] != 0) != there
        if there.any() and 2 * wrong.sum() > len(wrong):
            raise DataError(
                "jets with a true top must be those of the label",
                came=f"the contrary in {int(wrong.sum())} of {len(wrong)} jets",
                where=f"{path}, events from {first}",
                do="write the flags as ttv, is_signal_new",
            )

    @staticmethod
    def _refuse_other_order(parts: Array, real: Array, path: Path, first: int) -> None:
        """Refuse rows that cannot be E, px, py, pz, the highest pT first and zeros behind the last."""
        pt = np.hypot(parts[..., 1], parts[..., 2])
        slack = 1e-3 * (np.abs(parts[..., 0]) + 1)
        beyond = np.linalg.norm(parts[..., 1:], axis=2) > parts[..., 0] + slack
        rising = pt[:, 1:] > pt[:, :-1] + slack[:, 1:]
        gap = real[:, 1:] & ~real[:, :-1]
        wrong = np.flatnonzero(
            beyond.any(axis=1) | rising.any(axis=1) | gap.any(axis=1) | ~np.isfinite(parts).all((1, 2))
        )
        if len(wrong):
            raise DataError(
                "a jet must hold E, px, py, pz of its constituents, E at least the momentum, the highest pT first",
                came=f"{len(wrong)} of {len(parts)} jets that do not",
                where=f"{path}, event {first + int(wrong[0])}",
                do="is the file the sample as it was published, or has it other columns?",
            )


def _refuse_unwritten(table: h5py.Dataset, path: Path) -> None:
    """Refuse a table whose last jets hold nothing at all: a job that is killed leaves such rows."""
    last = table[-2:]
    if len(last) == 2 and not any(last[name].any() for name in last.dtype.names):
        came = "nothing but zeros in the last jets"
        raise DataError("the table must have been written to its end", came=came, where=path, do="write it again")
