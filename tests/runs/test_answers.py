"""Files of answers: what is written is read again, in both formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import uproot

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.metrics import Predictions
from hitforge.runs.answers import answer_file, read_answers, read_header, read_manifest

UNITS = {"predicted_energy": "GeV", "tracks.z0": "mm"}


def answers(counts: list[int], first: int = 0) -> Predictions:
    """Events with so many tracks each, of two hits."""
    events, rows = len(counts), sum(counts)
    tracks = {"z0": np.arange(rows, dtype=np.float32) + first, "hits": np.full(rows, 2, np.int32)}
    members = {"track": np.repeat(np.arange(rows), 2).astype(np.int32), "hit": np.arange(2 * rows)}
    energy = np.arange(events, dtype=np.float32) + first
    energy[0] = np.nan
    columns = {"file": np.zeros(events, np.int32), "event": np.arange(events) + first, "predicted_energy": energy}
    tables = {
        "tracks": Collection.from_counts(np.array(counts), tracks),
        "members": Collection.from_counts(2 * np.array(counts), members),
    }
    return Predictions(columns, ("a", "b"), 1, tables)


def same(one: Predictions, two: Predictions) -> None:
    assert (one.classes, one.signal) == (two.classes, two.signal)
    assert set(one.columns) == set(two.columns)
    for name, values in one.columns.items():
        assert values.dtype == two.columns[name].dtype, name
        np.testing.assert_array_equal(values, two.columns[name], name)
    assert set(one.tables) == set(two.tables)
    for name, rows in one.tables.items():
        np.testing.assert_array_equal(rows.offsets, two.tables[name].offsets)
        assert set(rows.columns) == set(two.tables[name].columns)
        for key, values in rows.columns.items():
            assert values.dtype == two.tables[name][key].dtype, f"{name}.{key}"
            np.testing.assert_array_equal(values, two.tables[name][key], f"{name}.{key}")


@pytest.mark.parametrize("ending", ["parquet", "root"])
def test_what_is_written_part_by_part_is_read_again(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    with answer_file(path, {"method": "m"}, UNITS) as write:
        write(answers([0, 0, 0]))  # no track at all in the first part
        assert not path.exists()
        write(answers([2, 0, 1], 3))
    told = read_answers(path)
    same(told, Predictions(
        {name: np.concatenate([answers([0] * 3).columns[name], answers([2, 0, 1], 3).columns[name]])
         for name in ("file", "event", "predicted_energy")}, ("a", "b"), 1,
        {name: Collection.concatenate([answers([0] * 3).tables[name], answers([2, 0, 1], 3).tables[name]])
         for name in ("tracks", "members")},
    ))  # fmt: skip
    assert read_header(path)["method"] == "m"


def test_other_tools_find_units_and_branches(tmp_path: Path) -> None:
    for ending in ("parquet", "root"):
        with answer_file(tmp_path / f"a.{ending}", {}, UNITS) as write:
            write(answers([2, 0, 1]))
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.field("tracks.z0").metadata == {b"unit": b"mm"}
    assert schema.field("predicted_energy").metadata == {b"unit": b"GeV"}
    assert pq.read_table(tmp_path / "a.parquet").column("tracks.z0").to_pylist() == [[0.0, 1.0], [], [2.0]]
    with uproot.open(tmp_path / "a.root") as file:
        tree = file["answers"]
        assert tree["ntracks"].array().tolist() == [2, 0, 1]
        assert tree["tracks_z0"].array().tolist() == [[0.0, 1.0], [], [2.0]]
        assert tree["members_hit"].array().tolist() == [[0, 1, 2, 3], [], [4, 5]]
        assert json.loads(str(file["hitforge"]))["units"] == {"predicted_energy": "GeV", "tracks_z0": "mm"}


def test_the_files_of_a_folder_are_read_in_the_order_of_its_list(tmp_path: Path) -> None:
    files = [
        {"output": "b.parquet", "events": 1},
        {"output": "c.parquet", "error": "x"},
        {"output": "a.root", "events": 2},
    ]
    (tmp_path / "predictions.json").write_text(json.dumps({"plan": {}, "files": files}))
    for name, counts in (("b.parquet", [1]), ("a.root", [0, 2])):
        with answer_file(tmp_path / name, {}, {}) as write:
            write(answers(counts, 5))
    told = read_answers(tmp_path)
    assert told.columns["event"].tolist() == [5, 5, 6]
    assert told.tables["tracks"].counts.tolist() == [1, 0, 2]


def test_what_holds_no_answers_is_refused(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.root"):
        (tmp_path / name).write_bytes(b"nothing")
        with pytest.raises(DataError, match=r"must hold whole answers.*a\."):
            read_answers(tmp_path / name)
    with pytest.raises(DataError, match=r"predictions\.json"):
        read_manifest(tmp_path)
    (tmp_path / "predictions.json").write_text(json.dumps({"plan": {}, "files": []}))
    with pytest.raises(DataError, match="none yet"):
        read_answers(tmp_path)


def test_a_file_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    for ending in ("parquet", "root"):
        with pytest.raises(KeyboardInterrupt), answer_file(tmp_path / f"a.{ending}", {}, {}) as write:
            _interrupted(write)
    assert list(tmp_path.iterdir()) == []


def _interrupted(write: Any) -> None:
    write(answers([1]))
    raise KeyboardInterrupt
