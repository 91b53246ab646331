from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.events import Collection
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._intervals import TAIL

METRIC = METRICS.build("object_counts", where="test")


def of(values: dict[str, Any], counts: list[int]) -> Collection:
    return Collection.from_counts(np.array(counts, np.int64), {name: np.array(one) for name, one in values.items()})


def showers(**changed: Collection) -> Predictions:
    """Three events: two showers that share a hit, none, and one."""
    tables = {
        "showers": of({"energy": [12.0, 8.0, 5.0], "raw": [9.0, 6.0, 3.0], "hits": [2, 2, 1]}, [2, 0, 1]),
        "members": of(
            {"shower": [0, 0, 1, 1, 0], "hit": [4, 1, 1, 7, 4], "weight": [1.0, 0.5, 0.5, 1.0, 1.0]}, [4, 0, 1]
        ),
        "measured": of({"hits": [10, 4, 6], "energy": [20.0, 2.0, 8.0]}, [1, 1, 1]),
    }
    return Predictions({}, tables=tables | changed)


def test_showers_are_counted() -> None:
    values = METRIC.compute(showers(), 0).values
    told = {name: value.value for name, value in values.items()}
    assert told == pytest.approx(
        {
            "showers_per_event": 1.0, "hits_per_event": 4 / 3, "shower_energy_per_event": 25 / 3,
            "hit_energy_per_event": 6.0, "share_of_hits": 0.2, "share_of_energy": 0.6,
        }
    )  # fmt: skip
    assert all(value.low <= value.value <= value.high and value.n == 3 for value in values.values())
    assert values["share_of_energy"].definition.startswith("object_counts v2: energy of hits in showers")
    assert not METRIC.truth
    assert METRICS.build("event_means", where="test").truth


def test_tracks_are_counted() -> None:
    members = of({"track": [0, 0, 0, 1, 1], "hit": [0, 1, 2, 3, 4]}, [5, 0])
    tables = {"tracks": of({"hits": [3, 2]}, [2, 0]), "members": members, "measured": of({"hits": [6, 4]}, [1, 1])}
    told = {name: value.value for name, value in METRIC.compute(Predictions({}, tables=tables), 0).values.items()}
    assert told == {"tracks_per_event": 1.0, "hits_per_event": 2.5, "hits_per_track": 2.5, "share_of_hits": 0.5}


def test_without_objects_there_is_no_mean_of_them() -> None:
    tables = {"tracks": of({"hits": []}, [0, 0]), "members": of({"track": [], "hit": []}, [0, 0])}
    values = METRIC.compute(Predictions({}, tables=tables), 0).values
    assert set(values) == {"tracks_per_event", "hits_per_event"}
    for one in values.values():  # two events without any: the third may have one
        assert (one.value, one.low, one.high) == pytest.approx((0.0, 0.0, 1.0 - TAIL**0.5))


def test_intervals_are_those_of_events() -> None:
    random = np.random.default_rng(4)
    counts = random.poisson(9, 300)
    rows = int(counts.sum())
    tables = {
        "showers": of({"energy": np.ones(rows), "raw": np.ones(rows)}, counts.tolist()),
        "members": of({"shower": [], "hit": []}, [0] * 300),
    }
    value = METRIC.compute(Predictions({}, tables=tables), 0).values["showers_per_event"]
    assert value.value == pytest.approx(counts.mean())
    assert (value.high - value.low) / 2 == pytest.approx(counts.std() / 300**0.5, rel=0.15)


def test_differences_are_those_of_the_same_events() -> None:
    more = showers(showers=of({"energy": [1.0] * 6, "raw": [1.0] * 6, "hits": [1] * 6}, [3, 1, 2]))
    values = METRIC.compare(more, showers(), 0).values
    one = values["showers_per_event_difference"]
    most = 1.0 - TAIL ** (1.0 / 3.0)
    assert (one.value, one.low, one.high) == pytest.approx((1.0, 1.0 - most, 1.0 + most))  # one more in each event
    assert values["hit_energy_per_event_difference"].value == pytest.approx(-4.0)
    assert "same events" in one.definition
    with pytest.raises(DataError, match="same events"):
        METRIC.compare(more, Predictions({}, tables={name: t.slice(0, 2) for name, t in more.tables.items()}), 0)


@given(st.lists(st.lists(st.integers(0, 5), max_size=8), min_size=1, max_size=4))
def test_a_hit_counts_once(hits: list[list[int]]) -> None:
    counts = [len(one) for one in hits]
    flat = [hit for one in hits for hit in one]
    empty = of({"energy": [], "raw": []}, [0] * len(hits))
    tables = {"showers": empty, "members": of({"shower": np.arange(len(flat)), "hit": np.array(flat, int)}, counts)}
    value = METRIC.compute(Predictions({}, tables=tables), 0).values["hits_per_event"]
    assert value.value == pytest.approx(sum(len(set(one)) for one in hits) / len(hits))


def test_what_holds_no_objects_is_refused() -> None:
    with pytest.raises(DataError, match=r"counts objects.*got: pt"):
        METRIC.compute(Predictions({"pt": np.ones(3)}), 0)
    with pytest.raises(DataError, match="at least one event"):
        METRIC.compute(Predictions({}, tables={n: t.slice(0, 0) for n, t in showers().tables.items()}), 0)
