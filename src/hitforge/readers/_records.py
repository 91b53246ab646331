"""The frames of a TFRecord file, so that any record can be read by itself.

A record is its length (uint64), the masked CRC-32C of that, the content, and the masked CRC-32C of the content, all
little-endian (tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.readers._foreign import foreign, in_disguise

_PACKED = (b"\x1f\x8b", b"x\x01", b"x\x9c", b"x\xda")
"""How files of gzip and zlib begin: TensorFlow writes both."""


def contents_of(path: Path) -> Array:
    """Return the file as uint8, read where it is touched.

    Raises:
        DataError: The file cannot be read.
    """
    with foreign(path):
        return np.asarray(np.memmap(path, np.uint8, "r")) if path.stat().st_size else np.zeros(0, np.uint8)


def find_records(path: Path) -> Array:
    """Return the first byte and the length of each record's content, (records, 2) int64.

    Raises:
        DataError: The file is empty, cut short, compressed, or of another format.
    """
    data = contents_of(path)
    if not len(data):
        raise DataError("the file must hold events", came="an empty file", where=path)
    records, state = _walk(data, _TABLE)
    if state and not len(records) and bytes(data[:2]) in _PACKED:
        do = "unpack it first: gunzip, or in TensorFlow with compression_type='ZLIB'"
        raise DataError("the file must be a TFRecord file, not compressed", came="a packed one", where=path, do=do)
    if state and not len(records) and (disguise := in_disguise(path)):
        raise DataError("the file must be a TFRecord file", came=disguise[0], where=path, do=disguise[1])
    if state:
        raise DataError(
            "the file must be a whole TFRecord file, not compressed",
            came="an end inside a record" if state == 1 else "a length that does not fit its checksum",
            where=f"{path}, event {len(records)}",
            do="copy or write it again",
        )
    return np.asarray(records)


def content(data: Array, record: Array, path: Path, number: int) -> bytes:
    """Return the content of a record.

    Args:
        data: The file.
        record: Its first byte and length, from ``find_records``.
        path: Of the file, for the error.
        number: Of the record, for the error.

    Raises:
        DataError: The content does not fit its checksum.
    """
    first, last = int(record[0]), int(record[0] + record[1])
    if last + 4 > len(data) or _checksum(data, first, last, _TABLE) != int(data[last : last + 4].view("<u4")[0]):
        raise DataError(
            "a record's content must fit its checksum",
            came="another one",
            where=f"{path}, event {number}",
            do="copy or write the file again",
        )
    return data[first:last].tobytes()


def _make_table() -> Array:
    """CRC-32C of each byte (Castagnoli's polynomial, reflected: 0x82F63B78)."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> np.uint32(1)) ^ np.uint32(0x82F63B78), table >> np.uint32(1))
    return table


_TABLE = _make_table()


@njit(nogil=True, cache=True)
def _checksum(data, first, last, table):  # type: ignore[no-untyped-def]
    """Masked CRC-32C of some bytes."""
    crc = np.uint32(0xFFFFFFFF)
    for i in range(first, last):
        crc = table[(crc ^ data[i]) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    value = np.int64(crc ^ np.uint32(0xFFFFFFFF))
    return (((value >> 15) | (value << 17)) + 0xA282EAD8) & 0xFFFFFFFF


@njit(nogil=True, cache=True)
def _walk(data, table):  # type: ignore[no-untyped-def]
    """Records, (n, 2), and how the walk ended: 0 at the end of the file, 1 inside a record, 2 at a wrong length."""
    records, count, size = np.empty((1024, 2), np.int64), 0, len(data)
    at = np.int64(0)
    while at < size:
        if at + 12 > size:
            return records[:count].copy(), 1
        length = check = np.int64(0)
        for i in range(8):
            length = length | np.int64(data[at + i]) << (8 * i)
        for i in range(4):
            check = check | np.int64(data[at + 8 + i]) << (8 * i)
        if check != _checksum(data, at, at + 8, table) or length < 0:
            return records[:count].copy(), 2
        if length > size - at - 16:
            return records[:count].copy(), 1
        if count == len(records):
            longer = np.empty((2 * count, 2), np.int64)
            longer[:count] = records
            records = longer
        records[count, 0], records[count, 1] = at + 12, length
        count += 1
        at += 16 + length
    return records[:count].copy(), 0
