"""The frames of TFRecord files, without TensorFlow."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.readers._records import content, contents_of, find_records


def checksum(data: bytes) -> int:
    """Masked CRC-32C, bit by bit."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def frame(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", checksum(length)) + data + struct.pack("<I", checksum(data))


def test_the_checksum_of_the_tests_is_that_of_the_standard() -> None:
    crc = (checksum(b"123456789") - 0xA282EAD8) & 0xFFFFFFFF
    assert ((crc << 15) | (crc >> 17)) & 0xFFFFFFFF == 0xE3069283  # the check value of CRC-32C


@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_every_record_is_found(parts: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "records.tfrecord"
    path.unlink(missing_ok=True)
    path.write_bytes(b"".join(frame(part) for part in parts))
    records, data = find_records(path), contents_of(path)
    assert [content(data, record, path, i) for i, record in enumerate(records)] == parts


def test_more_records_than_at_first_expected(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(frame(b"x") * 3000)
    assert find_records(path)[:, 0].tolist() == [12 + 17 * i for i in range(3000)]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "must hold events.*empty"),
        (frame(b"one") + frame(b"two")[:-1], "end inside a record.*event 1"),
        (frame(b"one") + b"\0" * 5, "end inside a record.*event 1"),
        (gzip.compress(frame(b"one"), mtime=0), "not compressed; got: a packed one; .*do: unpack it first"),
        (zlib.compress(frame(b"one")), "not compressed; got: a packed one"),
        (b"\x1f\x00\x08" + bytes(100), "length that does not fit.*event 0"),
        (frame(b"one") + b"\xff" + frame(b"two"), "length that does not fit.*event 1"),
        (
            struct.pack("<QI", 2**63, checksum(struct.pack("<Q", 2**63))) + bytes(50),
            "length that does not fit.*event 0",
        ),
    ],
)
def test_a_damaged_file_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message):
        find_records(path)


def test_a_flipped_bit_in_the_content_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.tfrecord"
    data = bytearray(frame(b"one") + frame(b"two"))
    data[-6] ^= 4
    path.write_bytes(data)
    records = find_records(path)
    assert content(contents_of(path), records[0], path, 0) == b"one"
    with pytest.raises(DataError, match=r"fit its checksum.*a\.tfrecord, event 7"):
        content(contents_of(path), records[1], path, 7)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the file must exist"):
        contents_of(tmp_path / "absent")
