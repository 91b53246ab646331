"""Perfect tracks give perfect numbers; merged, split and contaminated ones give those that can be counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Events
from hitforge.metrics import METRICS, Predictions, Result
from hitforge.objects.track.matching import match
from tests.targets import target
from tests.track_events import event, members

DEFINITIONS = ("double_majority", "perfect", "lhc", "atlas_one_way", "atlas_two_way")
PARTICLES, LAYERS = 12, 10


def hits_of(particle: int) -> list[int]:
    """Hits of a particle: the sample is made layer by layer, then noise."""
    return [layer * PARTICLES + particle for layer in range(LAYERS)]


def sample(events: int, soft: int) -> Events:
    """Muons of 5 GeV (the first ``soft`` of 0.5 GeV), ten hits each; noise; a merged hit of the first two."""
    owners: list[list[int]] = [[particle] for _ in range(LAYERS) for particle in range(PARTICLES)]
    owners[4 * PARTICLES] = [0, 1]
    layers = [layer for layer in range(LAYERS) for _ in range(PARTICLES)]
    owners, layers = owners + [[]] * 8, layers + list(range(8))
    weight = np.where([len(group) > 0 for group in owners], 1.0 / (PARTICLES * LAYERS), 0.0)
    size = np.where(np.arange(PARTICLES) < soft, 0.1, 1.0)
    one = event(owners, layers, weight=weight.tolist(), px=(3.0 * size).tolist(), py=(4.0 * size).tolist())
    return Events.concatenate([one] * events)


def measured(name: str, tracks: list[list[int]], soft: int = 0, **settings: object) -> Result:
    tables = match(sample(3, soft), members(*[tracks] * 3))
    predictions = Predictions({"number": np.arange(3)}, tables=tables)
    return METRICS.build(name, target("track", **settings), where="test").compute(predictions, 0)


def perfect() -> list[list[int]]:
    tracks = [hits_of(particle) for particle in range(PARTICLES)]
    tracks[1].append(4 * PARTICLES)  # the merged hit is on both tracks
    return tracks


@pytest.mark.parametrize("name", DEFINITIONS)
def test_perfect_tracks(name: str) -> None:
    result = measured("tracking_efficiency", perfect())
    for number, expected in (("efficiency", 1), ("technical_efficiency", 1), ("fake_rate", 0), ("duplicate_rate", 0)):
        value = result.values[f"{number}_{name}"]
        assert value.value == expected
        assert value.n == 3 * PARTICLES
        table = result.tables[f"tracking_efficiency.{number}_{name}.phi"]
        assert (table["value"] == expected).all()
        assert table["n"].sum() == 3 * PARTICLES


def test_perfect_tracks_have_the_whole_score() -> None:
    assert measured("trackml_score", perfect()).values["trackml_score"].value == pytest.approx(1.0)


def test_a_shared_hit_that_is_missing_is_not_perfect_but_found() -> None:
    tracks = perfect()
    tracks[1].remove(4 * PARTICLES)
    values = measured("tracking_efficiency", tracks).values
    assert values["efficiency_perfect"].value == (PARTICLES - 1) / PARTICLES
    assert values["efficiency_double_majority"].value == 1


def test_two_merged_tracks_are_one_particle_by_halves_and_none_by_majority() -> None:
    tracks = perfect()
    joined = tracks[:2] + tracks[4:]
    joined.append(tracks[2] + tracks[3])  # 20 hits, ten of each
    values = measured("tracking_efficiency", joined).values
    expected = {
        "double_majority": PARTICLES - 2,
        "perfect": PARTICLES - 2,
        "lhc": PARTICLES - 2,
        "atlas_one_way": PARTICLES - 1,
        "atlas_two_way": PARTICLES - 1,
    }
    for name, number in expected.items():
        assert values[f"efficiency_{name}"].value == pytest.approx(number / PARTICLES)
        fakes = PARTICLES - 1 - number
        assert values[f"fake_rate_{name}"].value == pytest.approx(fakes / (PARTICLES - 1))


def test_a_split_track_is_found_by_its_longer_part_and_a_duplicate_where_any_part_will_do() -> None:
    tracks = perfect()
    halves = [*tracks[:5], tracks[5][:6], tracks[5][6:], *tracks[6:]]  # six and four hits
    values = measured("tracking_efficiency", halves, min_track_hits=4).values
    assert values["efficiency_double_majority"].value == 1
    assert values["fake_rate_double_majority"].value == pytest.approx(1 / (PARTICLES + 1))
    assert values["efficiency_perfect"].value == pytest.approx((PARTICLES - 1) / PARTICLES)
    assert values["fake_rate_lhc"].value == 0
    assert values["duplicate_rate_lhc"].value == pytest.approx(1 / (PARTICLES + 1))
    assert values["duplicate_rate_atlas_two_way"].value == 0
    score = measured("trackml_score", halves).values["trackml_score"].value
    assert score == pytest.approx(1.0 - 4 / (PARTICLES * LAYERS))


def test_tracks_of_noise_are_fakes() -> None:
    noise = [PARTICLES * LAYERS + number for number in range(8)]
    values = measured("tracking_efficiency", [*perfect(), noise]).values
    for name in DEFINITIONS:
        assert values[f"fake_rate_{name}"].value == pytest.approx(1 / (PARTICLES + 1))
        assert values[f"efficiency_{name}"].value == 1


def test_tracks_of_particles_outside_the_cuts_are_not_fakes() -> None:
    values = measured("tracking_efficiency", perfect(), soft=4).values
    for name in DEFINITIONS:
        assert (values[f"efficiency_{name}"].value, values[f"efficiency_{name}"].n) == (1, 3 * (PARTICLES - 4))
        assert (values[f"fake_rate_{name}"].value, values[f"fake_rate_{name}"].n) == (0, 3 * (PARTICLES - 4))
        assert values[f"duplicate_rate_{name}"].n == 3 * (PARTICLES - 4)
    with pytest.raises(DataError, match="pT > 5 GeV"):
        measured("tracking_efficiency", perfect(), min_pt=5.0)


def test_score_of_an_event_of_the_challenge(public_data: Path) -> None:
    """Shuffled tracks of a real event, against the challenge's rule written down hit by hit."""
    folder = public_data / "trackml"
    if not (folder / "event000000001-truth.csv.gz").is_file():
        pytest.skip("needs trackml/event000000001-truth.csv.gz")
    truth = np.genfromtxt(folder / "event000000001-truth.csv.gz", delimiter=",", names=True, dtype=None)
    owner = np.unique(truth["particle_id"], return_inverse=True)[1] - 1  # the lowest is 0, noise
    random = np.random.default_rng(1)
    track = np.where(random.random(len(owner)) < 0.85, owner, random.integers(0, owner.max(), len(owner)))
    track[owner < 0] = owner.max() + 1
    whole = event([[one] if one >= 0 else [] for one in owner], weight=truth["weight"].tolist())
    tables = match(whole, members([np.flatnonzero(track == number).tolist() for number in range(owner.max() + 2)]))
    metric = METRICS.build("trackml_score", where="test")
    value = metric.compute(Predictions({"number": np.arange(1)}, tables=tables), 0).values["trackml_score"].value
    gained = 0.0
    for number in np.unique(track):
        count = np.bincount(owner[(track == number) & (owner >= 0)], minlength=1)
        major = int(count.argmax())
        if 2 * count[major] > (track == number).sum() and 2 * count[major] > (owner == major).sum():
            gained += truth["weight"][(track == number) & (owner == major)].sum()
    assert value == pytest.approx(gained / truth["weight"].sum(), rel=1e-6)
    assert 0.5 < value < 0.95
