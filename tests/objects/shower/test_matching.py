from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.objects.shower.matching import match_showers, roi_side
from tests.shower_events import event, found

HGCAL = DETECTORS.build("hgcal", where="test")


def matched(events: Events, members: Collection, parameters: Collection, **settings: Any) -> dict[str, Collection]:
    return match_showers(events, members, parameters, HGCAL, **settings)


def rows(table: Collection, *names: str) -> list[tuple[float, ...]]:
    return [tuple(float(value) for value in row) for row in zip(table.event, *(table[n] for n in names), strict=True)]


def test_shared_energy_is_counted_with_fractions() -> None:
    sample = event([(10.0, {0: 1.0}), (4.0, {0: 0.5, 1: 0.5}), (6.0, {1: 0.75}), (8.0, {})])
    tables = matched(sample, *found([{0: 1.0, 1: 1.0}, {2: 1.0, 3: 0.5}, {3: 0.5}]))
    assert tables["particles"]["deposited"].tolist() == [12.0, 6.5]
    assert tables["showers"]["raw"].tolist() == [14.0, 10.0, 4.0]
    assert tables["showers"]["hits"].tolist() == [2, 2, 1]
    assert tables["showers"]["of_particles"].tolist() == [14.0, 4.5, 0.0]
    assert rows(tables["matches"], "shower", "particle", "shared", "union") == [
        (0, 0, 0, 12.0, 14.0),
        (0, 0, 1, 2.0, 18.5),
        (0, 1, 1, 4.5, 12.0),
    ]


def test_perfect_showers_have_all_in_common() -> None:
    random = np.random.default_rng(3)
    hits = [(float(energy), {0: float(share), 1: float(1 - share)}) for energy, share in random.random((50, 2)) + 0.1]
    sample = event([(energy, {p: min(max(w, 0.0), 1.0) for p, w in own.items()}) for energy, own in hits])
    links = sample.links
    members = Collection.from_counts(
        np.array([links.rows]), {"shower": links["particle"], "hit": links["hit"], "weight": links["weight"]}
    )
    tables = matched(sample, members, found([{}, {}])[1])
    own = {
        (s, p): (shared, union)
        for _, s, p, shared, union in rows(tables["matches"], "shower", "particle", "shared", "union")
    }
    for number in range(2):
        assert own[number, number][0] == own[number, number][1] == tables["particles"]["deposited"][number]


def test_events_do_not_mix_and_faint_particles_are_left_out() -> None:
    first = event([(2.0, {0: 1.0}), (9.0, {2: 1.0})], particles=3)
    sample = Events.concatenate([first, event([], particles=1), event([(5.0, {0: 1.0})], particles=1)])
    tables = matched(sample, *found([{0: 1.0}, {1: 1.0}], [], [{0: 0.5}]))
    assert rows(tables["particles"], "particle", "deposited") == [(0, 2, 9.0), (2, 0, 5.0)]
    assert rows(tables["matches"], "shower", "particle", "shared") == [(0, 1, 0, 9.0), (2, 0, 0, 2.5)]
    assert tables["showers"].counts.tolist() == [2, 0, 1]
    lower = matched(sample, *found([{0: 1.0}, {1: 1.0}], [], [{0: 0.5}]), min_energy=1.0)
    assert rows(lower["matches"], "shower", "particle") == [(0, 0, 0), (0, 1, 1), (2, 0, 0)]
    assert lower["particles"]["particle"].tolist() == [0, 2, 0]  # a particle without energy is none to be found


def test_only_the_side_with_more_energy_counts() -> None:
    places = [(0, 0, 3300.0, 2), (0, 0, -3300.0, 2), (0, 0, -3300.0, 3)]
    sample = event([(9.0, {0: 1.0}), (8.0, {1: 1.0}), (4.0, {1: 1.0})], places=places, pz=[50.0, -50.0])
    showers = found([{0: 1.0}, {0: 1.0, 1: 1.0, 2: 1.0}])
    assert roi_side(sample, HGCAL).tolist() == [False, True, True]
    tables = matched(sample, *showers)
    assert tables["particles"]["particle"].tolist() == [1]
    assert tables["showers"]["raw"].tolist() == [0.0, 12.0]
    assert rows(tables["members"], "shower", "hit", "weight") == [(0, 1, 1, 1.0), (0, 1, 2, 1.0)]
    tables = matched(sample, *showers, region=np.array([True, False, False]))
    assert tables["particles"]["particle"].tolist() == [0]
    assert tables["showers"]["raw"].tolist() == [9.0, 9.0]
    both = matched(sample, *showers, region=np.ones(3, bool))
    assert both["particles"]["nearest"].tolist() == [np.inf, np.inf]  # on either side there is one


def test_showers_of_events_without_links_stand_alone_on_both_sides() -> None:
    places = [(0, 0, 3300.0, 2), (0, 0, -3300.0, 2), (0, 0, -3300.0, 3)]
    whole = event([(9.0, {0: 1.0}), (8.0, {1: 1.0}), (4.0, {1: 1.0})], places=places, pz=[50.0, -50.0])
    tables = matched(Events({"hits": whole.hits}), *found([{0: 1.0}, {0: 0.5, 1: 1.0, 2: 0.0}]))
    assert set(tables) == {"showers", "members"}
    assert tables["showers"]["raw"].tolist() == [9.0, 12.5]
    assert tables["showers"]["hits"].tolist() == [1, 2]
    assert rows(tables["members"], "shower", "hit", "weight") == [(0, 0, 0, 1.0), (0, 1, 0, 0.5), (0, 1, 1, 1.0)]


