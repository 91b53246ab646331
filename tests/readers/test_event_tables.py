"""Which files of a folder are tables of which event."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.core.errors import DataError
from hitforge.readers._event_tables import one_file, scan, split_name

TABLES = ("hits", "measurements", "measurement-simhit-map")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("event1-hits.csv", ("event1", "hits")),
        ("run-2.b-event1-hits.CSV.GZ", ("run-2.b-event1", "hits")),
        ("event1-Hits.csv.xz", ("event1", "hits")),
        ("event1-hits", ("event1", "hits")),
        ("event1-hits.csv~", ("event1", "hits")),
        ("event1-measurement-simhit-map.parquet", ("event1", "measurement-simhit-map")),
        ("run[1]*-hits.zip", ("run[1]*", "hits")),
        ("event1-hits.csv.md5", None),
        (".event1-hits.csv.31.tmp", None),
        ("event1-hits_old.csv", None),
        ("event1-simhits.csv", None),
        ("-hits.csv", None),
        ("hits.csv", None),
    ],
)
def test_names_are_taken_apart(name: str, parts: tuple[str, str] | None) -> None:
    assert split_name(name, TABLES) == parts


def test_a_folder_is_listed_by_event_and_table(tmp_path: Path) -> None:
    for name in ("b-hits.csv", "a-hits.csv.xz", "a-hits.csv", "a-measurements.parquet", "notes.csv"):
        (tmp_path / name).touch()
    found = scan(tmp_path, TABLES)
    assert list(found) == ["a", "b"]
    assert found["a"] == {"hits": ["a-hits.csv", "a-hits.csv.xz"], "measurements": ["a-measurements.parquet"]}
    assert scan(tmp_path / "nothing", TABLES) == {}


def test_a_table_that_fits_but_cannot_be_read_is_no_absent_one(tmp_path: Path) -> None:
    (tmp_path / "a-hits.csv").touch()
    assert one_file(tmp_path, "a", "hits", []) is None
    assert one_file(tmp_path, "a", "hits", ["a-hits.csv"]) == tmp_path / "a-hits.csv"
    with pytest.raises(DataError, match=r"'hits' of an event must be one file; got: a-hits\.csv, a-hits\.csv\.gz"):
        one_file(tmp_path, "a", "hits", ["a-hits.csv", "a-hits.csv.gz"])
    for name in ("a-hits.csv.xz", "a-hits.zip", "a-hits", "a-hits.parquet.gz"):
        with pytest.raises(DataError, match=r"must end in one of \.csv.*\.bz2.*got: 'a-hits.*decompress it"):
            one_file(tmp_path, "a", "hits", [name])
    (tmp_path / "a-hits.parquet").mkdir()
    with pytest.raises(DataError, match="must be a file; got: a folder"):
        one_file(tmp_path, "a", "hits", ["a-hits.parquet"])
    (tmp_path / "b-hits.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="must be a file; got: a link to nothing"):
        one_file(tmp_path, "b", "hits", ["b-hits.csv"])


@pytest.mark.parametrize("name", ["a-hits (1).csv", "a-hits_v2.csv.gz", "a-hits-1.parquet", "a-hits copy.csv"])
def test_a_copy_by_its_name_counts_where_the_table_is_absent(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert scan(tmp_path, TABLES) == {"a": {"hits": [name]}}
    with pytest.raises(DataError, match=r"must be named a-hits\{\.csv,.*\.parquet\}; got: 'a-hits"):
        one_file(tmp_path, "a", "hits", [name])
    (tmp_path / "a-hits.csv").touch()
    assert scan(tmp_path, TABLES) == {"a": {"hits": ["a-hits.csv"]}}


def test_tables_of_other_names_are_no_copies(tmp_path: Path) -> None:
    for name in ("a-hits_old.csv", "a-hits_final.csv", "a-hits (1).txt", "a-simhits (1).csv", "a-hits2.csv"):
        (tmp_path / name).touch()
    assert scan(tmp_path, TABLES) == {}
