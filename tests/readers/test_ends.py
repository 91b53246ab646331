"""Two files joined by ``cat`` are refused; whole files are read, whatever stands between their parts."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hitforge.core.errors import DataError
from hitforge.readers._ends import parquet, refuse_joined_hdf5, refuse_joined_zip, refuse_wrong_end_of_root

TABLE = pa.table({"x": np.arange(500.0), "text": ["PAR1PAR1" * (i % 5) for i in range(500)]})


def hdf5(path: Path, **options: Any) -> Path:
    with h5py.File(path, "w", **options) as file:
        file["first"] = np.arange(9000.0)
        file.create_dataset("packed", data=np.ones((100, 9)), chunks=(7, 9), compression="gzip")
        del file["first"]
    return path


def root(path: Path) -> Path:
    with uproot.recreate(path) as file:
        file.mktree("t", {"x": "float64"}).extend({"x": np.arange(9.0)})
    return path


def table(path: Path, **options: Any) -> Path:
    pq.write_table(TABLE, path, **options)
    return path


def npz(path: Path) -> Path:
    np.savez(path, x=np.arange(9))
    return path


def read_table(path: Path) -> None:
    with parquet(path) as file:
        assert file.read().num_rows == len(TABLE)


def read_zip(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        refuse_joined_zip(path, archive)


FORMATS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], None]]] = {
    "h5": (hdf5, refuse_joined_hdf5),
    "root": (root, refuse_wrong_end_of_root),
    "parquet": (table, read_table),
    "npz": (npz, read_zip),
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("times", [2, 3])
def test_joined_files_are_refused_and_whole_ones_are_not(form: str, times: int, tmp_path: Path) -> None:
    make, read = FORMATS[form]
    path = make(tmp_path / f"one.{form}")
    read(path)
    content = path.read_bytes()
    (tmp_path / f"all.{form}").write_bytes(content * times)
    first, behind = len(content), len(content) * (times - 1)
    if form == "npz":  # of which the last archive is read
        first, behind = behind, first
    came = rf"got: {behind} bytes behind the first {first}, as where files are joined"
    with pytest.raises(DataError, match=came):
        read(tmp_path / f"all.{form}")


@pytest.mark.parametrize("form", ["h5", "npz"])
def test_the_first_bytes_of_a_second_file_are_refused(form: str, tmp_path: Path) -> None:
    make, read = FORMATS[form]
    path = make(tmp_path / f"one.{form}")
    path.write_bytes(path.read_bytes() + path.read_bytes()[:99])
    with pytest.raises(DataError, match="99 bytes behind the first"):
        read(path)


@pytest.mark.parametrize(
    "options",
    [
        {"libver": "latest"},
        {"libver": "earliest"},
        {"userblock_size": 2048},
        {"userblock_size": 512, "libver": "latest"},
        {"fs_strategy": "page", "fs_page_size": 8192},
        {"fs_strategy": "fsm", "fs_persist": True},
        {"driver": "core", "block_size": 65536},
        {"alignment_threshold": 10, "alignment_interval": 4096},
    ],
)
def test_hdf5_files_of_each_layout_are_whole(options: dict[str, Any], tmp_path: Path) -> None:
    path = hdf5(tmp_path / "a.h5", **options)
    refuse_joined_hdf5(path)
    before = tmp_path / "before.h5"
    before.write_bytes(b"\0" * 512 + path.read_bytes())
    if "userblock_size" not in options:
        refuse_joined_hdf5(before)
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match="joined"):
        refuse_joined_hdf5(path)


def test_what_is_no_hdf5_file_is_left_to_the_library(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"text" * 500)
    refuse_joined_hdf5(tmp_path / "a.h5")


@pytest.mark.parametrize(
    "options",
    [
        {"write_page_index": True},
        {"write_page_index": True, "row_group_size": 50, "compression": "zstd"},
        {"use_dictionary": False, "compression": "none", "write_page_index": True, "data_page_size": 64},
        {"data_page_version": "2.0", "store_schema": False},
        {"bloom_filter_options": {"text": {"ndv": 9}}, "use_dictionary": False, "compression": "none"},
    ],
)
def test_parquet_files_may_have_indexes_and_any_text(options: dict[str, Any], tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", **options)
    read_table(path)
    both = tmp_path / "b.parquet"
    both.write_bytes(path.read_bytes() * 2)
    with pytest.raises(DataError, match="joined"):
        read_table(both)
    pq.write_table(TABLE.slice(0, 0), tmp_path / "none.parquet")
    with parquet(tmp_path / "none.parquet") as file:
        assert file.metadata.num_rows == 0


def test_what_root_deleted_may_stand_behind_the_end(tmp_path: Path) -> None:
    path = root(tmp_path / "a.root")
    path.write_bytes(path.read_bytes() + b"root" + b"\0" * 90)
    refuse_wrong_end_of_root(path)


def test_a_zip_archive_may_have_a_comment(tmp_path: Path) -> None:
    path = npz(tmp_path / "a.npz")
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"made by me"
    read_zip(path)
