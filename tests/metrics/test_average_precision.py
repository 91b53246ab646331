from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitforge.core.errors import DataError
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics._intervals import TAIL
from tests.shower_tables import Sample, perfect


def test_perfect_showers_have_an_average_precision_of_one(metric) -> None:
    result = metric("average_precision", thresholds=(0.3, 0.5, 0.7, 1.0)).compute(perfect().predictions(), 0)
    assert len(result.values) == 12
    assert all((value.value, value.high) == (1.0, 1.0) for value in result.values.values())
    particles = sum(len(event["particles"]) for event in perfect().events)
    assert result.values["ap_50"].low == pytest.approx(TAIL ** (1.0 / particles))  # all found
    assert all((table["value"] == 1.0).all() for key, table in result.tables.items() if "curve" not in key)
    assert (result.tables["average_precision.curve_50"]["precision"] == 1.0).all()


def test_area_of_an_example(metric) -> None:
    sample = Sample().event().particle().particle().particle()
    sample.shower(0.9, (0, 40.0)).shower(0.8, (1, 5.0)).shower(0.7, (1, 30.0)).shower(0.6, (0, 40.0))
    result = metric("average_precision").compute(sample.predictions(), 0)
    # right, false, right (IoU 30 / 50), false for its particle is taken: precision 1, 1/2, 2/3, 1/2; recall 1/3, 2/3
    assert result.values["ap_50"].value == pytest.approx((1.0 + 2 / 3) / 3)
    assert result.values["ap_30"].value == result.values["ap_50"].value
    assert result.values["ap_70"].value == pytest.approx(1 / 3)
    curve = result.tables["average_precision.curve_50"]
    assert curve["score"].tolist() == [0.9, 0.7, 0.6]  # of equal recall the first, and the end
    assert curve["recall"] == pytest.approx([1 / 3, 2 / 3, 2 / 3])
    assert curve["precision"] == pytest.approx([1, 2 / 3, 1 / 2])
    assert curve["interpolated"] == pytest.approx([1, 2 / 3, 1 / 2])
    assert result.values["ap_50"].definition.startswith("average_precision v3: area under the envelope")


def test_the_higher_score_chooses_first_and_takes_the_greatest_overlap(metric) -> None:
    sample = Sample().event().particle().particle(deposited=20.0)
    sample.shower(0.2, (0, 38.0)).shower(0.8, (0, 30.0), (1, 10.0))  # the second takes the first particle
    values = metric("average_precision").compute(sample.predictions(), 0).values
    assert values["ap_50"].value == pytest.approx(0.5)
    assert values["ap_70"].value == pytest.approx(0.25)  # now it is false, and the first shower is right


def test_equal_scores_are_taken_together(metric) -> None:
    for order in (0, 1):
        sample = Sample().event().particle().particle()
        for right in (order, 1 - order):
            sample.shower(0.5, *([(0, 40.0)] if right else []))
        assert metric("average_precision").compute(sample.predictions(), 0).values["ap_50"].value == 0.25


def test_faint_showers_without_match_are_left_out(metric) -> None:
    sample = Sample().event().particle(deposited=4.0).shower(0.9, raw=2.9).shower(0.5, (0, 2.0), raw=2.0)
    assert metric("average_precision").compute(sample.predictions(), 0).values["ap_50"].value == 1.0
    strict = metric("average_precision", min_deposited=2.0).compute(sample.predictions(), 0)
    assert strict.values["ap_50"].value == 0.5


def test_classes_and_bins_leave_out_the_particles_of_others(metric) -> None:
    sample = Sample().event()
    sample.particle(energy=30.0, nearest=25.0).particle(kind=1, energy=120.0, nearest=60.0)
    sample.shower(0.9, (1, 40.0)).shower(0.8, (1, 10.0), (0, 1.0), raw=14.0).shower(0.7, (0, 40.0))
    result = metric("average_precision").compute(sample.predictions(), 0)
    assert result.values["ap_50_hadron"].value == 1.0  # its false shower is below the right one
    assert result.values["ap_50_electromagnetic"].value == 1.0  # the false one shares most with the hadron
    assert result.values["ap_50"].value == pytest.approx(0.5 + 0.5 * 2 / 3)
    table = result.tables["average_precision.ap_50.energy"]
    assert (table["low"].tolist(), table["n"].tolist(), table["value"].tolist()) == ([20.0, 100.0], [1, 1], [1.0, 1.0])
    assert result.tables["average_precision.ap_50.nearest"]["low"].tolist() == [20.0, 50.0]


