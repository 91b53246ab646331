"""Events whose tables are files of their own: which files belong to which event."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.readers._event_files import EventFilesConfig, EventFilesReader, number_of, refuse_split_simulations

EMPTY = {name: np.zeros(1) for name in ("x", "y", "z", "time", "energy", "cell", "layer", "subsystem")}


class Lines(EventFilesReader):
    """One hit an event, whose x is the number in its table."""

    TABLE = "hits"
    TABLES = ("hits", "cells", "truth")
    ALIKE = ("cells",)

    def _event(self, event: Path, number: int) -> Events:
        _, table = self._need(event, "hits", {"x": "float"})
        hits = EMPTY | {"x": np.asarray(table["x"], np.float64)}
        return Events({"hits": Collection(np.array([0, 1]), hits)})


def write(folder: Path, name: str, x: float, ending: str = ".csv") -> None:
    (folder / f"{name}-hits{ending}").write_text(f"x\n{x}\n")


def build(*paths: Path, **settings: Any) -> Lines:
    values = {"path": tuple(map(str, paths)), **settings}
    return Lines(EventFilesConfig.read(values, where="test"), DETECTORS.build("point_cloud", where="test"))


def test_events_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for number in (12, 3, 7):
        write(tmp_path, f"event{number:09d}", number)
    (tmp_path / "event000000003-truth.csv").write_text("a\n1\n")
    (tmp_path / "event000000003-tracks.csv").write_text("a\n1\n")
    (tmp_path / "notes.txt").write_text("no event")
    read = build(tmp_path).shard("test", 0)
    assert read.field("event_number").tolist() == [3, 7, 12]
    assert read.hits["x"].tolist() == [3, 7, 12]
    one = build(tmp_path / "event000000007").shard("test", 0)
    assert one.hits["x"].tolist() == [7]
    assert build(tmp_path / "event000000007-hits.csv").shard("test", 0).hits["x"].tolist() == [7]
    assert len(build(tmp_path).inputs()) == 4  # all tables that may be read, and no others


def test_names_without_a_number_and_with_a_very_long_one(tmp_path: Path) -> None:
    write(tmp_path, "first", 1)
    write(tmp_path, "x" + "9" * 30, 2)
    assert build(tmp_path).shard("test", 0).field("event_number").tolist() == [-1, -1]  # never a part of it


def test_the_number_of_an_event_is_the_one_behind_that_word(tmp_path: Path) -> None:
    write(tmp_path, "event000000004_v2", 1)
    write(tmp_path, "run3", 2)
    assert build(tmp_path).shard("test", 0).field("event_number").tolist() == [4, 3]


def test_another_file_is_not_an_absent_one(tmp_path: Path) -> None:
    write(tmp_path, "event1", 1)
    for name in ("train.zip", "detectors.csv"):
        (tmp_path / name).write_bytes(b"PK")
        with pytest.raises(DataError, match=rf"a folder of events.*got: another file; where: .*{name}; do: unpack"):
            build(tmp_path / name).files()


def test_the_folder_of_data_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "event1", 5)
    monkeypatch.setenv("HITFORGE_DATA", str(tmp_path))
    assert build(Path("event1")).shard("test", 0).hits["x"].tolist() == [5]
    with pytest.raises(DataError, match=r"neither a folder nor a file event2-hits.*HITFORGE_DATA"):
        build(Path("event2")).splits()


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    write(tmp_path, "event1", 5)
    source = build(tmp_path)
    assert source._table(tmp_path / "event1", "hits") == tmp_path / "event1-hits.csv"
    assert source._table(tmp_path / "event1", "truth") is None
    with pytest.raises(DataError, match=r"must have the table 'truth'.*event1-truth.*truth: optional"):
        build(tmp_path)._need(tmp_path / "event1", "truth", {})


def test_patterns_name_folders_events_or_their_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (2, 10, 1):
        write(tmp_path, f"event{number}", number)
        (tmp_path / f"event{number}-cells.csv").write_text("a\n1\n")
    (tmp_path / "other-notes.csv").write_text("a\n1\n")
    monkeypatch.chdir(tmp_path)
    for pattern in ("event*", "event*-hits.csv", "*.csv"):
        source = build(Path(pattern))
        assert len(source.files()) == 3  # the tables of an event are one event
        assert source.shard("test", 0).hits["x"].tolist() == [1, 2, 10]
        assert source.shard("test", 0).field("file").tolist() == [0, 1, 2]
    assert build(Path("event2-cells.csv")).shard("test", 0).hits["x"].tolist() == [2]
    with pytest.raises(DataError, match=r"the pattern 'evt.' must match"):
        build(Path("evt?")).splits()


def test_an_event_beside_its_folder_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "event1", 1)
    with pytest.raises(
        DataError, match=r"each file must be named once.*'event1 in .*' and '.*event1', which hold the same"
    ):
        build(tmp_path, tmp_path / "event1").splits()


def test_a_name_may_hold_the_letters_of_a_pattern(tmp_path: Path) -> None:
    write(tmp_path, "run[1]-event1", 1)
    source = build(tmp_path)
    assert source.shard("test", 0).hits["x"].tolist() == [1]
    assert len(source.inputs()) == 1  # it was read, but its content was in no hash
    assert build(tmp_path / "run[1]-event1").shard("test", 0).hits["x"].tolist() == [1]


def test_a_name_is_never_a_pattern_of_tables(tmp_path: Path) -> None:
    """Nor does another event whose name begins alike give it a table."""
    write(tmp_path, "event1", 1)
    write(tmp_path, "event1-2", 2)
    write(tmp_path, "event?", 3)
    assert len(build(tmp_path / "event1").inputs()) == 1
    assert build(tmp_path / "event?").shard("test", 0).hits["x"].tolist() == [3]


@pytest.mark.parametrize("ending", [".csv.xz", ".zip", "", ".CSV.XZ", ".csv~", ".feather", ".parquet.gz"])
def test_an_ending_that_is_not_read_is_never_an_absent_table(tmp_path: Path, ending: str) -> None:
    for number in (1, 2):
        write(tmp_path, f"event{number}", number)
    (tmp_path / "event2-hits.csv").rename(tmp_path / f"event2-hits{ending}")
    for place in (tmp_path, tmp_path / "event2", tmp_path / "event*"):
        with pytest.raises(DataError, match=r"'hits' of an event must end in one of \.csv.*event2-hits"):
            build(place).splits()
    assert build(tmp_path / "event1").shard("test", 0).hits["x"].tolist() == [1]
    (tmp_path / f"event2-hits{ending}").rename(tmp_path / "event2-hits.CSV")
    assert build(tmp_path).shard("test", 0).hits["x"].tolist() == [1, 2]
    (tmp_path / f"event2-Cells{ending}").touch()
    with pytest.raises(DataError, match=r"'cells' of an event must end in one of .*event2-Cells"):
        build(tmp_path).splits()


def test_an_event_without_its_first_table_is_no_absent_one(tmp_path: Path) -> None:
    write(tmp_path, "event1", 1)
    (tmp_path / "event2-truth.csv").write_text("a\n1\n")
    for place in (tmp_path, tmp_path / "event*", tmp_path / "event2", tmp_path / "event2-truth.csv"):
        with pytest.raises(DataError, match=r"must have the table 'hits'; got: only event2-truth\.csv"):
            build(place).splits()
    write(tmp_path, "exact_event000000001", 2)
    (tmp_path / "event2-truth.csv").rename(tmp_path / "other_event000000001-truth.csv")  # the same event's
    assert build(tmp_path).shard("test", 0).hits["x"].tolist() == [1, 2]
    assert number_of("exact_event000000001") == number_of("event000000001") == "event000000001"
    assert number_of("run3") is None


def test_a_table_of_some_events_only_is_refused(tmp_path: Path) -> None:
    for number in (1, 2):
        write(tmp_path, f"event{number}", number)
    (tmp_path / "event1-cells.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"the table 'cells', or none; got: none in 1 of 2 events; where: .*event2"):
        build(tmp_path).splits()
    assert build(tmp_path / "event2").splits()["test"] == 1


def test_the_same_event_under_another_name_is_refused(tmp_path: Path) -> None:
    """Symbolic and hard links, and copies, would stand in training and test."""
    folder = tmp_path / "a"
    folder.mkdir()
    write(folder, "event1", 1)
    (tmp_path / "b").symlink_to(folder)
    with pytest.raises(DataError, match="must be named once"):
        build(folder, tmp_path / "b").splits()
    with pytest.raises(DataError, match="must be named once"):
        build(folder / "event1", tmp_path / "b" / "event1").splits()
    table = folder / "event1-hits.csv"
    for how in (
        lambda to: to.symlink_to(table),
        lambda to: to.hardlink_to(table),
        lambda to: write(folder, "event2", 1),
    ):
        how(folder / "event2-hits.csv")
        with pytest.raises(DataError, match=r"named once.*'event1 in .*' and 'event2 in .*the same bytes"):
            build(folder).splits()
        (folder / "event2-hits.csv").unlink()
    write(folder, "event2", 7)  # as long, but another one
    assert build(folder).shard("test", 0).hits["x"].tolist() == [1, 7]


def test_an_error_names_its_event(tmp_path: Path) -> None:
    write(tmp_path, "event1", 1e300)
    with pytest.raises(DataError, match=r"hits\.x must fit float32; got: 1e.300 in row 0.*where: .*event1"):
        build(tmp_path).shard("test", 0)


def test_events_are_looked_for_once(tmp_path: Path) -> None:
    import pickle

    write(tmp_path, "event1", 1)
    source = build(tmp_path)
    source.splits()
    write(tmp_path, "event2", 2)
    assert len(pickle.loads(pickle.dumps(source)).shard("test", 0)) == 1  # a process of the same run finds no more


def test_two_digitisations_of_one_simulation_are_not_divided(tmp_path: Path) -> None:
    one, other, copy = (tmp_path / f"{name}.csv" for name in ("one", "other", "copy"))
    for path, text in ((one, "x\n1\n"), (other, "x\n2\n"), (copy, "x\n1\n")):
        path.write_text(text)
    refuse_split_simulations({"event1": one, "event2": other})
    for twice in (one, copy):
        with pytest.raises(DataError, match=r"must not be divided.*'event1' and 'event3', digitised from.*'test: 1'"):
            refuse_split_simulations({"event1": one, "event2": other, "event3": twice})


def test_a_simulation_is_known_again_in_another_format(tmp_path: Path) -> None:
    places = {name: np.array([0.1, 1 / 3, 123.456]) for name in ("tx", "ty", "tz")}
    rows = "".join(",".join(map(repr, row)) + "\n" for row in np.stack([*places.values()], axis=1).tolist())
    (tmp_path / "a.csv").write_text("tx,ty,tz\n" + rows)
    pq.write_table(
        pa.table({name: values.astype(np.float32) for name, values in places.items()}), tmp_path / "b.parquet"
    )
    pq.write_table(pa.table({**places, "tx": places["tx"] + 1e-3}), tmp_path / "c.parquet")
    refuse_split_simulations({"event1": tmp_path / "a.csv", "event2": tmp_path / "c.parquet"})
    with pytest.raises(DataError, match=r"must not be divided.*'event1' and 'event2'"):
        refuse_split_simulations({"event1": tmp_path / "a.csv", "event2": tmp_path / "b.parquet"})
