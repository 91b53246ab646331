from __future__ import annotations

import numpy as np
import pytest

from hitforge.metrics import Predictions
from hitforge.metrics._intervals import TAIL
from hitforge.metrics.shower_response import _crossings
from tests.shower_tables import Sample, perfect


def test_perfect_showers_have_a_response_of_one(metric) -> None:
    result = metric("shower_response").compute(perfect(80).predictions(), 0)
    values = {name: value.value for name, value in result.values.items()}
    for kind in ("", "_electromagnetic", "_hadron"):
        assert values[f"response_median{kind}"] == 1.0
        assert values[f"response_sigma68{kind}"] == 0.0
        assert (result.tables[f"shower_response.response{kind}.energy"].get("median", np.ones(1)) == 1.0).all()
    assert values["purity"] == values["completeness"] == pytest.approx(1.0)
    assert values["right_kind_electromagnetic"] == values["right_kind_hadron"] == 1.0
    assert values["both_found"] == values["both_found_mixed"] == values["both_measured"] == 1.0
    assert result.tables["shower_response.confusion"]["share"].tolist() == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    assert len(result.tables["shower_response.response.energy"]["n"]) >= 3


def test_response_purity_and_class_of_an_example(metric) -> None:
    sample = Sample()
    for energy, hadron in ((40.0, 0.2), (50.0, 0.8), (60.0, 0.5)):
        sample.event().particle().shower(0.9, (0, 30.0), raw=32.0, energy=energy, hadron=hadron)
    result = metric("shower_response").compute(sample.predictions(), 0)
    values = result.values
    assert values["response_median"].value == 1.0
    assert values["response_sigma68"].value == pytest.approx(0.2)  # quantiles of three values
    assert values["purity"].value == 30 / 32
    assert values["completeness"].value == 30 / 40
    assert values["right_kind_electromagnetic"].value == 0.5
    assert values["right_kind_electromagnetic"].n == 2
    assert result.tables["shower_response.confusion"]["count"].tolist() == [1, 1, 1, 0, 0, 0]
    assert "both_found" not in values
    assert "response_median_hadron" not in values


def test_showers_that_match_nothing_have_no_response(metric) -> None:
    sample = Sample().event().particle().shower(0.9, (0, 40.0)).event().particle().shower(0.9, (0, 10.0), energy=500.0)
    values = metric("shower_response", min_score=0.0).compute(sample.predictions(), 0).values
    assert (values["response_median"].value, values["response_median"].n) == (1.0, 1)


def pairs(middle: float, events: int = 600, **values: float) -> Predictions:
    """Pairs of which both are found the more often the farther apart they are, half of them at ``middle`` mm."""
    random, sample = np.random.default_rng(3), Sample()
    for _ in range(events):
        separation, luck = random.uniform(0, 100), random.random()
        sample.pair(float(separation), bool(luck < 1 / (1 + np.exp(-(separation - middle) / 10))), **values)
    return sample.predictions()


@pytest.mark.parametrize("middle", [25.0, 47.0, 70.0])
def test_half_of_the_pairs_are_found_at_the_distance_they_were_made_with(metric, middle: float) -> None:
    result = metric("shower_response").compute(pairs(middle), 0)
    value = result.values["half_separation"]
    assert value.value == pytest.approx(middle, abs=6.0)
    assert value.low < value.value < value.high
    assert value.high - value.low < 14.0
    table = result.tables["shower_response.both_found"]
    assert table["value"][0] < 0.3
    assert table["value"][-1] > 0.7
    halves = result.tables["shower_response.half_separation"]
    assert (halves["energy_low"].tolist(), halves["value"].tolist()) == ([40.0], [value.value])
    cells = result.tables["shower_response.pairs"]
    assert cells["energy_low"].tolist() == [40.0] * len(table["n"])
    assert cells["value"].tolist() == table["value"].tolist()


def test_a_pair_is_of_two_matched_particles_and_its_energies_are_a_number_apart(metric) -> None:
    sample = Sample().pair(30.0, True).pair(30.0, False).pair(30.0, True, measured=False).pair(30.0, True)
    sample.particle().shower(0.9, (2, 40.0))  # a third one
    values = metric("shower_response").compute(sample.predictions(), 0).values
    assert (values["both_found"].value, values["both_found"].n) == (pytest.approx(2 / 3), 3)
    assert values["both_measured"].value == pytest.approx(1 / 3)
    assert "within 20 %" in values["both_measured"].definition
    assert "within" not in values["both_found"].definition.split(";")[0]
    wide = metric("shower_response", within=0.5).compute(sample.predictions(), 0).values
    assert (wide["both_found"].value, wide["both_measured"].value) == pytest.approx((2 / 3, 2 / 3))


