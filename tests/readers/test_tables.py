from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._tables import read_table

TYPES = {"key": "id", "number": "int", "value": "float"}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_ids_keep_all_their_bits(tmp_path: Path, ending: str) -> None:
    key = np.array([4503668346847233, 2**53 + 1, 2**63 + 1, 0], np.uint64)
    path = tmp_path / f"table{ending}"
    if ending == ".csv":
        rows = "".join(f"1.5,{k},-2,word\n" for k in key)
        path.write_text(f"value,key,number,other\n{rows}")
    else:
        pq.write_table(pa.table({"value": [1.5] * 4, "key": key, "number": [-2] * 4}), path)
    table = read_table(path, TYPES, {"absent": "int"})
    assert list(table) == ["key", "number", "value"]
    assert table["key"].dtype == np.int64
    np.testing.assert_array_equal(table["key"].view(np.uint64), key)
    assert table["number"].tolist() == [-2] * 4
    assert table["value"].tolist() == [1.5] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must have a header; got: an empty file"),
        ("key,number\n1,2\n", "must have the columns key, number, value; got: none named value, only key, number"),
        ("key,number,value\n1,2\n", "as many entries in each row as the header has; got: .*Expected 3 columns, got 2"),
        (
            "key,number,value\n1,2,3\n1,,3\n",
            "'number' must hold a number in each row; got: no number in 1 rows, .* row 1",
        ),
        ("key,number,value\n1,2,3\n1,3,nan\n", "'value' must hold a number in each row"),
        ("key,number,value\n1,2,3\n1,2.5,3\n", "'number' must hold whole numbers of 64 bits; got: 2.5 in row 1"),
        ("key,number,value\n1,two,3\n", "'number' must hold whole numbers of 64 bits; got: 'two' in row 0"),
        ("key,number,value\n1,2,3;5\n", "'value' must hold numbers; got: '3;5' in row 0"),
        ("key,number,value\n1,9223372036854775808,3\n", "'number' must hold .* got: 9223372036854775808 in row 0"),
        ("key,number,value\n18446744073709551616,2,3\n", "'key' must hold .* got: 1.8446.*in row 0"),
        ("key,number,value\n4.5035996273704976e18,2,3\n", "'key' must hold whole numbers .* got: 4.503"),
        ("key,number,value\n9007199254740993.0,2,3\n", "'key' must hold whole numbers .* got: 9007199254740992"),
        ("key,number,value,key\n1,2,3,4\n", "each column must stand once; got: 'key' twice"),
        ("key,number,value,Key\n1,2,3,4\n", "each column must stand once; got: 'key' twice"),
        (
            "key;number;value\n1;2;3\n",
            "separated by commas; got: key;number;value; .*commas between columns and a point",
        ),
        ("key\tnumber\tvalue\n1\t2\t3\n", "separated by commas; .*commas between columns"),
        ("# of run 3\nkey,number,value\n1,2,3\n", "got: # of run 3; .*delete the lines of comment"),
        ("key,number,value\n1,2,3\n# end\n", "as many entries in each row .* got: .*# end"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path, TYPES)
    assert "table.csv" in str(caught.value)
    assert "fetch it again" not in str(caught.value)


def test_columns_of_other_types_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    half = pa.array(np.array([2.0**11], np.float16))
    for name, values in (
        ("key", [1.5]),
        ("key", [2.0**53]),
        ("key", pa.array([2.0**24], pa.float32())),
        ("key", half),
        ("key", [True]),
        ("number", ["a"]),
        ("number", [2.5]),
        ("number", [float("inf")]),
        ("number", pa.array([2**63], pa.uint64())),
        ("value", [[1.0]]),
    ):
        pq.write_table(pa.table({"key": [1], "number": [2], "value": [3.0]} | {name: values}), path)
        with pytest.raises(DataError, match=f"the column '{name}' must hold (whole )?numbers"):
            read_table(path, TYPES)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_numbers_are_read_by_one_rule(tmp_path: Path, ending: str) -> None:
    """Whole floats, both signs of ids, blanks and letter case of names: the same from text and from Parquet."""
    path = tmp_path / f"table{ending}"
    if ending == ".csv":
        path.write_bytes(
            b"\xef\xbb\xbf Key ,NUMBER,value,key2\r\n-1, 12.0 ,3,-1\r\n\r\n18446744073709551614,4e3,0.5,-2\r\n"
        )
    else:
        key = pa.array([2**64 - 1, 2**64 - 2], pa.uint64())
        columns = {" Key ": key, "NUMBER": [12.0, 4000.0], "value": pa.array([3.0, 0.5]).dictionary_encode()}
        pq.write_table(pa.table({**columns, "key2": [-1, -2]}), path)
    table = read_table(path, {**TYPES, "key2": "id"})
    assert table["key"].tolist() == table["key2"].tolist() == [-1, -2]
    assert table["number"].tolist() == [12, 4000]
    assert table["value"].tolist() == [3, 0.5]