def test_a_shower_without_any_particle_stands_by_itself(metric) -> None:
    sample = Sample().event()
    sample.particle(energy=30.0, nearest=25.0).particle(kind=1, energy=120.0, nearest=60.0, u=60.0)
    sample.shower(0.9, (1, 40.0)).shower(0.8, (0, 40.0))
    sample.shower(0.95, hadron=0.9, energy=110.0, u=60.0, v=-55.0)  # 55 mm from the second particle
    result = metric("average_precision").compute(sample.predictions(), 0)
    assert (result.values["ap_50_hadron"].value, result.values["ap_50_electromagnetic"].value) == (0.5, 1.0)
    assert result.tables["average_precision.ap_50.energy"]["value"].tolist() == [1.0, 0.5]
    assert result.tables["average_precision.ap_50.nearest"]["value"].tolist() == [1.0, 0.5]
    assert result.values["ap_50"].value == pytest.approx(2 / 3)
    sample.event().shower(0.99, hadron=0.9)  # no particle is near
    result = metric("average_precision").compute(sample.predictions(), 0)
    assert result.tables["average_precision.ap_50.nearest"]["value"].tolist() == [1.0, 0.5]


def plain(events: list[tuple[int, list[tuple[float, float, list[float]]]]], least: float) -> float:
    """Average precision, shower by shower; an event is its number of particles and (score, raw, IoU with each)."""
    asked = []
    for number, showers in events:
        free = set(range(number))
        left = dict(enumerate(showers))
        pairs = [(-score, -iou[p], s, p) for s, (score, _, iou) in left.items() for p in range(number)]
        for score, negative, number_of, p in sorted(pairs):
            if number_of in left and p in free and -negative > 0 and -negative >= least - 1e-9:
                free.discard(p)
                del left[number_of]
                asked.append((-score, True))
        asked += [(score, False) for score, raw, _ in left.values() if raw >= 3.0]
    points = []
    for cut in {score for score, _ in asked}:
        kept = [right for score, right in asked if score >= cut]
        points.append((sum(kept), sum(kept) / len(kept)))
    total, area = sum(number for number, _ in events), 0.0
    for right in range(1, total + 1):  # the step from right - 1 to right
        area += max((precision for good, precision in points if good >= right), default=0.0)
    return area / total


overlap = st.sampled_from([0.0, 0.2, 0.3, 0.5, 0.6, 0.8, 1.0])
shower = st.tuples(
    st.integers(1, 5).map(float), st.sampled_from([2.0, 40.0]), st.lists(overlap, min_size=3, max_size=3)
)
one_event = st.tuples(st.integers(0, 3), st.lists(shower, max_size=6))


def is_plain(event: tuple[int, list[tuple[float, float, list[float]]]]) -> bool:
    """True if no two pairs of an event have the same score and IoU, so that a plain reading has one answer."""
    pairs = [(score, iou[p]) for score, _, iou in event[1] for p in range(event[0]) if iou[p] > 0]
    return len(set(pairs)) == len(pairs)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(one_event.filter(is_plain), min_size=1, max_size=4).filter(
        lambda events: any(number for number, _ in events)
    )
)
def test_area_is_that_of_a_plain_reading(events: list) -> None:
    sample = Sample()
    for number, showers in events:
        sample.event()
        for _ in range(number):
            sample.particle()
        for score, raw, iou in showers:
            sample.shower(score, *((p, raw * iou[p]) for p in range(number) if iou[p] > 0), raw=raw)
    for event, (_, showers) in zip(sample.events, events, strict=True):
        for row in event["matches"]:  # any IoU can be asked for, whatever the energies
            row["union"] = row["shared"] / showers[row["shower"]][2][row["particle"]]
    values = METRICS.build({"name": "average_precision", "replicas": 50}, where="test").compute(sample.predictions(), 0)
    for threshold in (0.3, 0.5, 0.7):
        expected = plain(events, threshold)
        assert values.values[f"ap_{100 * threshold:g}"].value == pytest.approx(expected)


