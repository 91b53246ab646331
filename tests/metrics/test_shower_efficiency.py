from __future__ import annotations

import numpy as np
import pytest

from tests.shower_tables import Sample, perfect


def test_perfect_showers_find_all(metric) -> None:
    result = metric("shower_efficiency").compute(perfect().predictions(), 0)
    values = {name: value.value for name, value in result.values.items() if name != "score_cut"}
    assert values == {
        "efficiency": 1.0, "efficiency_electromagnetic": 1.0, "efficiency_hadron": 1.0, "fake_rate": 0.0,
        "unmatched_rate": 0.0, "merge_rate": 0.0, "particle_merge_rate": 0.0, "split_rate": 0.0,
    }  # fmt: skip
    assert result.values["efficiency"].definition.startswith("shower_efficiency v3: share of particles to be found")
    assert result.tables["shower_efficiency.efficiency.nearest"]["low"].tolist() == [40.0]
    assert result.tables["shower_efficiency.efficiency.eta"]["low"].tolist() == [1.9]
    assert result.tables["shower_efficiency.efficiency.depth"]["low"].tolist() == [8.0]
    assert (result.tables["shower_efficiency.fake_rate.energy"]["value"] == 0).all()


def rates(metric, sample: Sample, **settings: float) -> dict[str, float]:
    result = metric("shower_efficiency", min_score=0.1, **settings).compute(sample.predictions(), 0)
    return {name: value.value for name, value in result.values.items()}


def test_a_merged_pair_is_one_merge(metric) -> None:
    sample = Sample().event().particle().particle(deposited=30.0).shower(0.9, (0, 40.0), (1, 30.0), raw=70.0)
    values = rates(metric, sample)
    assert (values["merge_rate"], values["particle_merge_rate"]) == (1.0, 1.0)
    assert (values["efficiency"], values["fake_rate"], values["split_rate"]) == (0.5, 0.0, 0.0)
    assert rates(metric, sample.particle())["particle_merge_rate"] == pytest.approx(2 / 3)


def test_a_split_particle_and_a_neighbour_of_it(metric) -> None:
    sample = Sample().event().particle().shower(0.9, (0, 30.0), raw=30.0).shower(0.8, (0, 10.0), raw=10.0)
    values = rates(metric, sample)
    assert (values["efficiency"], values["split_rate"], values["fake_rate"]) == (1.0, 1.0, 0.0)
    assert rates(metric, sample, split=0.3)["split_rate"] == 0.0
    sample = Sample().event().particle().particle()  # the second shower is of the second particle
    sample.shower(0.9, (0, 30.0), raw=30.0).shower(0.8, (0, 10.0), (1, 30.0))
    assert rates(metric, sample)["split_rate"] == 0.0


def test_fakes(metric) -> None:
    sample = Sample().event().particle().particle()
    sample.shower(0.9, (0, 40.0)).shower(0.8, (1, 19.0)).shower(0.7, (1, 20.0)).shower(0.6, (0, 10.0), (1, 11.0))
    assert rates(metric, sample)["fake_rate"] == 0.25
    sample.shower(0.5, raw=2.0).shower(0.05)  # too faint to count, and below the score
    assert rates(metric, sample)["fake_rate"] == 0.25
    assert rates(metric, sample, min_deposited=2.0)["fake_rate"] == 0.4


def test_what_overlapping_particles_gave_counts_once(metric) -> None:
    sample = Sample().event().particle().particle().shower(0.9, (0, 15.0), (1, 15.0), of_particles=16.0)
    assert rates(metric, sample)["fake_rate"] == 1.0
    assert rates(metric, sample)["unmatched_rate"] == 1.0
    assert rates(metric, sample.shower(0.8, (0, 40.0)))["unmatched_rate"] == 0.5


def test_the_usual_score_is_that_of_the_greatest_f1(metric) -> None:
    sample = Sample()
    for number in range(10):
        sample.event().particle().shower(0.9 - 0.01 * number, (0, 40.0)).shower(0.3, raw=10.0)
    result = metric("shower_efficiency").compute(sample.predictions(), 0)
    assert result.values["score_cut"].value == pytest.approx(0.81)
    assert result.values["fake_rate"].value == 0.0
    assert result.values["fake_rate"].n == 10
    assert "greatest F1" in result.values["efficiency"].definition
    assert rates(metric, sample)["fake_rate"] == 0.5


def test_without_showers_only_particles_are_counted(metric) -> None:
    result = metric("shower_efficiency").compute(Sample().event().particle().predictions(), 0)
    assert result.values["efficiency"].value == 0.0
    assert "fake_rate" not in result.values
    assert "efficiency_hadron" not in result.values


def test_curves_hold_each_particle_in_its_bin(metric) -> None:
    sample = Sample().event().particle(energy=25.0, nearest=15.0).particle(energy=150.0, nearest=15.0, depth=20.0)
    sample.shower(0.9, (0, 40.0), energy=199.0)
    tables = metric("shower_efficiency").compute(sample.predictions(), 0).tables
    table = tables["shower_efficiency.efficiency.energy"]
    assert table["low"].tolist() == [20.0, 120.0]
    assert table["value"].tolist() == [1.0, 0.0]
    assert tables["shower_efficiency.efficiency.nearest"]["n"].tolist() == [2]
    assert tables["shower_efficiency.fake_rate.energy"]["low"].tolist() == [160.0]


def test_paired_difference(metric) -> None:
    random, samples = np.random.default_rng(2), (Sample(), Sample())
    for _ in range(200):
        luck = random.random()
        for sample, share in zip(samples, (0.9, 0.6), strict=True):
            sample.event().particle().shower(0.9, (0, 40.0 if luck < share else 5.0))
    pair = [sample.predictions() for sample in samples]
    values = metric("shower_efficiency", min_score=0.0).compare(*pair, 0).values
    single = [metric("shower_efficiency", min_score=0.0).compute(one, 0).values for one in pair]
    for name in ("efficiency", "fake_rate"):
        value = values[f"{name}_difference"]
        assert value.value == pytest.approx(single[0][name].value - single[1][name].value)
        assert value.low < value.value < value.high
        assert value.high - value.low == pytest.approx(2 * np.sqrt(0.3 * 0.7 / 200), rel=0.3)
    assert "efficiency_hadron_difference" not in values
