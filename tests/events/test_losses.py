"""What is dropped, moved or unknown is summed up, said, and shown by every verb that meets a dataset."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.events.losses import losses_of
from hitforge.events.storage import read_shard, write_shard

INFO = {
    "dropped_hits": FieldInfo("int32", "", "hits that are gone", "sum"),
    "dropped_energy": FieldInfo("float32", "GeV", "their energy", "sum"),
    "largest_shift": FieldInfo("float32", "mm", "how far a hit was moved", "largest"),
    "truth": FieldInfo("int8", "", "1 if the truth is known", "flag"),
    "pt": FieldInfo("float32", "GeV", "no loss at all"),
}


def events(hits, energy, shift, truth, file):
    fields = {"dropped_hits": hits, "dropped_energy": energy, "largest_shift": shift, "truth": truth}
    fields = {name: np.array(values) for name, values in fields.items()} | {"pt": np.full(len(hits), 3.0)}
    bare = {
        "hits": Collection.from_counts(np.zeros(len(hits), np.int64), dict.fromkeys(COLLECTIONS["hits"], np.zeros(0)))
    }
    made = Events(bare, fields, INFO)
    return made.with_fields({"file": np.array(file)}, {"file": FieldInfo("int32", "", "file")})


FIRST = events([0, 3], [0.0, 0.5], [0.0, 2.0], [1, 1], [0, 1])
SECOND = events([4], [0.25], [7.0], [0], [1])


def test_losses_are_summed_over_shards() -> None:
    found = {one.name: one for one in losses_of([FIRST, SECOND], [])}
    assert list(found) == ["dropped_hits", "dropped_energy", "largest_shift", "truth"]
    assert str(found["dropped_hits"]) == "dropped_hits: 7 in 2 of 3 events (hits that are gone)"
    assert str(found["dropped_energy"]) == "dropped_energy: 0.75 GeV in 2 of 3 events (their energy)"
    assert str(found["largest_shift"]) == "largest_shift: up to 7 mm in 2 of 3 events (how far a hit was moved)"
    assert str(found["truth"]) == "truth: not so in 1 of 3 events (1 if the truth is known)"
    assert all(not one.files for one in found.values())


def test_several_files_have_their_own_sums() -> None:
    found = {one.name: one.files for one in losses_of([FIRST, SECOND], ["a.root", "b.root"])}
    assert found["dropped_hits"] == {"b.root": (7.0, 2)}
    assert found["largest_shift"] == {"b.root": (7.0, 2)}
    assert found["truth"] == {"b.root": (1.0, 1)}


def test_nothing_is_said_where_nothing_is_lost() -> None:
    assert losses_of([events([0], [0.0], [0.0], [1], [0])], []) == []
    assert losses_of([], []) == []


@pytest.mark.parametrize("name", INFO)
def test_the_mark_is_stored(tmp_path, name) -> None:
    write_shard(tmp_path / "a.parquet", FIRST)
    assert read_shard(tmp_path / "a.parquet").info[name].loss == INFO[name].loss


def test_a_file_that_the_list_does_not_name_is_counted_by_its_number() -> None:
    lost = events([4, 1], [0.25, 0.0], [7.0, 0.0], [0, 1], [7, -1])
    found = {one.name: one.files for one in losses_of([lost], ["a.root", "b.root"])}
    assert found["dropped_hits"] == {"file 7": (4.0, 1), "file -1": (1.0, 1)}
