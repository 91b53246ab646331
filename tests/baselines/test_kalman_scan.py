"""The tuning of the Kalman filter: which ladders it has, and how it judges tracks."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines._kalman_scan import LADDERS, ScanConfig, with_values
from hitforge.baselines.combinatorial_kalman_filter import CombinatorialKalmanFilter
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.progress import Progress
from hitforge.events import Collection, Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects import Candidates
from hitforge.objects.track.matching import match
from hitforge.objects.track.target import TrackTarget
from tests.targets import target

USUAL = CombinatorialKalmanFilter.Config()
TARGET = TrackTarget(min_pt=0.5, min_hits=3, min_track_hits=3)


def events(particles=4, hits=5, number=2):
    """Events in which the hits of each particle follow each other."""
    count = np.full(number, particles * hits)
    zero = np.zeros(number * particles * hits)
    own = np.tile(np.repeat(np.arange(particles), hits), number)
    hit = np.tile(np.arange(particles * hits), number)
    names = ("x", "y", "z", "time", "energy", "cell", "layer", "subsystem")
    momentum = np.ones(number * particles)
    columns = dict.fromkeys(("energy", "vx", "vy", "vz", "time", "parent"), 0 * momentum)
    columns |= {"pdg": 13 * momentum, "charge": momentum, "px": momentum, "py": momentum, "pz": momentum}
    return Events({
        "hits": Collection.from_counts(count, dict.fromkeys(names, zero)),
        "particles": Collection.from_counts(np.full(number, particles), columns),
        "links": Collection.from_counts(count, {"hit": hit, "particle": own, "weight": zero + 1}),
    })  # fmt: skip


def tracks(of, lists):
    """Tracks given as lists of hits, the same in each event."""
    members = [(track, hit) for track, one in enumerate(lists) for hit in one] * len(of)
    table = np.array(members, int).reshape(-1, 2)
    each = np.full(len(of), len(table) // len(of))
    parameters = Collection.from_counts(np.full(len(of), len(lists)), {"chi2": np.zeros(len(lists) * len(of))})
    return Candidates(
        Collection.from_counts(each, {"track": table[:, 0], "hit": table[:, 1]}), parameters,
        {"all": np.full(len(of), 0.25)},
    )  # fmt: skip


def run(scan, answers, given=None, by="max_holes"):
    """Scan a setting with tracks that depend on it alone."""
    given = events() if given is None else given
    return scan.run(
        USUAL.model_dump(), lambda e, s: tracks(e, answers[s[by]]), lambda: [given], TARGET, lambda _: None,
        Progress(),
    )  # fmt: skip


GOOD = [range(5), range(5, 10), range(10, 15), range(15, 20)]
FAKE = [0, 5, 10, 15]


def test_rates_are_those_of_the_metric_and_fakes_are_bounded():
    answers = {0: GOOD[:2], 1: [*GOOD[:2], range(10, 14)], 2: [*GOOD, FAKE], 3: [*GOOD, FAKE]}
    ladders = {"max_holes": (0, 1, 2, 3)}
    best, record = run(ScanConfig(only=("max_holes",), ladders=ladders, events=2), answers)
    tried = {one["settings"]["max_holes"]: one for one in record["tried"]}
    assert best == {"max_holes": 1}
    assert (tried[1]["efficiency"], tried[1]["perfect"], tried[1]["fake_rate"]) == (0.75, 0.5, 0.0)
    assert tried[2]["excess"] == pytest.approx(0.2 - 0.01)
    assert (tried[2]["efficiency"], tried[2]["fake_rate"]) == (1.0, 0.2)
    assert tried[1]["ms_per_event"] == 250.0
    assert (record["events"], record["edges"]) == (2, [])
    assert record["ladders"] == {"max_holes": [0, 1, 2, 3]}
    loose, _ = run(ScanConfig(only=("max_holes",), ladders=ladders, max_fake_rate=0.3), answers)
    assert loose == {"max_holes": 2}


def test_duplicates_are_bounded_and_counted_as_the_metric_does():
    answers = {0: [*GOOD, range(4), range(5, 9)], 1: GOOD[:2], 2: [*GOOD, range(5)]}
    scan = ScanConfig(only=("max_holes",), ladders={"max_holes": (0, 1, 2)}, events=2)
    best, record = run(scan, answers)
    tried = {one["settings"]["max_holes"]: one for one in record["tried"]}
    assert best == {"max_holes": 1}
    assert (tried[0]["duplicate_rate"], tried[2]["duplicate_rate"]) == (pytest.approx(2 / 6), 0.2)
    assert tried[2]["excess"] == pytest.approx(0.2 - 0.01)
    metric = METRICS.build(
        {"name": "tracking_efficiency"}, target("track", min_pt=0.5, min_hits=3, min_track_hits=3), where="test"
    )
    for holes, rate in ((0, 2 / 6), (2, 0.2)):
        found = tracks(events(), answers[holes])
        tables = match(events(), found.members, found.parameters)
        values = metric.compute(Predictions({}, tables=tables), 1).values
        assert values["duplicate_rate_double_majority"].value == pytest.approx(rate)


def test_among_equals_perfect_tracks_decide_and_edges_are_told():
    short = [range(4), *GOOD[1:]]
    answers = {1: short, 2: GOOD, 3: GOOD}
    best, record = run(ScanConfig(only=("max_holes",), ladders={"max_holes": (1, 2, 3)}), answers)
    assert (best, record["edges"]) == ({"max_holes": 2}, [])
    answers = {2: short, 3: short, 8: GOOD}
    best, record = run(ScanConfig(only=("max_shared",), ladders={"max_shared": (2, 8)}), answers, by="max_shared")
    assert (best, record["edges"]) == ({"max_shared": 8}, ["max_shared"])


def test_only_as_many_events_as_asked_for():
    answers = dict.fromkeys(LADDERS["max_holes"].values, GOOD)
    _, record = run(ScanConfig(only=("max_holes",), events=3), answers, events(number=5))
    assert record["events"] == 3


def test_ladders_hold_the_usual_settings_and_name_settings_of_the_filter():
    values = {**USUAL.model_dump(), "quality_cut": {"hits": 5, "max_chi2": 8.0, "max_loc0": None}}
    chosen = ScanConfig().chosen(values)
    assert set(chosen) == set(LADDERS)
    for name, ladder in chosen.items():
        block, _, inner = name.rpartition(".")
        value = values[block][inner] if block else values[name]
        assert value in ladder.values, name
        numbers = [step for step in ladder.values if step is not None]
        assert numbers == sorted(set(numbers)), name
        for step in ladder.values:
            CombinatorialKalmanFilter.Config.model_validate(with_values(values, {name: step}))
    assert not any(name.startswith("quality_cut") for name in ScanConfig().chosen(USUAL.model_dump()))


def test_what_cannot_be_scanned_is_refused():
    for wrong in ({"only": ("luck",)}, {"ladders": {"luck": (1, 2)}}):
        with pytest.raises(ConfigError, match=r"knows no ladder of 'luck'"):
            ScanConfig.read(wrong, "test")
    with pytest.raises(DataError, match="needs training events"):
        ScanConfig().run(USUAL.model_dump(), None, list, TARGET, None, Progress())
    scan = ScanConfig(only=("max_holes",))
    answers = dict.fromkeys(LADDERS["max_holes"].values, GOOD)
    with pytest.raises(DataError, match="events with truth"):
        run(scan, answers, Events({"hits": events().hits}))
    high = TrackTarget(min_pt=50.0, min_hits=3)
    with pytest.raises(DataError, match="none of 8 particles"):
        scan.run(USUAL.model_dump(), lambda e, _: tracks(e, GOOD), lambda: [events()], high, lambda _: None, Progress())


def test_a_ladder_that_ends_before_the_usual_one_has_edges_again() -> None:
    given = ScanConfig(ladders={"max_middle": (100.0, 140.0), "max_holes": (1, 2, None)}).chosen(USUAL.model_dump())
    assert not given["max_middle"].high_is_end
    assert (given["max_holes"].low_is_end, given["max_holes"].high_is_end) == (False, True)


@pytest.mark.parametrize("steps", [(300.0, 100.0), (100.0, 100.0), (None, 100.0)])
def test_ladders_must_rise(steps) -> None:
    with pytest.raises(ValueError, match="the ladder of 'max_middle' must rise"):
        ScanConfig(ladders={"max_middle": steps})
