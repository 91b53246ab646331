"""Errors of file libraries: one sentence, with the remedy of that error and no other."""

from __future__ import annotations

import errno
import gzip
import os
import zlib
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._foreign import foreign, in_disguise

AGAIN = "fetch it again"


def told(error: BaseException, path: Path = Path("a.h5")) -> str:
    with pytest.raises(DataError) as caught, foreign(path):
        raise error
    return str(caught.value)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("bad\nlong"), "the file must be whole and readable; got: bad; where: a.h5"),
        (KeyError(), "KeyError"),
        (MemoryError(), "fit into memory; got: no memory; where: a.h5; do: read fewer events"),
        (FileNotFoundError(errno.ENOENT, "No such file"), "the file must exist"),
        (PermissionError(errno.EACCES, "Permission denied"), "do: ask its owner"),
        (OSError(errno.EIO, "Input/output error"), "the disk must give the file back"),
        (OSError(errno.ESTALE, "Stale file handle"), "the disk must give the file back"),
        (OSError(errno.EMFILE, "Too many open files"), "do: raise the limit"),
        (OSError("unable to lock file, errno = 11"), "no other program may be writing"),
        (OSError("unable to open file (file is already open for write (may use <h5clear file>))"), "h5clear -s"),
        (ModuleNotFoundError("install the 'zstandard' package with:\n  pip install zstandard"), "do: pip install zst"),
        (pa.ArrowInvalid("CSV conversion error to int64: invalid value '1.0'"), "do: mend the entry"),
        (TypeError("a list was expected"), "of another layout or type"),
    ],
)
def test_a_remedy_fits_the_error(error: BaseException, message: str) -> None:
    text = told(error)
    assert message in text
    assert AGAIN not in text


@pytest.mark.parametrize(
    "error",
    [
        OSError("Unable to open file (truncated file: eof = 100, stored_eof = 2048)"),
        OSError("Unable to open file (file signature not found)"),
        EOFError("Compressed file ended before the end-of-stream marker was reached"),
        zlib.error("Error -3 while decompressing data: incorrect header check"),
        pa.ArrowInvalid("Parquet magic bytes not found in footer."),
    ],
)
def test_what_is_damaged_is_to_be_fetched_again(error: BaseException) -> None:
    assert AGAIN in told(error)


def test_the_errors_of_the_libraries_as_they_come(tmp_path: Path) -> None:
    whole = tmp_path / "whole.h5"
    with h5py.File(whole, "w") as file:
        file["x"] = np.arange(1000.0)
    cut, table = tmp_path / "cut.h5", tmp_path / "cut.parquet"
    cut.write_bytes(whole.read_bytes()[:3000])
    table.write_bytes(b"PAR1" + bytes(100))
    (tmp_path / "a.csv").write_text("x\n1\n-2.5\n")
    (tmp_path / "a.gz").write_bytes(gzip.compress(os.urandom(1000))[:500])
    types = pa.csv.ConvertOptions(column_types={"x": pa.uint64()})
    for act, again in (
        (lambda: h5py.File(cut, "r"), True),
        (lambda: h5py.File(tmp_path / "a.csv", "r"), True),
        (lambda: h5py.File(tmp_path / "none.h5", "r"), False),
        (lambda: pa.parquet.read_table(table), True),
        (lambda: gzip.decompress((tmp_path / "a.gz").read_bytes()), True),
        (lambda: pa.csv.read_csv(tmp_path / "a.csv", convert_options=types), False),
        (lambda: np.zeros(10**15), False),
    ):
        with pytest.raises(DataError) as caught, foreign(tmp_path):
            act()
        assert (AGAIN in str(caught.value)) == again, caught.value


def test_a_path_is_printed_whole() -> None:
    assert "where: data/[red]run[1].h5" in told(ValueError("x"), Path("data/[red]run[1].h5"))


@pytest.mark.parametrize(
    ("content", "came", "do"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3\n",
            "a pointer of Git LFS",
            "git lfs pull",
        ),
        (gzip.compress(b"x", mtime=0), "a packed file", "unpack it first: gunzip"),
    ],
)
def test_what_stands_in_place_of_the_data_is_named(tmp_path: Path, content: bytes, came: str, do: str) -> None:
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"got: {came}; where: .*a.h5; do: {do}"), foreign(path):
        h5py.File(path)
    assert in_disguise(path) == (came, do)
    path.write_bytes(b"other")
    assert in_disguise(path) is None
    assert in_disguise(tmp_path / "nowhere") is None
