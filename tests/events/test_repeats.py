"""The same event from two places is seen, whatever it is called; different events are not mixed up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import COLLECTIONS, Collection, Events
from hitforge.events.repeats import FEWEST, Repeats, event_keys, event_places
from hitforge.events.schema import ORIGIN
from hitforge.testing._samples import toy_jets


def events(counts: list[int], seed: int = 0, **fields: Any) -> Events:
    random, counted = np.random.default_rng(seed), np.array(counts)
    columns = {name: random.integers(0, 9, counted.sum()) * 0.5 for name in COLLECTIONS["hits"]}
    columns |= {name: np.floor(columns[name]) for name in ("cell", "layer", "subsystem")}
    named = {name: np.array(values) for name, values in fields.items()}
    return Events({"hits": Collection.from_counts(counted, columns)}, named, {name: ORIGIN[name] for name in named})


def add(repeats: Repeats, of: Events) -> None:
    repeats.add(event_keys(of), event_places(of))


def test_the_key_is_that_of_the_hits_in_any_order() -> None:
    made = events([5, 0, FEWEST - 1, FEWEST, 40])
    keys = event_keys(made)
    assert (keys == 0).tolist() == [False, True, True, False, False]
    hits = made.hits
    order = np.concatenate([np.arange(a, b)[::-1] for a, b in zip(hits.offsets, hits.offsets[1:], strict=False)])
    turned = Events({"hits": Collection(hits.offsets, {name: of[order] for name, of in hits.columns.items()})})
    np.testing.assert_array_equal(event_keys(turned), keys)
    np.testing.assert_array_equal(event_keys(made.take(np.array([4, 3]))), keys[[4, 3]])
    for name, differs in (("x", True), ("y", True), ("z", True), ("energy", True), ("cell", True), ("time", False)):
        changed = {**hits.columns, name: hits[name] + (np.arange(hits.rows) == 0)}
        other = event_keys(Events({"hits": Collection(hits.offsets, changed)}))
        assert (other != keys).tolist() == [differs, False, False, False, False]
    swapped = Events({"hits": Collection(hits.offsets, {**hits.columns, "x": hits["y"], "y": hits["x"]})})
    assert (event_keys(swapped) != keys)[[0, 3, 4]].all()
    assert len(set(event_keys(events([3] * 20_000)).tolist())) == 20_000


def test_an_event_from_two_places_is_refused_and_both_are_named() -> None:
    one = events([5, 9, 7], file=[0, 0, 0], event=[4, 5, 6])
    repeats = Repeats(["a.h5", "b.h5"])
    add(repeats, one)
    add(repeats, one)  # read twice, given once
    add(repeats, events([5, 9, 7], seed=1, file=[1, 1, 1], event=[0, 1, 2]))
    again = events([5, 9, 7], file=[1, 1, 1], event=[7, 8, 9])
    with pytest.raises(DataError, match=r"event \d of 'a.h5' and event \d of 'b.h5'.* and 2 more such pairs.*repeated"):
        add(repeats, again)
    add(Repeats([]), events([5, 5]))
    both = Events.concatenate([one, one]).with_fields({"part": np.repeat([0, 1], 3)}, {"part": ORIGIN["part"]})
    with pytest.raises(DataError, match=r"event 4 of 'a.h5' and event 4 \(part 1\) of 'a.h5'"):
        add(Repeats(["a.h5"]), both.take(np.array([0, 3])))
    add(
        Repeats([]),
        Events({"hits": Collection.from_counts(np.zeros(3, int), {n: np.empty(0) for n in one.hits.columns})}),
    )


def test_the_key_of_jets_is_that_of_their_constituents() -> None:
    jets = toy_jets(40)
    keys = event_keys(jets)
    assert len(set(keys.tolist())) == 40
    np.testing.assert_array_equal(event_keys(jets.take(np.array([4, 3]))), keys[[4, 3]])
    parts = jets.constituents
    for name, differs in (("px", True), ("py", True), ("pz", True), ("energy", True), ("charge", False)):
        changed = Collection(parts.offsets, {**parts.columns, name: parts[name] + (np.arange(parts.rows) == 0)})
        other = event_keys(Events({**jets.collections, "constituents": changed}))
        assert (other != keys).tolist() == [differs] + [False] * 39
