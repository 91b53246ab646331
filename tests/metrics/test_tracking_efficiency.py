from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.metrics._intervals import TAIL, clopper_pearson
from tests.track_tables import Sample

ALL = ("double_majority", "perfect", "lhc", "atlas_one_way", "atlas_two_way")


def example() -> Sample:
    """Six particles inside the cuts, five of them with nine hits, and seven tracks of five hits or more."""
    sample = Sample().event()
    sample.particle(10).particle(12).particle(9).particle(4)  # 0 to 3
    sample.particle(12, pt=0.5).particle(12, eta=3.0).particle(12, charge=0)  # 4 to 6: outside
    sample.track(10, (0, 10))  # perfect
    sample.track(8, (1, 7), (4, 1))  # 7/8 of the track, 7/12 of the particle
    sample.track(6, (0, 4), (2, 2))  # a duplicate where half of the track is enough
    sample.track(7, (4, 6))  # outside the cuts: neither counted nor fake, if pure enough
    sample.track(4, (2, 4))  # too short to be a track
    sample.event().particle(11).particle(9)
    sample.track(5, (0, 5))  # a piece: less than half of the particle
    sample.track(6)  # noise
    sample.track(8, (0, 4), (1, 3))  # half of the track
    return sample


def test_numbers_of_the_example(metric) -> None:
    values = metric("tracking_efficiency").compute(example().predictions(), 0).values
    expected = {
        "efficiency_double_majority": (2, 6),
        "technical_efficiency_double_majority": (2, 5),
        "efficiency_perfect": (1, 6),
        "technical_efficiency_perfect": (1, 5),
        "efficiency_lhc": (3, 6),
        "technical_efficiency_lhc": (3, 5),
        "efficiency_atlas_one_way": (3, 6),
        "efficiency_atlas_two_way": (2, 6),
        "fake_rate_double_majority": (4, 6),
        "fake_rate_perfect": (6, 7),
        "fake_rate_lhc": (3, 6),
        "fake_rate_atlas_one_way": (1, 6),
        "fake_rate_atlas_two_way": (4, 6),
        "duplicate_rate_double_majority": (0, 2),
        "duplicate_rate_perfect": (0, 1),
        "duplicate_rate_lhc": (0, 3),
        "duplicate_rate_atlas_one_way": (2, 5),
        "duplicate_rate_atlas_two_way": (0, 2),
    }
    for name, (passed, total) in expected.items():
        assert (values[name].value, values[name].n) == (pytest.approx(passed / total), total), name
        low, high = clopper_pearson(np.array(passed), np.array(total))
        if passed in (0, total):  # exact
            assert (values[name].low, values[name].high) == (pytest.approx(low), pytest.approx(high))
        else:  # of two events, never narrower than of independent particles
            assert values[name].low <= low + 1e-9
            assert values[name].high >= high - 1e-9
    alone = "; Clopper-Pearson, one event: all taken as independent"  # the second event has no such track
    assert values["duplicate_rate_double_majority"].definition.endswith(alone)
    assert values["efficiency_double_majority"].definition.endswith(
        "; Korn-Graubard over events, of none or all Clopper-Pearson over entries"
    )
    numbers = ("efficiency", "technical_efficiency", "fake_rate", "duplicate_rate")
    assert set(values) == {f"{number}_{name}" for number in numbers for name in ALL}


def test_definitions_print_all_cuts(metric) -> None:
    values = metric("tracking_efficiency", min_pt=0.9, min_track_hits=4).compute(example().predictions(), 0).values
    text = values["technical_efficiency_lhc"].definition
    for part in ("tracking_efficiency v2", "charged", "pT > 0.9 GeV", "|eta| < 2.5", ">= 9 hits", ">= 4 hits", "75 %"):
        assert part in text
    assert ">= 3 hits" in values["efficiency_lhc"].definition
    assert "left out" in values["fake_rate_perfect"].definition


def test_curves_divide_the_numbers(metric) -> None:
    sample = Sample().event()
    for pt, eta, phi, radius, is_found in [
        (1.1, -2.4, -3.0, 0.0, True),
        (1.1, 0.0, 0.0, 0.0, False),
        (4.0, 0.0, 3.0, 15.0, True),
        (400.0, 2.4, 3.0, 15.0, True),  # beyond the last bin of pt
    ]:
        place = len(sample.events[-1][0])
        sample.particle(10, pt=pt, eta=eta, phi=phi, radius=radius)
        if is_found:
            sample.track(10, (place, 10))
    sample.track(6)
    result = metric("tracking_efficiency", definitions=["perfect"], eta_bins=2, phi_bins=1).compute(
        sample.predictions(), 0
    )
    pt, eta, phi, radius = (
        result.tables[f"tracking_efficiency.efficiency_perfect.{name}"] for name in ("pt", "eta", "phi", "radius")
    )
    assert (pt["low"].tolist(), pt["value"].tolist(), pt["n"].tolist()) == ([1.0, 3.0], [0.5, 1.0], [2, 1])
    assert (eta["low"].tolist(), eta["n"].tolist(), eta["value"].tolist()) == ([-2.5, 0.0], [1, 3], [1.0, 2 / 3])
    assert (phi["n"].tolist(), phi["value"].tolist()) == ([4], [0.75])
    assert (radius["low"].tolist(), radius["high"].tolist()) == ([0.0, 10.0], [0.1, 20.0])
    assert (phi["lo"] < 0.75).all()
    assert (phi["hi"] > 0.75).all()
    fakes = result.tables["tracking_efficiency.fake_rate_perfect.phi"]
    assert (fakes["n"].tolist(), fakes["value"].tolist()) == ([3], [0.0])  # noise has no direction
    assert result.values["fake_rate_perfect"].n == 4


