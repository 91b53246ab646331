"""Files that end where their own record of it says: of two that were joined by ``cat``, libraries read one alone."""

from __future__ import annotations

import mmap
import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hitforge.core.errors import DataError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_ROOT = re.compile(rb"root\x00.{3}\x00\x00\x00\x64", re.DOTALL)  # magic, version, fBEGIN: as at the head of TFile
_PARQUET, _VERSION = b"PAR1", 0x15  # with which the metadata begin, in Thrift's compact form
_ZIP_END, _ZIP_END_SIZE = b"PK\x05\x06", 22


def refuse_joined_hdf5(path: Path) -> None:
    """Refuse an HDF5 file that goes on behind the end that its superblock tells.

    The library cuts a file there when it closes it, so a whole file has nothing behind it.
    """
    with path.open("rb") as file:
        size, start = file.seek(0, 2), 0
        while start < size:  # the superblock stands at 0, 512, 1024, 2048, ...
            file.seek(start)
            head = file.read(64)
            if head.startswith(_HDF5):
                break
            start = 2 * start or 512
        else:
            return
    version = head[8]
    width = head[13] if version < 2 else head[9]  # of an address
    at = {0: 24, 1: 28}.get(version, 12)
    base, end = (int.from_bytes(head[first : first + width], "little") for first in (at, at + 2 * width))
    end += start - base  # something may have been put before it
    if end < size:
        raise _joined(path, end, size)


def refuse_wrong_end_of_root(path: Path) -> None:
    """Refuse a ROOT file that ends before its header says (``fEND``; see ``TFile``), or has another behind it.

    Other bytes may stand behind ``fEND``: ROOT does not cut off what it deleted there.
    """
    with path.open("rb") as file:
        head = file.read(20)
        size = file.seek(0, 2)
        if head[:4] != b"root" or len(head) < 20:
            return
        large = int.from_bytes(head[4:8], "big") >= 1_000_000  # then places in the file have 8 bytes
        end = int.from_bytes(head[12 : 20 if large else 16], "big")
        if size < end:
            came = f"the first {size} of {end} bytes"
            raise DataError("the file must be whole", came=came, where=path, do="fetch it again, or write it again")
        if size > end:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if _ROOT.search(content, end):
                    raise _joined(path, end, size)


@contextmanager
def parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file, unless it is two that were joined.

    Raises:
        DataError: It is.
    """
    with pq.ParquetFile(path) as file:
        _refuse_joined_parquet(path)
        yield file


_SINGLE: set[tuple[object, ...]] = set()
"""Parquet files that were looked through."""


def _refuse_joined_parquet(path: Path) -> None:
    """Look for the end of one file and the start of another, once a process.

    Between the pages and the footer there may be indexes and filters, and text may hold the letters: a footer must
    stand before them. The places that the file itself tells are not asked for: in damaged files pyarrow dies of it.
    """
    stat = path.stat()
    known = path.absolute(), stat.st_ino, stat.st_size, stat.st_mtime_ns
    if known in _SINGLE:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = content.find(2 * _PARQUET)
        while at >= 0:
            if _is_footer(content, at):
                raise _joined(path, at + len(_PARQUET), stat.st_size)
            at = content.find(2 * _PARQUET, at + 1)
    _SINGLE.add(known)


def _is_footer(content: mmap.mmap, end: int) -> bool:
    """True if the metadata of a Parquet file end there, their length behind them."""
    length = int.from_bytes(content[max(end - 4, 0) : end], "little")
    start = end - 4 - length
    if start < len(_PARQUET) or content[start] != _VERSION:
        return False
    try:
        pq.read_metadata(pa.BufferReader(_PARQUET + content[start:end] + _PARQUET))
    except (OSError, pa.ArrowException):
        return False
    return True


def refuse_joined_zip(path: Path, archive: zipfile.ZipFile) -> None:
    """Refuse a zip archive with something before its first member or behind its directory."""
    size = os.path.getsize(path)
    first = min((member.header_offset for member in archive.infolist()), default=0)
    if first:
        raise _joined(path, first, size)
    end = size - len(archive.comment)
    with path.open("rb") as file:
        file.seek(max(end - _ZIP_END_SIZE, 0))
        if not file.read().startswith(_ZIP_END):
            file.seek(0)
            end = file.read().rfind(_ZIP_END) + _ZIP_END_SIZE + len(archive.comment)
            raise _joined(path, end, size)


def _joined(path: Path, end: int, size: int) -> DataError:
    return DataError(
        "the file must end where its own record of it says",
        came=f"{size - end} bytes behind the first {end}, as where files are joined: one alone would be read",
        where=path,
        do="fetch or write it again, and read files that were joined one by one",
    )
