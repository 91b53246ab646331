"""Columns of ROOT trees: flat, nested and plain ones, for a part of the entries."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.core.errors import DataError
from hitforge.readers._root import Tree, _begins, particles, whole


def save(path: Path, name: str = "events", **columns: Any) -> Path:
    """A tree with some columns."""
    with uproot.recreate(path) as file:
        file.mktree(name, {key: ak.type(ak.Array(values)) for key, values in columns.items()}).extend(columns)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree of four entries with one, no, two and one hits."""
    path = tmp_path_factory.mktemp("root") / "a.root"
    hits = ak.Array([[1.0], [], [2.0, 3.0], [4.0]])
    columns = {"energy": hits, "number": np.arange(4, dtype=np.int32)}
    with uproot.recreate(path) as file:
        file.mktree("events", {name: ak.type(ak.Array(values)) for name, values in columns.items()}).extend(columns)
        file["note"] = "not a tree"
    return path


def test_flat_and_plain_columns(path: Path) -> None:
    with Tree(path, "events") as tree:
        assert len(tree) == 4
        assert "energy" in tree
        assert "time" not in tree
        assert {"energy", "number"} <= tree.types().keys()
        values, counts = tree.flat("energy")
        assert (values.tolist(), counts.tolist()) == ([1.0, 2.0, 3.0, 4.0], [1, 0, 2, 1])
        assert tree.scalar("number").tolist() == [0, 1, 2, 3]


def test_some_entries_alone(path: Path) -> None:
    with Tree(path, "events", 1, 3) as tree:
        values, counts = tree.flat("energy")
        assert (len(tree), values.tolist(), counts.tolist()) == (2, [2.0, 3.0], [0, 2])
        assert tree.scalar("number").tolist() == [1, 2]


