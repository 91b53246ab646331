from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo
from hitforge.testing._samples import toy_jets

COUNTS = {"hits": [2, 0, 3], "particles": [1, 1, 2], "links": [2, 0, 2], "clusters": [2, 0, 3]}
INFO = {"pt": FieldInfo("float32", "GeV", "transverse momentum"), "n": FieldInfo("int32", "", "number")}


def columns(name: str, rows: int, **changed: Any) -> dict[str, Any]:
    table = {key: np.zeros(rows) for key in COLLECTIONS[name]}
    if name == "hits":
        table["energy"] = np.arange(rows) + 1.0
    if name == "particles":
        table["parent"] = np.array([-1, -1, -1, 0])
    if name == "links":
        table |= {"hit": np.array([0, 1, 2, 2]), "particle": np.array([0, 0, 0, 1]), "weight": np.full(4, 0.5)}
    return {**table, **changed}


def make(**changed: dict[str, Any]) -> Events:
    collections = {
        name: Collection.from_counts(np.array(counts), columns(name, sum(counts), **changed.get(name, {})))
        for name, counts in COUNTS.items()
    }
    fields = {"pt": np.array([10.0, 20, 30]), "n": np.array([1, 2, 3]), **changed.get("fields", {})}
    return Events(collections, fields, INFO)


def test_holds_collections_in_the_types_of_the_schema() -> None:
    events = make()
    assert len(events) == 3
    for name, table in events.collections.items():
        for key, info in COLLECTIONS[name].items():
            assert table[key].dtype == info.dtype
    assert events.hits is events.collections["hits"]
    assert events.particles.rows == 4
    assert events.links.rows == 4
    assert events.field("pt").dtype == np.float32
    assert events.check() is events
    assert "hits: 5" in repr(events)


def test_take_by_number_and_by_mask() -> None:
    events = make()
    for index in (np.array([2, 0]), [2, 0]):
        taken = events.take(index)
        assert taken.field("pt").tolist() == [30, 10]
        assert taken.hits["energy"].tolist() == [3, 4, 5, 1, 2]
        assert taken.check().links.counts.tolist() == [2, 2]
    masked = events.take(np.array([False, True, True]))
    assert masked.field("n").tolist() == [2, 3]
    assert len(events.take(np.array([], np.int64))) == 0


def test_concatenate_appends_and_refuses_different_samples() -> None:
    events = make()
    both = Events.concatenate([events, events.take([1])])
    assert both.field("n").tolist() == [1, 2, 3, 2]
    assert both.hits.counts.tolist() == [2, 0, 3, 0]
    with pytest.raises(DataError, match="same collections and fields"):
        Events.concatenate([events, Events({"hits": events.hits})])
    with pytest.raises(DataError, match="at least one"):
        Events.concatenate([])


@pytest.mark.parametrize(
    ("collection", "column", "row", "value", "message"),
    [
        ("hits", "energy", 3, np.nan, r"hits.energy must be finite; got: nan.*x, event 2"),
        ("hits", "x", 0, np.inf, r"hits.x must be finite.*event 0"),
        ("hits", "x", 0, 1e20, r"hits.x must be a measured number.*e\+20.*event 0"),
        ("hits", "time", 0, -9.97e36, r"hits.time must be a measured number.*event 0"),
        ("particles", "energy", 0, 3.4e38, r"particles.energy must be a measured number.*event 0"),
        ("hits", "energy", 2, -0.5, r"hits.energy must be >= 0 GeV; got: -0.5 and 0 more.*event 2"),
        ("particles", "energy", 1, -1, r"particles.energy must be >= 0.*event 1"),
        ("particles", "parent", 3, 2, r"parent must be -1 or point into its event; got: 2.*event 2"),
        ("particles", "parent", 0, -2, r"parent must be -1"),
        ("links", "hit", 1, 2, r"links.hit must point into its event; got: 2.*event 0"),
        ("links", "particle", 0, -1, r"links.particle must point into its event.*event 0"),
        ("links", "weight", 3, 0.6, r"sum to at most 1.*event 2"),
        ("links", "weight", 0, -0.1, r"links.weight must be >= 0.*event 0"),
    ],
)
def test_values_that_are_not_physical_are_refused_with_their_event(
    collection: str, column: str, row: int, value: float, message: str
) -> None:
    events = make()
    events.collections[collection][column][row] = value
    with pytest.raises(DataError, match=message):
        events.check(where="x")


def test_a_field_that_is_not_finite_is_refused_with_its_event() -> None:
    with pytest.raises(DataError, match=r"field 'pt' must be finite; got: nan; where: x, event 1"):
        make(fields={"pt": np.array([1, np.nan, 1])}).check("x")


@pytest.mark.parametrize("values", [[-(2.0**31), 2.0**31 - 1], [0, 7], [True, False], np.array([2, 3], np.uint64)])
def test_numbers_that_fit_are_converted_as_they_are(values: Any) -> None:
    field = Events({}, {"n": np.array(values)}, {"n": INFO["n"]}).field("n")
    assert field.dtype == np.int32
    assert field.tolist() == np.array(values).tolist()