def test_no_tracks_at_all(metric) -> None:
    predictions = Sample().event().particle(10).predictions()
    result = metric("tracking_efficiency", definitions=["lhc"]).compute(predictions, 0)
    assert set(result.values) == {"efficiency_lhc", "technical_efficiency_lhc"}
    assert result.values["efficiency_lhc"].value == 0.0
    assert len(result.tables["tracking_efficiency.fake_rate_lhc.pt"]["n"]) == 0


def test_paired_difference(metric) -> None:
    first, second = Sample(), Sample()
    random = np.random.default_rng(3)
    for _ in range(60):
        for sample in (first.event(), second.event()):
            sample.particle(10).particle(10).particle(10)
        for place in range(3):
            first.track(10, (place, 10))
            if random.random() < 0.8:
                second.track(10, (place, 10))
        second.track(7)
    lost = 180 - sum(len(event[1]) - 1 for event in second.events)
    measure = metric("tracking_efficiency", definitions=["double_majority"])
    values = measure.compare(first.predictions(), second.predictions(), 1).values
    assert set(values) == {
        f"{number}_double_majority_difference" for number in ("efficiency", "technical_efficiency", "fake_rate")
    }
    gain = values["efficiency_double_majority_difference"]
    assert gain.value == pytest.approx(lost / 180)
    assert (gain.high - gain.low) / 2 == pytest.approx(np.sqrt(0.2 * 0.8 / 180), rel=0.3)
    assert values["fake_rate_double_majority_difference"].value == pytest.approx(-60 / (240 - lost))
    same = measure.compare(first.predictions(), first.predictions(), 1).values["efficiency_double_majority_difference"]
    most = 1.0 - TAIL ** (1.0 / 180.0)  # none of 180 particles differs
    assert (same.value, same.low, same.high) == pytest.approx((0.0, -most, most))
    assert measure.compare(first.predictions(), second.predictions(), 1).values == values


def test_of_one_event_particles_are_paired(metric) -> None:
    first, second = Sample().event(), Sample().event()
    for sample in (first, second):
        for _ in range(50):
            sample.particle(10)
    for place in range(50):
        first.track(10, (place, 10))
        second.track(10 if place else 6, (place, 10 if place else 3))
    measure = metric("tracking_efficiency", definitions=["double_majority"])
    values = measure.compare(first.predictions(), second.predictions(), 1).values
    gain = values["efficiency_double_majority_difference"]
    assert gain.value == pytest.approx(0.02)
    assert 0.0 <= gain.low < gain.value < gain.high < 0.06  # one particle of fifty, not one event of one
    assert "replicas of particles" in gain.definition
    fakes = values["fake_rate_double_majority_difference"]
    assert fakes.low < fakes.value < fakes.high
    assert "unpaired" in fakes.definition


def test_what_is_lost_together_widens_the_interval(metric) -> None:
    together, apart = Sample(), Sample()
    for number in range(20):
        for sample in (together.event(), apart.event()):
            for _ in range(20):
                sample.particle(10)
        for place in range(20):
            if number % 4:
                together.track(10, (place, 10))
            if place % 4:
                apart.track(10, (place, 10))
    wide, narrow = (
        metric("tracking_efficiency", definitions=["lhc"]).compute(sample.predictions(), 0)
        for sample in (together, apart)
    )
    one, other = (result.values["efficiency_lhc"] for result in (wide, narrow))
    assert one.value == other.value == 0.75
    low, high = clopper_pearson(np.array(300), np.array(400))
    assert (other.low, other.high) == pytest.approx((float(low), float(high)))
    assert one.high - one.low > 4 * (other.high - other.low)
    bins = [result.tables["tracking_efficiency.efficiency_lhc.eta"] for result in (wide, narrow)]
    assert (bins[0]["hi"] - bins[0]["lo"] > 4 * (bins[1]["hi"] - bins[1]["lo"])).all()


@pytest.mark.parametrize("few", [3, 9])
def test_no_particle_inside_the_cuts(metric, few: int) -> None:
    predictions = Sample().event().particle(few - 1).particle(20, pt=0.5).track(5, (1, 5)).predictions()
    with pytest.raises(DataError, match=f"needs charged particles with .* >= {few} hits; got: none of 2"):
        metric("tracking_efficiency").compute(predictions, 0)


@pytest.mark.parametrize("settings", [{"definitions": []}, {"definitions": ["most"]}, {"pt_edges": [2.0, 1.0]}])
def test_impossible_settings_are_refused(metric, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        metric("tracking_efficiency", **settings)
