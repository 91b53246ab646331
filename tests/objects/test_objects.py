"""The one container that networks and classical algorithms fill."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.objects import KINDS, Candidates


def candidates(told: bool = True) -> Candidates:
    """Two objects in the first event, none in the second, three in the third, of which the second has no hit."""
    columns = {"track": np.array([1, 0, 0, 2, 0]), "hit": np.array([4, 3, 0, 7, 6])}
    members = Collection.from_counts(np.array([3, 0, 2]), columns)
    score = Collection.from_counts(np.array([2, 0, 3]), {"score": np.arange(5.0)})
    return Candidates(members, score if told else None, {"search": np.array([1.0, 2.0, 3.0])})


def pairs(one: Candidates) -> list[list[tuple[int, int]]]:
    """Number and hit of each member, event by event."""
    parts = [one.members.slice(i, i + 1) for i in range(len(one.members))]
    return [list(zip(part["track"].tolist(), part["hit"].tolist(), strict=True)) for part in parts]


def test_objects_are_counted_by_what_is_known_of_them_or_by_their_numbers() -> None:
    assert candidates().counts("track").tolist() == [2, 0, 3]
    assert candidates(told=False).counts("track").tolist() == [2, 0, 3]


def test_what_stays_is_numbered_anew_in_each_event() -> None:
    stay: Array = np.array([False, True, True, False, True])
    for told in (True, False):
        kept = candidates(told).selected("track", stay)
        assert pairs(kept) == [[(0, 4)], [], [(1, 7), (0, 6)]]
        assert kept.seconds["search"].tolist() == [1.0, 2.0, 3.0]
    known = candidates().selected("track", stay).parameters
    assert known is not None
    assert known["score"].tolist() == [1.0, 2.0, 4.0]
    assert known.counts.tolist() == [1, 0, 2]


def test_nothing_stays() -> None:
    none = candidates().selected("track", np.zeros(5, bool))
    assert pairs(none) == [[], [], []]


def test_events_are_put_behind_each_other() -> None:
    whole = Candidates.concatenate([candidates(), candidates()])
    assert pairs(whole) == 2 * pairs(candidates())
    assert whole.counts("track").tolist() == [2, 0, 3, 2, 0, 3]
    assert whole.seconds["search"].tolist() == [1.0, 2.0, 3.0] * 2
    assert Candidates.concatenate([candidates(told=False)]).parameters is None


def test_a_kind_is_a_folder() -> None:
    assert {"track", "shower"} <= set(KINDS.names())
