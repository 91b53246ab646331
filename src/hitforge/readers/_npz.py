"""Archives of NumPy's arrays, from which nothing is executed."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.readers._ends import refuse_joined_zip
from hitforge.readers._foreign import foreign


def plain_npz(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return arrays of an npz archive.

    Args:
        path: The archive.
        names: Arrays that must be there; others are not read.

    Raises:
        DataError: It is no npz archive, cut or joined to another, an array is absent or twice there, or holds Python
            objects.
    """
    with foreign(path), path.open("rb") as raw, _plain(path):
        file = np.load(raw, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise DataError("the file must be an npz archive", came="one array", where=path)
        with zipfile.ZipFile(path) as archive:
            refuse_joined_zip(path, archive)
        missing = [name for name in names if name not in file.files]
        if missing:
            raise DataError(f"the file must have the arrays {', '.join(names)}", came=", ".join(file.files), where=path)
        twice = [name for name in names if file.files.count(name) > 1]
        if twice:
            raise DataError("each array must be there once", came=f"several named {', '.join(twice)}", where=path)
        return {name: file[name] for name in names}


@contextmanager
def _plain(path: Path) -> Iterator[None]:
    """Refuse pickles in words of our own: those of NumPy tell how to load them."""
    try:
        yield
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        raise DataError(
            "the file must be an npz archive of plain numbers",
            came="Python objects, which would be executed",
            where=path,
            do="save the arrays as numbers",
        ) from None
