"""The same events are told by what their tables hold, not by their bytes."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.readers._same_events import refuse_same_rows, refuse_split_simulations

ROWS = {"hit_id": np.arange(500), "x": np.random.default_rng(1).normal(size=500), "run": ["a"] * 500}


def write(path: Path, rows: dict[str, object] = ROWS) -> Path:
    table = pa.table(rows)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return path
    pc.write_csv(table, path.with_suffix("") if path.suffix == ".gz" else path)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
        path.with_suffix("").unlink()
    return path


@pytest.mark.parametrize("ending", [".csv.gz", ".parquet", "lines.csv", "wide.parquet"])
def test_the_same_rows_in_other_bytes_are_refused(tmp_path: Path, ending: str) -> None:
    one = write(tmp_path / "one.csv")
    other = tmp_path / f"other{ending}"
    if ending == "lines.csv":
        other.write_bytes(one.read_bytes().replace(b"\n", b"\r\n"))
    elif ending == "wide.parquet":
        write(other, {name.upper(): np.asarray(values) for name, values in ROWS.items()})
    else:
        write(other)
    assert one.read_bytes() != other.read_bytes()
    with pytest.raises(
        DataError, match=r"would stand in training and test; got: 'a' and 'b', which hold the same rows"
    ):
        refuse_same_rows({"a": one, "b": other})


def test_tables_that_only_begin_alike_are_others(tmp_path: Path) -> None:
    late = np.array(ROWS["x"])
    late[-1] += 1
    paths = {
        "a": write(tmp_path / "a.csv"),
        "b": write(tmp_path / "b.csv.gz", ROWS | {"x": late}),
        "c": write(tmp_path / "c.parquet", ROWS | {"run": ["b"] * 500}),
        "d": write(tmp_path / "d.csv", {name: values[:0] for name, values in ROWS.items()}),
        "e": write(tmp_path / "e.csv.gz", {name: values[:0] for name, values in ROWS.items()}),
    }
    paths["f"] = tmp_path / "f.csv.gz"
    paths["f"].write_bytes(b"no gzip")  # its reader will say so
    refuse_same_rows(paths)


def test_two_digitisations_of_one_simulation_are_not_divided(tmp_path: Path) -> None:
    one, other = write(tmp_path / "one.csv"), write(tmp_path / "other.csv", {"x": [1.0]})
    refuse_split_simulations({"event1": one, "event2": other})
    copy = write(tmp_path / "copy.csv")
    for twice in (one, copy):
        with pytest.raises(DataError, match=r"must not be divided.*'event1' and 'event3', digitised from.*'test: 1'"):
            refuse_split_simulations({"event1": one, "event2": other, "event3": twice})
