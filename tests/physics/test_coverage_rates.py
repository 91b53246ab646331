"""Intervals of rates cover the truth in 68.3 % of samples: few and many events, particles that share their luck."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from scipy.stats import norm

from hitforge.core.arrays import Array
from hitforge.events import Collection
from hitforge.metrics import METRICS, Metric, Predictions, Value
from hitforge.metrics._intervals import clopper_pearson
from tests.targets import target

TOYS = 240
"""Samples of a test; the error of the coverage is 3.0 %."""
NOMINAL = 0.6827
ERROR = 2.5 * (NOMINAL * (1.0 - NOMINAL) / TOYS) ** 0.5
EXACT = 0.07
"""Clopper-Pearson covers more than it must, at whole and at effective numbers."""
SHARE, CORRELATION, PARTICLES, FAKE = 0.85, 0.2, 15, 2.0
"""Share of particles that are found, correlation of those of one event, their mean number in an event, and of fakes."""


def built(name: str, **settings: object) -> Metric:
    kind = METRICS.get(name).kind
    return METRICS.build({"name": name, **settings}, target(kind) if kind else None, where="test")


def coverage(sample: Callable[[np.random.Generator], Sequence[Predictions]], metric: Metric, **truth: float) -> None:
    """Ask whether intervals hold the truth in 68.3 % of samples; of two predictions those of the difference."""
    random, held = np.random.default_rng(17), dict.fromkeys(truth, 0)
    for number in range(TOYS):
        made = sample(random)
        values = (metric.compute(*made, number) if len(made) == 1 else metric.compare(*made, number)).values
        for name, true in truth.items():
            held[name] += holds(values[name], true)
    for name, count in held.items():
        is_exact = "Korn-Graubard" in values[name].definition or "Clopper-Pearson" in values[name].definition
        assert NOMINAL - ERROR < count / TOYS < NOMINAL + ERROR + EXACT * is_exact, (name, count / TOYS)


def holds(value: Value, true: float) -> bool:
    assert value.low < value.high  # never without a width
    return value.low <= true <= value.high


def luck(random: np.random.Generator, events: int) -> tuple[Array, Array, Array]:
    """Number of particles of each event, (N,), the event of each particle, and the chance that it is found, (P,)."""
    strength = 1.0 / CORRELATION - 1.0
    share = random.beta(SHARE * strength, (1.0 - SHARE) * strength, events)
    counts = random.poisson(PARTICLES - 1, events) + 1
    event = np.repeat(np.arange(events), counts)
    return counts, event, share[event]


def tracks(random: np.random.Generator, events: int, methods: int = 1) -> list[Predictions]:
    """Particles of ten hits, perfect tracks of those that are found, and fakes of which an event has many or few."""
    counts, event, share = luck(random, events)
    size, ones, many = len(event), np.ones(len(event)), random.gamma(1.0, FAKE, events)
    local = np.arange(size) - np.repeat(np.cumsum(counts) - counts, counts)
    particles = {
        "particle": local, "pdg": 13 * np.ones(size, int), "charge": -ones, "pt": 2 * ones, "eta": 0.5 * ones,
        "phi": 0.2 * ones, "radius": 0 * ones, "vz": 0 * ones, "hits": np.full(size, 10), "weight": 0 * ones,
        "layers": np.full(size, 10),
    }  # fmt: skip
    result = []
    for _ in range(methods):
        is_found = random.random(size) < share
        found = np.bincount(event[is_found], minlength=events)
        number = np.arange(found.sum()) - np.repeat(np.cumsum(found) - found, found)
        matches = {"track": number, "particle": local[is_found], "hits": np.full(len(number), 10)}
        matches["weight"] = np.zeros(len(number))
        every = found + random.poisson(many)
        members = {"track": np.zeros(0, int), "hit": np.zeros(0, int)}
        tables = {
            "particles": Collection.from_counts(counts, particles),
            "tracks": Collection.from_counts(every, {"hits": np.full(int(every.sum()), 10)}),
            "matches": Collection.from_counts(found, matches),
            "members": Collection.from_counts(np.zeros(events, int), members),
        }
        result.append(Predictions({}, tables=tables))
    return result


def showers(random: np.random.Generator, events: int, methods: int = 1) -> list[Predictions]:
    """A shower of each particle; those that are no match have lower scores than all others."""
    counts, event, share = luck(random, events)
    size, ones = len(event), np.ones(len(event))
    local = np.arange(size) - np.repeat(np.cumsum(counts) - counts, counts)
    particles = {
        "particle": local, "pdg": np.full(size, 22), "kind": np.zeros(size, int), "energy": 50 * ones,
        "deposited": 40 * ones, "u": 0 * ones, "v": 0 * ones, "depth": 9 * ones, "nearest": 50 * ones, "eta": 2 * ones,
    }  # fmt: skip
    result = []
    for _ in range(methods):
        is_found = random.random(size) < share
        shared = np.where(is_found, 40.0, 10.0)
        found = {"score": 0.5 * random.random(size) + 0.5 * is_found, "energy": 50 * ones, "hadron": 0 * ones}
        found |= {"raw": 40 * ones, "of_particles": shared, "u": 0 * ones, "v": 0 * ones}
        matches = {"shower": local, "particle": local, "shared": shared, "union": 80 - shared}
        columns = {"particles": particles, "showers": found, "matches": matches}
        tables = {name: Collection.from_counts(counts, values) for name, values in columns.items()}
        result.append(Predictions({}, tables=tables))
    return result


def scores(random: np.random.Generator, events: int, methods: int = 1) -> list[Predictions]:
    """Two normal distributions one apart; further methods see the same events with noise of their own."""
    truth = np.arange(events) % 2
    common = 0.8 * random.normal(size=events) + truth - 0.5
    result = []
    for _ in range(methods):
        score = norm.cdf(common + 0.6 * random.normal(size=events))
        columns = {"target": truth, "score_b": 1.0 - score, "score_a": score, "pt": np.ones(events)}
        result.append(Predictions(columns, ("b", "a"), 1))
    return result


FAKES = FAKE / (FAKE + SHARE * PARTICLES)
AUC = float(norm.cdf(1.0 / 2.0**0.5))
RATES = {"name": "tracking_efficiency", "definitions": ["double_majority"], "eta_bins": 1, "phi_bins": 1}


@pytest.mark.parametrize("events", [10, 150])
def test_tracks(events: int) -> None:
    def made(random: np.random.Generator) -> list[Predictions]:
        return tracks(random, events)

    coverage(made, built(**RATES), efficiency_double_majority=SHARE, fake_rate_double_majority=FAKES)
    coverage(made, built("gnn_tracking_rates"), gnn_tracking_double_majority=SHARE)
    coverage(made, built("trackml_score", replicas=200), trackml_score_target=SHARE)
    coverage(made, built("object_counts", replicas=200), tracks_per_event=SHARE * PARTICLES + FAKE)


@pytest.mark.parametrize("events", [10, 150])
def test_differences_of_tracks(events: int) -> None:
    def made(random: np.random.Generator) -> list[Predictions]:
        return tracks(random, events, 2)

    truth = dict.fromkeys(("efficiency_double_majority_difference", "fake_rate_double_majority_difference"), 0.0)
    coverage(made, built(**RATES, replicas=200), **truth)
    coverage(made, built("trackml_score", replicas=200), trackml_score_target_difference=0.0)


@pytest.mark.parametrize("events", [10, 150])
def test_showers(events: int) -> None:
    def made(random: np.random.Generator) -> list[Predictions]:
        return showers(random, events)

    coverage(made, built("shower_efficiency", min_score=0.0), efficiency=SHARE, fake_rate=1.0 - SHARE)
    coverage(made, built("average_precision", thresholds=[0.5], replicas=100), ap_50=SHARE)


@pytest.mark.parametrize("events", [10, 150])
def test_differences_of_showers(events: int) -> None:
    def made(random: np.random.Generator) -> list[Predictions]:
        return showers(random, events, 2)

    coverage(made, built("shower_efficiency", min_score=0.0), efficiency_difference=0.0, fake_rate_difference=0.0)
    coverage(made, built("average_precision", thresholds=[0.5], replicas=100), ap_50_difference=0.0)


@pytest.mark.parametrize("events", [30, 300])
def test_scores(events: int) -> None:
    def made(random: np.random.Generator) -> list[Predictions]:
        return scores(random, events)

    coverage(made, built("roc_auc", replicas=100), roc_auc=AUC)
    coverage(made, built("class_roc", replicas=60), auc_a=AUC, accuracy=norm.cdf(0.5))
    coverage(made, built("confusion"), accuracy=norm.cdf(0.5))
    passed = {"background_efficiency.at_0.80": norm.sf(norm.ppf(0.2) + 1.0)}
    coverage(made, built("background_efficiency", replicas=200), **passed)
    coverage(lambda random: scores(random, events, 2), built("roc_auc", replicas=100), roc_auc_difference=0.0)


@pytest.mark.parametrize("events", [30, 300])
def test_profile_of_scores(events: int) -> None:
    random, metric, held = np.random.default_rng(3), built("score_profile", bins=1), 0
    for _ in range(TOYS):
        table = metric.compute(*scores(random, events), 0).tables["score_profile.pt"]
        held += bool(table["auc_low"][0] <= AUC <= table["auc_high"][0])
    assert held / TOYS == pytest.approx(NOMINAL, abs=ERROR)


def test_particles_taken_as_independent_cover_too_little() -> None:
    random, held = np.random.default_rng(1), 0
    for _ in range(TOYS):
        value = built(**RATES).compute(*tracks(random, 40), 0).values["efficiency_double_majority"]
        low, high = clopper_pearson(np.array(round(value.value * value.n)), np.array(value.n))
        held += bool(low <= SHARE <= high)
    assert held / TOYS < 0.5