def test_a_column_beyond_the_type_is_refused_by_its_name() -> None:
    events = make()
    columns = {**events.hits.columns, "layer": np.full(events.hits.rows, 2**33)}
    with pytest.raises(DataError, match=r"hits\.layer must fit int32"):
        Events({"hits": Collection(events.hits.offsets, columns)})
    columns = {**events.hits.columns, "cell": np.full(events.hits.rows, 2.0**63)}
    with pytest.raises(DataError, match=r"hits\.cell must fit int64"):
        Events({"hits": Collection(events.hits.offsets, columns)})


def test_shares_may_sum_to_one_within_rounding() -> None:
    events = make()
    events.links["weight"][2:] = [np.float32(0.7), np.float32(0.30001)]
    events.check()


@pytest.mark.parametrize(
    ("collections", "fields", "info", "message"),
    [
        ({}, {}, {}, "a collection or a field"),
        ({"rings": "hits"}, {}, {}, "one of particles, hits, links, clusters, jets, constituents; got: rings"),
        ({"particles": "hits"}, {}, {}, "particles must have the columns"),
        ({}, {"a": np.zeros(2)}, {}, "must have a description"),
        ({"hits": "hits"}, {"pt": np.zeros(2)}, {"pt": INFO["pt"]}, "one length; got: {'hits': 3, 'pt': 2}"),
        ({}, {"pt": np.zeros((2, 2))}, {"pt": INFO["pt"]}, "field 'pt' must be a list of numbers"),
        ({}, {"pt": np.array(["a"])}, {"pt": INFO["pt"]}, "field 'pt' must be a list of numbers"),
        ({}, {"pt": np.array([None])}, {"pt": INFO["pt"]}, "field 'pt' must be a list of numbers; got: object"),
        ({}, {"n": np.array([np.nan])}, {"n": INFO["n"]}, "field 'n' must be finite; got: nan"),
        ({}, {"n": np.array([1, np.inf])}, {"n": INFO["n"]}, "field 'n' must be finite; got: inf in row 1"),
        ({}, {"n": np.array([1, 3.7, 2])}, {"n": INFO["n"]}, "field 'n' must hold whole numbers; got: 3.7 in row 1"),
        ({}, {"n": np.array([0, 2**32 + 4])}, {"n": INFO["n"]}, "field 'n' must fit int32.*; got: 4294967300 in row 1"),
        (
            {},
            {"n": np.array([-(2**31) - 1])},
            {"n": INFO["n"]},
            "field 'n' must fit int32.*; got: -2147483649 in row 0",
        ),
        ({}, {"n": np.array([2**64 - 1], np.uint64)}, {"n": INFO["n"]}, "field 'n' must fit int32"),
        ({}, {"n": np.array([1e300])}, {"n": INFO["n"]}, "field 'n' must fit int32.*; got: 1e\\+300"),
        (
            {},
            {"pt": np.array([1, 1e300, -np.inf])},
            {"pt": INFO["pt"]},
            "field 'pt' must fit float32; got: 1e.300 in row 1, and 0",
        ),
    ],
)
def test_what_does_not_fit_the_model_is_refused(
    collections: dict[str, str], fields: dict[str, Any], info: dict[str, FieldInfo], message: str
) -> None:
    whole = make().collections
    with pytest.raises(DataError, match=message):
        Events({name: whole[content] for name, content in collections.items()}, fields, info)


def test_absent_collections_and_fields_are_named() -> None:
    events = Events({"hits": make().hits})
    for name in ("particles", "links"):
        with pytest.raises(DataError, match=f"must have {name}; got: only hits"):
            getattr(events, name)
    with pytest.raises(DataError, match="field 'pt'; got: fields none"):
        events.field("pt")


def test_awkward_records_have_the_same_values() -> None:
    array = make().to_awkward()
    assert array.hits.energy.to_list() == [[1, 2], [], [3, 4, 5]]
    assert array.pt.to_list() == [10, 20, 30]
    assert array[2].particles.parent.to_list() == [-1, 0]


def test_further_fields_take_the_place_of_those_of_their_names() -> None:
    info = {name: FieldInfo("int64", "", name) for name in ("file", "event")}
    events = Events({}, {"event": np.array([3, 4])}, {"event": info["event"]})
    more = events.with_fields({"event": np.array([0, 1]), "file": np.array([2, 2])}, info)
    assert more.field("event").tolist() == [0, 1]
    assert more.field("file").tolist() == [2, 2]
    assert events.field("event").tolist() == [3, 4]


def test_jets_without_hits_are_measured_by_their_constituents() -> None:
    events = toy_jets(5)
    assert events.measured is events.constituents
    assert make().measured.columns.keys() == COLLECTIONS["hits"].keys()
    assert events.check() is events
    for name, column, value, message in (
        ("constituents", "jet", 1, "constituents.jet must point into its event"),
        ("constituents", "energy", -1, "constituents.energy must be >= 0"),
        ("jets", "energy", -1, "jets.energy must be >= 0"),
        ("constituents", "px", np.nan, "constituents.px must be finite"),
    ):
        table = events.collections[name]
        changed = Collection(table.offsets, {**table.columns, column: np.full(table.rows, value)})
        with pytest.raises(DataError, match=message):
            Events({**events.collections, name: changed}).check()
