"""Intervals of resolutions, responses, linearity and calibration cover known truths as often as they say.

Each case is many samples with the same truth; the share of those whose interval holds it has a standard error of 1 to
2 %. Bounds are 68.3 % less or more three of these, and wider only where a bound says why.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from hitforge.metrics import METRICS, Metric, Predictions, Value
from tests.targets import target
from tests.track_tables import Sample as Tracks

GOAL = 0.6827


def metric(name: str, kind: str | None = None, **settings: object) -> Metric:
    return METRICS.build({"name": name, **settings}, target(kind) if kind else None, where="test")


def holds(value: Value, truth: float) -> bool:
    return value.low <= truth <= value.high


def covered(shares: np.ndarray, toys: int, low: float = 0.0, high: float = 0.0) -> None:
    """Each share is the goal within three standard errors, and ``low`` below or ``high`` above it."""
    error = 3.0 * np.sqrt(GOAL * (1.0 - GOAL) / toys)
    assert (np.abs(shares - GOAL - 0.5 * (high - low)) < error + 0.5 * (high + low)).all(), shares


def leaking(random: np.random.Generator, number: int) -> np.ndarray:
    """Predicted/true of showers of which some leak: a tenth lose energy, on average 20 %."""
    ratio = random.normal(1.0, 0.1, number)
    return np.where(random.random(number) < 0.1, ratio - np.minimum(random.exponential(0.2, number), 0.8), ratio)


@pytest.mark.parametrize(("number", "toys"), [(30, 600), (1000, 540)])
def test_error_and_width_of_an_energy(number: int, toys: int) -> None:
    large = leaking(np.random.default_rng(0), 2_000_000)
    low, middle, high = np.quantile(large, [0.158655, 0.5, 0.841345])
    truths = {"energy_error": np.abs(large - 1.0).mean(), "energy_sigma68": 0.5 * (high - low) / middle}
    random, found = np.random.default_rng(number), np.zeros(len(truths))
    one = metric("energy_resolution", edges=[1000, 1001], replicas=100)
    for toy in range(toys):
        ratio = np.maximum(leaking(random, number), 1e-3)
        columns = {"true_energy": np.full(number, 50.0), "predicted_energy": 50.0 * ratio}
        values = one.compute(Predictions(columns), toy).values
        found += [holds(values[name], truth) for name, truth in truths.items()]
    covered(found / toys, toys, 0.02 if number < 100 else 0.0, 0.03 if number < 100 else 0.0)


@pytest.mark.parametrize(("number", "toys"), [(30, 600), (300, 540)])
def test_angles_and_positions(number: int, toys: int) -> None:
    """Angles have a Rayleigh distribution; distances in x a normal one."""
    random, found = np.random.default_rng(number), np.zeros(4)
    direction, position = (metric(f"{name}_resolution", replicas=100) for name in ("direction", "position"))
    truths = [np.sqrt(np.pi / 2), np.sqrt(-2.0 * np.log(1.0 - GOAL)), 2.0 * np.sqrt(2.0 / np.pi), 2.0]
    for toy in range(toys):
        columns = {"true_direction_x": np.zeros(number), "true_direction_y": np.zeros(number)}
        columns |= {"true_direction_z": np.ones(number), "predicted_direction_z": np.ones(number)}
        columns |= {f"predicted_direction_{axis}": 1e-3 * random.normal(size=number) for axis in "xy"}
        columns |= {f"true_barycentre_{axis}": np.zeros(number) for axis in "xyz"}
        columns |= {f"predicted_barycentre_{axis}": 2.0 * random.normal(size=number) for axis in "xyz"}
        sample = Predictions(columns)
        values = direction.compute(sample, toy).values | position.compute(sample, toy).values
        names = ("direction_error", "direction_sigma68", "barycentre_x_error", "barycentre_x_sigma68")
        found += [holds(values[name], truth) for name, truth in zip(names, truths, strict=True)]
    covered(found / toys, toys, 0.02 if number < 100 else 0.0, 0.04 if number < 100 else 0.0)


@pytest.mark.parametrize(("number", "toys"), [(30, 200), (150, 60)])
def test_widths_of_tracks_that_share_an_error_with_their_event(number: int, toys: int) -> None:
    """Half of the variance of z0 is that of the event, such as of its beam spot; d0 of each track is its own."""
    random, found = np.random.default_rng(number), np.zeros(3)
    one = metric("track_parameters", "track", eta_edges=[9.0, 10.0], replicas=100)
    for toy in range(toys):
        sample = Tracks()
        for _ in range(number):
            sample.event()
            common = random.normal()
            for place in range(int(random.integers(1, 9))):
                theta = 2 * np.arctan(np.exp(-0.5))
                fit = {"loc0": random.normal(), "z0": (common + random.normal()) / np.sqrt(2.0), "phi": 0.25}
                sample.particle(10, pt=2.0, eta=0.5, phi=0.25, d0=0.0, z0=0.0, charge=1.0)
                sample.track(10, (place, 10), theta=theta, q_over_p=0.5 / np.cosh(0.5), **fit)
        values = one.compute(sample.predictions(), toy).values
        truths = {"d0_sigma68": 1.0, "z0_sigma68": 1.0, "z0_mean": 0.0}
        found += [holds(values[name], truth) for name, truth in truths.items()]
    covered(found / toys, toys, 0.02)


TERMS = {"usual": (0.25, 0.4, 0.01), "no noise, no constant": (0.25, 0.0, 0.0), "hadrons": (1.1, 0.0, 0.05)}


@pytest.mark.parametrize("terms", TERMS.values(), ids=TERMS)
@pytest.mark.parametrize(("number", "toys"), [(1500, 250), (12_000, 120)])
def test_terms_of_the_resolution(number: int, toys: int, terms: tuple[float, float, float]) -> None:
    """S, N and C, also where they are 0, with few events a bin (60) and many."""
    random, found = np.random.default_rng(number), []
    one = metric("energy_resolution", replicas=50)
    for toy in range(toys):
        energy = np.exp(random.uniform(np.log(10.0), np.log(260.0), number))
        s, n, c = terms
        width = np.sqrt(s**2 / energy + n**2 / energy**2 + c**2)
        predicted = np.maximum(energy * (1.0 + width * random.normal(size=number)), 1e-3)
        values = one.compute(Predictions({"true_energy": energy, "predicted_energy": predicted}), toy).values
        told = [values[f"energy_{name}"] for name in ("stochastic", "noise", "constant")]
        found.append([[holds(v, true), v.value > true] for v, true in zip(told, terms, strict=True)])
    shares = np.mean(found, axis=0)
    covered(shares[:, 0], toys, 0.01, 0.03)
    # as often above as below: no bias
    assert (np.abs(shares[:, 1] - 0.5) < 3.0 * 0.5 / np.sqrt(toys) + 0.03).all(), shares[:, 1]


@pytest.mark.parametrize(
    ("shape", "low", "high"),
    [
        (lambda energy: 0.0 * energy, 0.0, 0.2),  # at 0 all that is not above chance holds it
        (lambda energy: np.where(energy < 30.0, -0.02, 0.0), 0.0, 0.08),
        (lambda energy: 0.02 * np.log10(energy / 70.0), 0.0, 0.12),
    ],
    ids=["linear", "one bin", "slope"],
)
@pytest.mark.parametrize(("number", "toys"), [(1500, 250), (12_000, 120)])
def test_deviation_from_linearity(
    number: int, toys: int, shape: Callable[[np.ndarray], np.ndarray], low: float, high: float
) -> None:
    random, found = np.random.default_rng(number), 0
    edges = [20, 30, 40, 60, 80, 100, 150, 200]
    fine = [np.exp(np.linspace(np.log(a), np.log(b), 999)[1:-1]) for a, b in pairwise(edges)]
    response = np.array([(1.0 + shape(energy)).mean() for energy in fine])
    truth = float(np.abs(response / response.mean() - 1.0).max())
    one = metric("energy_resolution", replicas=50, edges=edges)
    for toy in range(toys):
        energy = np.exp(random.uniform(np.log(10.0), np.log(260.0), number))
        ratio = 1.0 + shape(energy) + 0.5 / np.sqrt(energy) * random.normal(size=number)
        columns = {"true_energy": energy, "predicted_energy": energy * np.maximum(ratio, 1e-3)}
        found += holds(one.compute(Predictions(columns), toy).values["energy_linearity"], truth)
    covered(np.array([found / toys]), toys, low, high)


def scores(random: np.random.Generator, number: int, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and the probabilities that belong to them."""
    score = random.beta(0.7, 0.7, number)
    return score, np.clip(0.5 + stretch * (score - 0.5), 0.0, 1.0)


