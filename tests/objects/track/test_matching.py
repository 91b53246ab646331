from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.objects.track.matching import match
from tests.track_events import event, members


def rows(table: Collection, *names: str) -> list[tuple[int, ...]]:
    return [tuple(int(value) for value in row) for row in zip(table.event, *(table[n] for n in names), strict=True)]


def test_shared_hits_are_counted() -> None:
    sample = event([[0], [0], [0], [1], [1], [], [0, 1]], layers=[0, 1, 1, 0, 1, 2, 3])
    tables = match(sample, members([[0, 1, 3, 5], [6, 4, 4], [5]]))
    assert rows(tables["matches"], "track", "particle", "hits") == [
        (0, 0, 0, 2),
        (0, 0, 1, 1),
        (0, 1, 0, 1),
        (0, 1, 1, 2),
    ]
    assert tables["tracks"]["hits"].tolist() == [4, 2, 1]
    assert rows(tables["particles"], "particle", "hits", "layers") == [(0, 0, 4, 3), (0, 1, 3, 3)]


def test_events_do_not_mix() -> None:
    sample = Events.concatenate([event([[0], [0]]), event([]), event([[], [1], [0]])])
    tables = match(sample, members([[1]], [], [[0], [1, 2]]))
    assert rows(tables["matches"], "track", "particle", "hits") == [(0, 0, 0, 1), (2, 1, 0, 1), (2, 1, 1, 1)]
    assert tables["tracks"].counts.tolist() == [1, 0, 2]
    assert tables["particles"].counts.tolist() == [1, 0, 2]


def test_weights_of_merged_hits_are_divided() -> None:
    sample = event([[0], [0, 1], [], [1]], weight=[0.1, 0.4, 0.3, 0.2])
    tables = match(sample, members([[0, 1, 2]]))
    assert tables["particles"]["weight"] == pytest.approx([0.3, 0.4])
    assert tables["matches"]["weight"] == pytest.approx([0.3, 0.2])


def test_hits_of_other_subsystems_count_nowhere() -> None:
    sample = event([[0]] * 6, layers=[0, 1, 3, 4, 5, 8])  # subsystems 0, 0, 0, 1, 1, 2
    tables = match(sample, members([[0, 1, 3], [4, 5]]), region=np.isin(sample.hits["subsystem"], (0, 2)))
    assert rows(tables["particles"], "hits", "layers") == [(0, 4, 4)]
    assert tables["tracks"]["hits"].tolist() == [2, 1]
    assert rows(tables["matches"], "track", "hits") == [(0, 0, 2), (0, 1, 1)]


def test_links_without_weight_and_twice_the_same_count_once() -> None:
    sample = event([[0], [0]], particles=2)
    links = Collection.from_counts(
        np.array([4]), {"hit": [0, 0, 1, 1], "particle": [0, 0, 0, 1], "weight": [0.5, 0.5, 1.0, 0.0]}
    )
    sample = Events(sample.collections | {"links": links})
    tables = match(sample, members([[0, 1]]))
    assert rows(tables["matches"], "particle", "hits") == [(0, 0, 2)]


def test_neutral_particles_without_hits_are_left_out() -> None:
    sample = event([[2]], particles=4, charge=[-1.0, 0.0, 0.0, 0.0])
    assert match(sample, members([]))["particles"]["particle"].tolist() == [0, 2]


def test_kinematics_at_production() -> None:
    sample = event(
        [[0], [1]], px=[3.0, 0.0], py=[4.0, 0.0], pz=[5.0, 7.0], vx=[0.3, 0.0], vy=[0.4, 0.01], vz=[10.0, 1.0]
    )
    table = match(sample, members([]))["particles"]
    assert table["pt"].tolist() == [5.0, 0.0]
    assert table["eta"][0] == pytest.approx(np.arcsinh(1.0))
    assert np.isfinite(table["eta"]).all()
    assert table["phi"][0] == pytest.approx(np.arctan2(4.0, 3.0))
    assert table["radius"].tolist() == pytest.approx([0.5, 0.01])
    assert table["d0"][0] == pytest.approx(0.0, abs=1e-7)
    assert table["z0"][0] == pytest.approx(10.0 - 0.5)  # 0.5 mm along the transverse direction, at 45 degrees
    sideways = match(event([[0]], px=[1.0], py=[0.0], vx=[0.0], vy=[0.2]), members([]))["particles"]
    assert sideways["d0"].tolist() == pytest.approx([0.2])


def test_fitted_parameters_are_kept_and_give_the_number_of_tracks() -> None:
    parameters = Collection.from_counts(np.array([3]), {"phi": np.array([0.1, np.nan, 0.3])})
    table = match(event([[0], [0]]), members([[0], [1]]), parameters)["tracks"]
    assert table["hits"].tolist() == [1, 1, 0]
    assert np.array_equal(table["phi"], [0.1, np.nan, 0.3], equal_nan=True)


@given(st.lists(st.lists(st.integers(0, 3), max_size=2, unique=True), min_size=1, max_size=12), st.randoms())
def test_counts_are_those_of_sets(owners: list[list[int]], random: object) -> None:
    hits = range(len(owners))
    tracks = [[hit for hit in hits if random.random() < 0.4] for _ in range(3)]  # type: ignore[attr-defined]
    tables = match(event(owners, particles=4), members(tracks))
    found = {(t, p): n for _, t, p, n in rows(tables["matches"], "track", "particle", "hits")}
    for number, track in enumerate(tracks):
        for particle in range(4):
            own = {hit for hit in hits if particle in owners[hit]}
            assert found.get((number, particle), 0) == len(own & set(track))


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(DataError, match="name a hit of its event; got: 2; where: event 0"):
        match(event([[0], [0]]), members([[0, 2]]))
    with pytest.raises(DataError, match="name a track of its event; got: 1"):
        match(event([[0]]), members([[0], [0]]), Collection.from_counts(np.array([1]), {"phi": np.zeros(1)}))
    with pytest.raises(DataError, match="same events"):
        match(event([[0]]), members([[0]], [[0]]))


def test_tracks_of_events_without_links_stand_alone() -> None:
    whole = event([[0], [0], [1]])
    bare = Events({name: whole.collections[name] for name in ("hits", "clusters", "particles")})
    tables = match(bare, members([[0, 1], [2, 2]]), Collection.from_counts(np.array([2]), {"phi": np.arange(2.0)}))
    assert set(tables) == {"tracks"}
    assert tables["tracks"]["hits"].tolist() == [2, 1]
    assert tables["tracks"]["phi"].tolist() == [0, 1]
