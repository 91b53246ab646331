"""Archives of NumPy: whole, plain, and each array once."""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._npz import plain_npz


def test_named_arrays_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.arange(3), b=np.ones(2), c=np.zeros(1))
    found = plain_npz(path, ("a", "b"))
    assert list(found) == ["a", "b"]
    np.testing.assert_array_equal(found["a"], [0, 1, 2])


def test_what_is_no_plain_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, a=np.array([{}], object))
    with pytest.raises(DataError, match="plain numbers"):
        plain_npz(path, ("a",))
    np.savez(path, b=np.ones(1))
    with pytest.raises(DataError, match="must have the arrays a; got: b"):
        plain_npz(path, ("a",))
    single = tmp_path / "a.npy"
    np.save(single, np.ones(1))
    with pytest.raises(DataError, match="must be an npz archive; got: one array"):
        plain_npz(single, ("a",))
    path.write_bytes(path.read_bytes() + path.read_bytes())
    with pytest.raises(DataError):
        plain_npz(path, ("b",))
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a name that is there twice
        for _ in range(2):
            with archive.open("b.npy", "w") as file:
                np.lib.format.write_array(file, np.ones(1))
    with pytest.raises(DataError, match="each array must be there once"):
        plain_npz(path, ("b",))