def test_intervals_have_a_width_where_all_or_none_are_right(metric) -> None:
    sample = Sample()
    for separation in (5.0, 15.0) * 4:
        sample.pair(separation, separation > 10.0)
    result = metric("shower_response").compute(sample.predictions(), 0)
    value = result.values["half_separation"]
    assert (value.low, value.value, value.high) == (pytest.approx(6.0, abs=4.0), 10.0, pytest.approx(12.0, abs=3.0))
    assert value.high - value.low > 1.0
    near = Sample()
    for _ in range(8):
        near.pair(5.0, True)
    value = metric("shower_response").compute(near.predictions(), 0).values["half_separation"]
    assert (value.value, value.low) == (5.0, 0.0)  # at most
    for name in ("purity", "completeness"):
        value = metric("shower_response").compute(perfect(10).predictions(), 0).values[name]
        assert value.low == pytest.approx(TAIL ** (1 / 10))  # one event in so many more may be otherwise


def test_classes_of_showers_of_an_event_that_are_right_together_count_as_few(metric) -> None:
    sample = Sample()
    for number in range(20):
        sample.event()
        for place in range(10):
            sample.particle().shower(0.9, (place, 40.0), hadron=0.9 if number % 2 else 0.1)
    value = metric("shower_response").compute(sample.predictions(), 0).values["right_kind_electromagnetic"]
    assert (value.value, value.n) == (0.5, 200)
    assert value.high - value.low > 0.2  # 20 events, not 200 showers: 0.07


def test_responses_of_an_event_that_lie_together_count_as_few(metric) -> None:
    random, sample = np.random.default_rng(2), Sample()
    for _ in range(20):
        sample.event()
        common = random.normal()
        for place in range(10):
            sample.particle().shower(0.9, (place, 40.0), energy=50.0 * (1 + 0.1 * common))
    value = metric("shower_response").compute(sample.predictions(), 0).values["response_median"]
    assert value.high - value.low > 0.04  # of 200 independent ones: 0.02


def test_pairs_are_told_by_class(metric) -> None:
    sample = Sample().pair(30.0, True).pair(30.0, False, kind=1)
    sample.event().particle(nearest=20.0).particle(nearest=20.0, kind=1).shower(0.9, (0, 40.0))
    values = metric("shower_response").compute(sample.predictions(), 0).values
    shares = {name: values[f"both_found_{name}"].value for name in ("electromagnetic", "hadron", "mixed")}
    assert shares == {"electromagnetic": 1.0, "hadron": 0.0, "mixed": 0.0}
    assert "half_separation_hadron" not in values


def test_crossing_of_rising_shares() -> None:
    place = np.array([10.0, 20.0, 30.0, 40.0])
    total = np.full((6, 4), 10.0)
    good = np.array(
        [
            [0, 2, 8, 10],  # between the second and third
            [6, 2, 8, 10],  # the first two are 4/10 together
            [7, 8, 9, 10],  # at most the first
            [0, 1, 2, 3],  # never
            [10, 10, 0, 0],  # all are 5/10 together
            [0, 0, 5, 5],
        ]
    )
    expected = [25.0, 20.0 + 10.0 * 0.1 / 0.4, 10.0, np.nan, 10.0, 30.0]
    assert np.allclose(_crossings(good, total, place), expected, equal_nan=True)
    total[0, 1], total[5, 0] = 0.0, 0.0  # bins that a replica does not hold
    good[0, 1] = 0
    again = _crossings(good, total, place)
    assert np.isfinite(again[[0, 5]]).all()


def test_paired_differences(metric) -> None:
    first, second = pairs(40.0), pairs(60.0)
    values = metric("shower_response").compare(first, second, 0).values
    assert values["half_separation_difference"].value == pytest.approx(-20.0, abs=8.0)
    assert values["half_separation_difference"].high < 0
    assert values["both_found_difference"].value == pytest.approx(0.2, abs=0.06)
    assert values["both_found_electromagnetic_difference"].value == values["both_found_difference"].value
    assert values["both_measured_difference"].value == values["both_found_difference"].value
    same = metric("shower_response").compare(first, first, 0).values
    assert all(value.value == 0.0 for value in same.values())
    bound = 1 - TAIL ** (1 / 600)  # of what none of 600 pairs showed
    value = same["both_found_difference"]
    assert (value.low, value.high) == pytest.approx((-bound, bound))


def test_difference_of_widths_is_of_particles_found_by_both(metric) -> None:
    random, samples = np.random.default_rng(4), (Sample(), Sample())
    for number in range(200):
        error = random.normal()
        for sample, width in zip(samples, (0.1, 0.2), strict=True):
            sample.event().particle()
            if number or width == 0.1:
                sample.shower(0.9, (0, 40.0), energy=50.0 * (1.0 + width * error))
    value = metric("shower_response").compare(*(one.predictions() for one in samples), 0).values
    difference = value["response_sigma68_difference"]
    assert difference.value == pytest.approx(-0.1, abs=0.02)
    assert difference.high < 0
    assert difference.n == 199