@pytest.mark.parametrize(
    ("number", "stretch", "high"), [(30, 1.0, 0.2), (30, 0.5, 0.17), (2000, 1.0, 0.2), (2000, 0.85, 0.17)]
)
def test_calibration_error_of_true_probabilities_and_of_stretched_ones(
    number: int, stretch: float, high: float
) -> None:
    toys = 300
    random, found = np.random.default_rng(number), np.zeros(3)
    one = metric("calibration", replicas=50)
    score, true = scores(random, 2_000_000, stretch)
    index = np.minimum((score * 15).astype(int), 14)
    truth = np.abs(np.bincount(index, true - score)).sum() / len(score)
    brier = ((score - true) ** 2 + true * (1.0 - true)).mean()
    clipped = np.clip(score, 1e-7, 1.0 - 1e-7)
    loss = -(true * np.log(clipped) + (1.0 - true) * np.log1p(-clipped)).mean()
    for toy in range(toys):
        score, true = scores(random, number, stretch)
        signal = random.random(number) < true
        columns = {"target": signal.astype(int), "score_b": score, "score_a": 1.0 - score}
        values = one.compute(Predictions(columns, ("a", "b"), 1), toy).values
        truths = {"error": truth, "brier": brier, "log_loss": loss}
        found += [holds(values[f"calibration.{name}"], true) for name, true in truths.items()]
    covered(found[:1] / toys, toys, 0.02, high)
    covered(found[1:] / toys, toys, 0.06 if number < 100 else 0.02)  # the loss has a tail


@pytest.mark.parametrize(("number", "toys"), [(10, 800), (30, 600), (1000, 540)])
def test_means_over_events(number: int, toys: int) -> None:
    random, found = np.random.default_rng(number), np.zeros(2)
    one = metric("event_means", replicas=100)
    for toy in range(toys):
        columns = {"normal": random.normal(2.0, 1.0, number), "share": random.beta(8.0, 2.0, number)}
        values = one.compute(Predictions(columns), toy).values
        found += [holds(values["normal"], 2.0), holds(values["share"], 0.8)]
    covered(found / toys, toys, 0.03 if number < 30 else 0.0)