def test_faint_hits_do_not_choose_the_side() -> None:
    places = [(0, 0, 3300.0, 2)] * 4 + [(0, 0, -3300.0, 2)]
    assert roi_side(event([(0.011, {})] * 4 + [(0.02, {})], places=places), HGCAL).tolist() == [False] * 4 + [True]
    assert roi_side(event([(0.011, {})] * 5, places=places), HGCAL).tolist() == [True] * 4 + [False]


def test_places_of_particles_and_showers() -> None:
    sample = event(
        [(6.0, {0: 1.0}), (2.0, {0: 1.0}), (5.0, {1: 1.0}), (5.0, {2: 1.0})],
        particles=3,
        places=[(80, 0, 4000.0, 10), (0, 80, 4000.0, 14), (0, 0, 4000.0, 1), (0, 0, 4000.0, 1)],
        px=[1.0, 0.0, 4.0], py=[0.0, 3.0, 0.0], pz=[40.0, 40.0, 40.0], vz=[0.0, 2000.0, 0.0], pdg=[-11, 211, 111],
    )  # fmt: skip
    cloud = DETECTORS.build({"name": "point_cloud", "plane": 2000}, where="test")
    tables = match_showers(sample, *found([{0: 1.0, 1: 1.0}, {}]), cloud)
    particles, showers = tables["particles"], tables["showers"]
    assert particles["u"].tolist() == [50.0, 0.0, 200.0]
    assert particles["v"].tolist() == [0.0, 0.0, 0.0]
    assert particles["nearest"].tolist() == [50.0, 50.0, 150.0]
    assert particles["kind"].tolist() == [0, 1, 0]
    assert particles["depth"].tolist() == [11.0, 1.0, 1.0]
    assert particles["eta"][0] == pytest.approx(np.arcsinh(40.0))
    assert (showers["u"][0], showers["v"][0], showers["depth"][0]) == (30.0, 10.0, 11.0)
    assert [showers[name][1] for name in ("raw", "u", "v", "depth", "hits")] == [0.0] * 5


def test_a_hit_named_twice_has_the_sum_at_most_one() -> None:
    columns = {"shower": np.zeros(4, int), "hit": np.array([1, 0, 1, 0]), "weight": np.array([0.25, 0.75, 0.5, 0.75])}
    members = Collection.from_counts(np.array([4]), columns)
    tables = matched(event([(4.0, {0: 1.0}), (8.0, {0: 1.0})]), members, found([{}])[1])
    assert rows(tables["members"], "hit", "weight") == [(0, 0, 1.0), (0, 1, 0.75)]
    assert tables["showers"]["raw"].tolist() == [10.0]


share = st.integers(0, 4).map(lambda number: number / 4)
hit = st.tuples(
    st.integers(-1, 8).map(float), st.lists(share, min_size=3, max_size=3), st.lists(share, min_size=2, max_size=2)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(hit, max_size=6), min_size=1, max_size=3))
def test_energies_are_those_of_plain_sums(events: list[list[tuple[float, list[float], list[float]]]]) -> None:
    sample = Events.concatenate(
        [event([(e, {p: w / 3 for p, w in enumerate(given)}) for e, given, _ in hits], particles=3) for hits in events]
    )
    showers = found(*([{i: own[s] for i, (_, _, own) in enumerate(hits)} for s in range(2)] for hits in events))
    tables = matched(sample, *showers, min_energy=0.0, region=np.ones(sample.hits.rows, bool))
    row = {(e, n): i for e, table in enumerate(_split(tables["particles"])) for i, n in enumerate(table)}
    pairs = {(e, s, p): (a, b) for e, s, p, a, b in rows(tables["matches"], "shower", "particle", "shared", "union")}
    for number, hits in enumerate(events):
        for s in range(2):
            whole = sum(max(e, 0) * min(sum(given) / 3, own[s], 1.0) for e, given, own in hits)
            given = tables["showers"].slice(number, number + 1)["of_particles"][s]
            assert given == pytest.approx(whole, rel=1e-6)
            for p in range(3):
                low = sum(max(e, 0) * min(given[p] / 3, own[s]) for e, given, own in hits)
                high = sum(max(e, 0) * max(given[p] / 3, own[s]) for e, given, own in hits)
                if low > 0:
                    assert pairs.pop((number, s, row[number, p])) == pytest.approx((low, high), rel=1e-6)
    assert not pairs


def _split(table: Collection) -> list[list[int]]:
    return [table.slice(i, i + 1)["particle"].tolist() for i in range(len(table))]


def test_what_does_not_exist_is_refused() -> None:
    sample = event([(4.0, {0: 1.0})])
    with pytest.raises(DataError, match="name a hit of its event; got: 1; where: event 0"):
        matched(sample, *found([{1: 1.0}]))
    members, parameters = found([{0: 1.0}])
    with pytest.raises(DataError, match="name a shower of its event; got: 0"):
        matched(sample, members, found([])[1])
    with pytest.raises(DataError, match=r"share, 0 to 1; got: 1\.5"):
        matched(sample, *found([{0: 1.5}]))
    with pytest.raises(DataError, match="share, 0 to 1; got: nan"):
        matched(sample, *found([{0: float("nan")}]))
    with pytest.raises(DataError, match="same events"):
        matched(sample, *found([{0: 1.0}], []))
    with pytest.raises(DataError, match="no hadron"):
        matched(sample, members, Collection(parameters.offsets, {"score": np.ones(1), "energy": np.ones(1)}))
    with pytest.raises(DataError, match="each hit whether it counts"):
        matched(sample, members, parameters, region=np.ones(3, bool))
