"""The same event from two places is seen, whatever it is called; different events are not mixed up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import COLLECTIONS, Collection, Events
from hitforge.events.repeats import FEWEST, Repeats, all_keys, event_keys, event_places
from hitforge.events.schema import ORIGIN


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


def shared(one: dict[str, Any], other: dict[str, Any], counts: np.ndarray) -> float:
    """Share of the events of which a number other than the exact one is the same."""
    keys = [all_keys(Events({"hits": Collection.from_counts(counts, columns)}))[:, 1:] for columns in (one, other)]
    return float(((keys[0] == keys[1]) & (keys[0] != 0)).any(axis=1).mean())


def test_a_copy_in_less_digits_is_known_again() -> None:
    random, counts = np.random.default_rng(0), np.full(300, 80)
    columns = {name: np.zeros(counts.sum()) for name in COLLECTIONS["hits"]}
    columns["cell"] = np.concatenate([random.permutation(5000)[:80] for _ in counts])
    shower = {**columns, "x": columns["cell"] * 0.1, "energy": random.exponential(30.0, counts.sum())}
    track = {**columns, **{name: random.uniform(-1e3, 1e3, counts.sum()) for name in "xyz"}}
    for digits in (np.float16, np.float32):
        assert shared(shower, {**shower, "energy": shower["energy"].astype(digits)}, counts) > 0.7
    assert shared(track, {**track, **{name: np.round(track[name], 3) for name in "xyz"}}, counts) > 0.7
    assert shared(shower, {**shower, "energy": shower["energy"] * 1.02}, counts) == 0
    assert shared(shower, {**shower, "cell": shower["cell"] + 1}, counts) == 0
    assert shared(track, {**track, "y": track["y"] + 0.1}, counts) == 0
    order = np.concatenate([first + random.permutation(80) for first in np.arange(300) * 80])
    assert shared(shower, {name: values[order] for name, values in shower.items()}, counts) == 1
    few = np.full(1600, 15)
    assert shared(shower, shower, few) == 0
    one = Events({"hits": Collection.from_counts(counts, shower)}, {"file": np.zeros(300)}, {"file": ORIGIN["file"]})
    half = Collection.from_counts(counts, {**shower, "energy": shower["energy"].astype(np.float16)})
    two = Events({"hits": half}, {"file": np.ones(300)}, {"file": ORIGIN["file"]})
    repeats = Repeats(["a.h5", "b.h5"])
    repeats.add(all_keys(one), np.stack([np.zeros(300), np.arange(300), np.zeros(300)], axis=1).astype(np.int64))
    with pytest.raises(DataError, match=r"event \d+ of 'a.h5' and event \d+ of 'b.h5', which hold the same hits"):
        repeats.add(all_keys(two), np.stack([np.ones(300), np.arange(300), np.zeros(300)], axis=1).astype(np.int64))


@pytest.mark.parametrize("kind", ["analog", "pattern", "counts", "weighted", "pedestal"])
def test_different_events_with_all_cells_lit_are_not_mixed_up(kind: str) -> None:
    random, counts, cells = np.random.default_rng(0), np.full(2000, 368), np.tile(np.arange(368), 2000)
    columns = {name: np.zeros(counts.sum()) for name in COLLECTIONS["hits"]} | {"cell": cells}
    pattern = np.tile(random.exponential(1.0, 368), 2000)
    columns["energy"] = {
        "analog": random.exponential(1.0, len(cells)),
        "pattern": pattern * random.normal(1, 0.05, len(cells)),
        "counts": random.integers(1, 4, len(cells)).astype(float),
        "weighted": random.integers(1, 4, len(cells)) * pattern,
        "pedestal": random.normal(1, 0.005, len(cells)),
    }[kind]
    keys = all_keys(Events({"hits": Collection.from_counts(counts, columns)}))
    for column in keys.T:
        assert len(np.unique(column[column != 0])) == (column != 0).sum()


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