def test_lists_of_lists(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    with Tree(path, "events") as tree:
        jagged = ak.Array([[[1, 2], []], [], [[3]], []])
        branch = type("Branch", (), {"array": lambda self, **_: jagged})()
        monkeypatch.setattr(tree, "_tree", {"deep": branch, "list": branch})
        values, rows, lists = tree.nested("deep")
        assert (values.tolist(), rows.tolist(), lists.tolist()) == ([1, 2, 3], [2, 0, 1], [2, 0, 1, 0])
        with pytest.raises(DataError, match=r"'list' must hold a list of numbers an event; got: var \* var \* int64"):
            tree.flat("list")


def test_absent_trees_and_branches_are_named(path: Path) -> None:
    with pytest.raises(DataError, match=r"must have the tree 'hits'; got: events, note.*a\.root"):
        Tree(path, "hits")
    with pytest.raises(DataError, match=r"must have the tree 'note'; got: one of the class TObjString; where.*a\.root"):
        Tree(path, "note")
    with Tree(path, "events") as tree, pytest.raises(DataError, match=r"none named time, mass.*a\.root"):
        tree.need("energy", "time", "mass")


def test_an_rntuple_is_read_like_a_tree_and_has_no_branch_classes(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("dir/events", {"energy": "var * float64"}).extend({"energy": ak.Array([[1.0], [], [2.0, 3.0]])})
    with Tree(tmp_path / "a.root", "dir/events", 1, 3) as tree:
        values, counts = tree.flat("energy")
        assert (values.tolist(), counts.tolist()) == ([2.0, 3.0], [0, 2])
        with pytest.raises(DataError, match="none named time"):
            tree.flat("time")
        with pytest.raises(DataError, match="'dir/events' must be a TTree; got: an RNTuple"):
            tree.types()


def test_columns_of_a_collection_have_as_many_values_in_each_event(tmp_path: Path) -> None:
    """The totals are equal, so that only the events tell."""
    path = save(tmp_path / "a.root", x=ak.Array([[1.0, 2], [3.0], [4.0]]), energy=ak.Array([[1.0, 2], [3.0, 4], []]))
    with Tree(path, "events", 0, 1) as tree:
        values, counts = tree.columns("x", "energy")
        assert ({key: of.tolist() for key, of in values.items()}, counts.tolist()) == (
            {"x": [1.0, 2.0], "energy": [1.0, 2.0]},
            [2],
        )
        message = "got: 1 values of 'x', 2 of 'energy', and others in 1 more events; where: .*a.root, event 1"
        with pytest.raises(DataError, match=message):
            tree.part(0, 9).columns("x", "energy")
        with pytest.raises(DataError, match=message):
            tree.part(1, 3).columns("x", "energy")


def test_branches_that_are_no_list_of_numbers_or_end_early_are_refused(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.root", plain=np.arange(3.0), text=ak.Array(["a", "b", "c"]), x=ak.Array([[1.0], [], [2.0]])
    )
    with Tree(path, "events") as tree:
        for name, kind in (("plain", "float64"), ("text", "string")):
            with pytest.raises(
                DataError, match=rf"'{name}' must hold a list of numbers an event; got: {kind}.*a\.root"
            ):
                tree.flat(name)
        with pytest.raises(DataError, match=r"'x' must hold a number an event; got: var . float64"):
            tree.scalar("x")
        assert tree.texts("text").tolist() == ["a", "b", "c"]
        short = type("Short", (), {"array": lambda self, **_: ak.Array([[1.0]]), "num_entries": 1})()
        fake = type("Fake", (dict,), {"num_entries": 3})(x=short)
        tree._tree = fake
        with pytest.raises(DataError, match="an entry for each event; got: 1 entries of 'x' for 3 events"):
            tree.flat("x")


def test_a_file_that_is_cut_short_is_told_by_its_header(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for size in (len(content) - 1, len(content) // 2, 30):
        (tmp_path / "cut.root").write_bytes(content[:size])
        with pytest.raises(
            DataError, match=rf"whole; got: the first {size} of {len(content)} bytes.*do: fetch it again"
        ):
            Tree(tmp_path / "cut.root", "events")
    large = bytearray(content[:4] + (1_062_400).to_bytes(4, "big") + bytes(4) + (1 << 40).to_bytes(8, "big") + content)
    (tmp_path / "cut.root").write_bytes(large)
    with pytest.raises(DataError, match=rf"the first {len(large)} of 1099511627776 bytes"):
        Tree(tmp_path / "cut.root", "events")


def test_two_branches_of_one_name_are_refused(path: Path) -> None:
    with Tree(path, "events") as tree:
        doubled = SimpleNamespace(name="energy")
        tree._tree = type("Fake", (dict,), {"branches": [doubled, doubled]})(energy=doubled)
        with pytest.raises(DataError, match="each once; got: several named energy"):
            tree.need("energy")


@pytest.mark.parametrize(
    ("values", "came"),
    [
        (np.array([1.0, 3.7]), "3.7 in row 1"),
        (np.array([np.nan, 1.0]), "nan in row 0"),
        (np.array([1e300]), "1e\\+300 in row 0"),
        (np.array([2**63 + 1], np.uint64), "9223372036854775809 in row 0"),
    ],
)
def test_what_is_no_whole_number_is_refused(values: np.ndarray, came: str) -> None:
    with pytest.raises(DataError, match=f"'layer' must hold whole numbers of 64 bits; got: {came}.*where: here"):
        whole(values, "layer", "here")
    assert whole(np.array([1.0, -2.0]), "layer", "here").tolist() == [1, -2]
    assert whole(np.array([7], np.uint32), "layer", "here").dtype == np.int64


def test_particles_have_all_columns() -> None:
    table = particles(np.array([1, 2]), {"pdg": np.array([11, 13, 22])})
    assert table.counts.tolist() == [1, 2]
    assert table["pdg"].tolist() == [11, 13, 22]
    assert table["parent"].tolist() == [-1, -1, -1]
    assert not any(table[name].any() for name in table.columns if name not in ("pdg", "parent"))
    assert particles(np.array([1]), {"parent": np.array([4])})["parent"].tolist() == [4]


@pytest.mark.parametrize(("dtype", "digits"), [(np.float16, 11), (np.float32, 24), (np.float64, 53)])
def test_a_float_that_may_be_two_whole_numbers_is_refused(dtype: Any, digits: int) -> None:
    last = np.array([2.0**digits - 1], dtype)
    assert whole(last, "event", "a").tolist() == [2**digits - 1]
    with pytest.raises(
        DataError, match=rf"whole numbers of 64 bits that {np.dtype(dtype)} holds exactly; got: .*row 0"
    ):
        whole(np.array([2**digits, 2**digits + 1]).astype(dtype), "event", "a")


def test_a_second_job_in_the_same_file_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.root", "ana/t", x=np.arange(3.0))
    with uproot.update(path) as file:
        file.mktree("ana/t", {"x": "float64"}).extend({"x": np.arange(4.0)})
        file.mktree("ana/other", {"x": "float64"}).extend({"x": np.arange(5.0)})
    with pytest.raises(DataError, match=r"'ana/t' must be one .*: 3 in 'ana/t;1', 4 in 'ana/t;2'"):
        Tree(path, "ana/t")
    with Tree(path, "ana/other") as tree:
        assert len(tree) == 5


class Saved:
    """A tree of one branch with full baskets at some places."""

    branches = ()

    def __init__(self, entries: int, *baskets: int) -> None:
        members = {"fBasketSeek": np.array([*baskets, 0, 0]), "fWriteBasket": len(baskets)}
        self.num_entries, self._branch = entries, SimpleNamespace(member=members.__getitem__)

    def iteritems(self, recursive: bool) -> Any:
        return iter([("x", self._branch)])

    def __contains__(self, name: str) -> bool:
        return name == "x"

    def __getitem__(self, name: str) -> Any:
        return self._branch


def test_older_cycles_of_one_tree_are_its_beginning() -> None:
    newest = Saved(9, 100, 200)
    assert _begins(newest, Saved(9, 100, 200))  # Write was called twice
    assert _begins(newest, Saved(4, 100))
    assert _begins(newest, Saved(2))
    assert not _begins(newest, Saved(4, 50))
    assert not _begins(newest, Saved(10, 100, 200))
    assert not _begins(newest, SimpleNamespace(num_entries=1))
