from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.metrics._intervals import TAIL
from tests.track_tables import Sample


def test_score_of_the_example(metric) -> None:
    sample = Sample().event().particle(10, weight=0.5).particle(8, weight=0.3).particle(6, weight=0.2)
    sample.track(10, (0, 8), (1, 2))  # 8/10 of 0.5
    sample.track(12, (1, 6))  # half of the track only
    sample.track(3, (2, 3))  # half of the particle only
    sample.event().particle(4, weight=0.1).track(4, (0, 4)).track(3, (0, 3))  # the second track adds nothing
    value = metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"]
    assert value.value == pytest.approx((0.4 + 1.0) / 2)
    assert value.low <= value.value <= value.high
    assert value.n == 2
    assert "weights of the sample" in value.definition


def test_hits_weigh_alike_where_weights_are_unknown(metric) -> None:
    sample = Sample().event().particle(10).particle(30).track(10, (0, 8)).event()
    value = metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"]
    assert value.value == pytest.approx(8 / 40)
    assert value.n == 1  # the empty event has no score
    assert "all hits of particles weigh alike" in value.definition


def test_score_is_that_of_the_challenge(metric) -> None:
    """A plain reading of the rules, hit by hit."""
    random = np.random.default_rng(5)
    sample, total = Sample(), []
    for _ in range(20):
        sample.event()
        owner = random.integers(0, 6, 50)
        track = np.where(random.random(50) < 0.7, owner, random.integers(0, 6, 50))
        weight = random.random(6)
        for particle in range(6):
            sample.particle(int((owner == particle).sum()) or 1, weight=float(weight[particle]))
        score = 0.0
        for number in np.unique(track):
            count = np.bincount(owner[track == number], minlength=6)
            sample.track(int(count.sum()), *[(p, int(n)) for p, n in enumerate(count) if n])
            major = int(count.argmax())
            whole = int((owner == major).sum())
            if 2 * count[major] > count.sum() and 2 * count[major] > whole:
                score += weight[major] * count[major] / whole
        total.append(score / weight.sum())
    value = metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"]
    assert value.value == pytest.approx(np.mean(total))
    assert (value.high - value.low) / 2 == pytest.approx(np.std(total) / np.sqrt(20), rel=0.15)


def test_paired_difference(metric) -> None:
    first, second = Sample(), Sample()
    for number in range(30):
        first.event().particle(10).track(10, (0, 10))
        second.event().particle(10).track(8, (0, 8 if number % 2 else 9))
    values = metric("trackml_score").compare(first.predictions(), second.predictions(), 0).values
    assert set(values) == {"trackml_score_target_difference"}  # all particles': their momentum cuts differ
    assert values["trackml_score_target_difference"].value == pytest.approx(0.15)
    assert "first - second" in values["trackml_score_target_difference"].definition


def test_methods_with_other_momentum_cuts_agree_on_what_is_asked_for(metric) -> None:
    low, high = Sample(), Sample()
    for sample in (low, high):
        sample.event().particle(10, weight=0.3).particle(10, weight=0.7, pt=0.4).particle(2, weight=0.1)
        sample.track(10, (0, 10))
    low.track(10, (1, 10))  # it looks further down
    measured = [metric("trackml_score").compute(one.predictions(), 0).values for one in (low, high)]
    assert [one["trackml_score"].value for one in measured] == pytest.approx([1.0 / 1.1, 0.3 / 1.1])
    assert [one["trackml_score_target"].value for one in measured] == [1.0, 1.0]
    assert "pT > 1 GeV" in measured[0]["trackml_score_target"].definition
    away = metric("trackml_score").compare(low.predictions(), high.predictions(), 0).values
    assert [one.value for one in away.values()] == [0.0]


def test_nothing_found_leaves_room_for_more(metric) -> None:
    sample = Sample()
    for _ in range(12):
        sample.event().particle(10).particle(10)
    value = metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"]
    assert (value.value, value.low) == (0.0, 0.0)
    assert value.high == pytest.approx(1.0 - TAIL ** (1.0 / 24.0))  # none of 24 particles


def test_no_particles_with_hits(metric) -> None:
    with pytest.raises(DataError, match="needs hits of particles"):
        metric("trackml_score").compute(Sample().event().particle(0).event().predictions(), 0)
