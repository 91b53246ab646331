"""Columns of ROOT trees: flat, nested and plain ones, for a part of the entries."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.core.errors import DataError
from hitforge.readers._root import Tree, particles


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
        jagged = ak.Array([[[1, 2], []], [], [[3]]])
        branch = type("Branch", (), {"array": lambda self, **_: jagged})()
        monkeypatch.setattr(tree, "_tree", {"deep": branch})
        values, rows, lists = tree.nested("deep")
        assert (values.tolist(), rows.tolist(), lists.tolist()) == ([1, 2, 3], [2, 0, 1], [2, 0, 1])


def test_absent_trees_and_branches_are_named(path: Path) -> None:
    for name in ("hits", "note"):
        with pytest.raises(DataError, match=rf"must have the tree '{name}'; got: events, note.*a\.root"):
            Tree(path, name)
    with Tree(path, "events") as tree, pytest.raises(DataError, match=r"none named time, mass.*a\.root"):
        tree.need("energy", "time", "mass")


def test_particles_have_all_columns() -> None:
    table = particles(np.array([1, 2]), {"pdg": np.array([11, 13, 22])})
    assert table.counts.tolist() == [1, 2]
    assert table["pdg"].tolist() == [11, 13, 22]
    assert table["parent"].tolist() == [-1, -1, -1]
    assert not any(table[name].any() for name in table.columns if name not in ("pdg", "parent"))
    assert particles(np.array([1]), {"parent": np.array([4])})["parent"].tolist() == [4]