def compressed(content: bytes, codec: str) -> bytes:
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, codec) as file:
        file.write(content)
    return bytes(stream.getvalue().to_pybytes())


CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".br": "brotli"}


@pytest.mark.parametrize("ending", CODECS)
@pytest.mark.parametrize("upper", [False, True])
def test_compressed_tables_are_read_whole(tmp_path: Path, ending: str, upper: bool) -> None:
    head, tail = b"key,number,value\n1,2,3\n", b"4,5,6\n"
    path = tmp_path / (f"table.csv{ending}".upper() if upper else f"table.csv{ending}")
    path.write_bytes(compressed(head, CODECS[ending]) + compressed(tail, CODECS[ending]))  # appended, as tools do
    assert read_table(path, TYPES)["key"].tolist() == [1, 4]
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(DataError, match="must be whole and readable"):
        read_table(path, TYPES)


def test_a_content_that_contradicts_the_ending_is_refused(tmp_path: Path) -> None:
    text = b"key,number,value\n1,2,3\n"
    for name, content, came in (
        ("a.csv", compressed(text, "gzip"), "gz"),
        ("a.csv", compressed(text, "zstd"), "zst"),
        ("a.csv.gz", text, "text or something unknown"),
        ("a.csv.gz", compressed(text, "bz2"), "bz2"),
        ("a.parquet", text, "text or something unknown"),
        ("a.csv", b"PK\x03\x04" + text, "zip"),
        ("a.csv", text.decode().encode("utf-16"), "UTF-16"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=f"must be one; got: {came}, by its first bytes"):
            read_table(tmp_path / name, TYPES)
    (tmp_path / "a.csv.xz").write_bytes(text)
    with pytest.raises(DataError, match=r"must end in one of \.csv, \.csv\.gz.*\.parquet; got: a\.csv\.xz"):
        read_table(tmp_path / "a.csv.xz", TYPES)


def test_other_columns_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    rows = b"1,2,3,7\n" * 200_000  # more than one block of the parser
    path.write_bytes(b"key,number,value,local_key\n" + rows + b"1,2,3,\xff\n")
    assert len(read_table(path, TYPES)["key"]) == 200_001


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path: Path) -> None:
    path, head = tmp_path / "table.csv", "key,number,value,note\n1,2,3,ok\n"
    path.write_text(head + '1,2,3,"two\nlines, or 3"\n1,2,3,5" wide\n')
    assert len(read_table(path, TYPES)["key"]) == 3
    for rows in ('1,2,3,"5 mm\n1,2,3,ok\n1,2,3,ok\n', '1,2,3,"5 mm\n1,2,3,"5 mm\n1,2,3,ok\n'):
        path.write_text(head + rows)
        with pytest.raises(
            DataError, match=r"closed in its row; got: an entry of 'note' that goes on .* such as 1,2,3"
        ):
            read_table(path, TYPES)


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("name", ["event", "Event_ID", "event_nr", " eventNumber "])
def test_a_table_of_several_events_is_refused(name: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"table{ending}"
    for events in ([7, 7, 7], [7, 8, 8]):
        columns = {"key": [1, 2, 3], "number": [1, 2, 3], "value": [1, 2, 3], name: events, "event_of": [1, 2, 3]}
        if ending == ".csv":
            rows = "".join(",".join(map(str, row)) + "\n" for row in zip(*columns.values(), strict=True))
            path.write_text(",".join(columns) + "\n" + rows)
        else:
            pq.write_table(pa.table(columns), path)
        if events[0] == events[1] == events[2]:
            assert len(read_table(path, TYPES)["key"]) == 3
        else:
            with pytest.raises(DataError, match=r"must hold one event; got: 2 different values of .*, such as 7, 8"):
                read_table(path, TYPES)


def test_a_header_in_latin_1_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes("key,number,value,µm\n1,2,3,4\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"text in UTF-8; got: key,number,value,\\xb5m; .* do: write the file as UTF-8"):
        read_table(path, TYPES)