@settings(max_examples=150, deadline=None)
@given(st.lists(one_event, min_size=1, max_size=3).filter(lambda events: any(n for n, _ in events)), st.randoms())
def test_the_order_of_rows_changes_nothing(events: list, random: Random) -> None:
    def measured(orders: list[list[int]], places: list[list[int]]) -> dict[str, float]:
        sample = Sample()
        for (number, showers), order, place in zip(events, orders, places, strict=True):
            sample.event()
            for p in place:
                sample.particle(energy=30.0 + 10.0 * p, kind=p % 2)
            for s in order:
                score, raw, iou = showers[s]
                shared = [(place.index(p), raw * iou[p]) for p in range(number) if iou[p] > 0]
                sample.shower(score, *sorted(shared), raw=raw)
                for row, (p, _) in zip(sample.events[-1]["matches"][-len(shared) :], sorted(shared), strict=False):
                    row["union"] = row["shared"] / iou[place[p]]
        metric = METRICS.build({"name": "average_precision", "replicas": 50}, where="test")
        return {name: value.value for name, value in metric.compute(sample.predictions(), 0).values.items()}

    orders, places = [list(range(len(showers))) for _, showers in events], [list(range(n)) for n, _ in events]
    first = measured(orders, places)
    for rows in (*orders, *places):
        random.shuffle(rows)
    assert measured(orders, places) == pytest.approx(first)


def test_of_equal_scores_the_greater_overlap_is_matched_whatever_stands_first(metric) -> None:
    own, between = [(0, 40.0)], [(0, 30.0), (1, 27.0)]  # IoU 1; 0.6 with the same particle, 0.51 with the second
    for rows in ((own, between), (between, own)):
        sample = Sample().event().particle().particle()
        for shared in rows:
            sample.shower(0.5, *shared)
        assert metric("average_precision").compute(sample.predictions(), 0).values["ap_50"].value == 1.0


def mixed(quality: float, events: int = 150) -> Predictions:
    """Showers of which a share ``quality`` are right, the same particles for every quality."""
    random, sample = np.random.default_rng(7), Sample()
    for _ in range(events):
        sample.event().particle(nearest=30.0).particle(nearest=30.0, kind=1)
        for number in range(2):
            score, luck = random.random(2)
            sample.shower(float(score), (number, 40.0 if luck < quality else 10.0))
    return sample.predictions()


def test_interval_is_that_of_repeated_samples_and_grows_with_fewer_events(metric) -> None:
    values = metric("average_precision").compute(mixed(0.7), 0).values
    again = metric("average_precision").compute(mixed(0.7), 0).values
    assert values == again
    few = metric("average_precision").compute(mixed(0.7, 20), 0).values
    wide, narrow = (one["ap_50"].high - one["ap_50"].low for one in (few, values))
    assert 1.5 < wide / narrow < 5
    assert values["ap_50"].low < values["ap_50"].value < values["ap_50"].high
    assert values["ap_50"].n == 150


def test_paired_difference(metric) -> None:
    better, worse = mixed(0.8), mixed(0.6)
    values = metric("average_precision").compare(better, worse, 0).values
    single = [metric("average_precision").compute(one, 0).values["ap_50"].value for one in (better, worse)]
    difference = values["ap_50_difference"]
    assert difference.value == pytest.approx(single[0] - single[1])
    assert 0 < difference.low < difference.value < difference.high
    assert "ap_50_hadron_difference" in values
    same = metric("average_precision").compare(better, better, 0).values["ap_50_difference"]
    most = 1.0 - TAIL ** (1.0 / 300.0)  # none of 300 particles differs
    assert (same.low, same.value, same.high) == pytest.approx((-most, 0.0, most))


def test_nothing_found_and_nothing_to_be_found(metric) -> None:
    result = metric("average_precision").compute(Sample().event().particle().event().predictions(), 0)
    assert result.values["ap_50"].value == 0.0
    assert len(result.tables["average_precision.curve_50"]["recall"]) == 0
    with pytest.raises(DataError, match="needs particles to be found; got: none in 1 events"):
        metric("average_precision").compute(Sample().event().shower(0.5).predictions(), 0)


def test_a_curve_has_few_points_and_its_ends(metric) -> None:
    curve = metric("average_precision", points=10).compute(mixed(0.7), 0).tables["average_precision.curve_50"]
    assert len(curve["score"]) <= 14
    assert curve["recall"][-1] == pytest.approx(0.7, abs=0.1)
    assert (np.diff(curve["score"]) < 0).all()
