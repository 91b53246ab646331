"""Predictions whose metrics are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hitforge.metrics import METRICS, Metric, Predictions
from hitforge.objects import KINDS
from tests.targets import target


def _metric(name: str, **settings: object) -> Metric:
    kind = METRICS.get(name).kind
    asked = {key: settings.pop(key) for key in list(settings) if kind and key in KINDS.get(kind).Config.model_fields}
    return METRICS.build({"name": name, **settings}, target(kind, **asked) if kind else None, where="test")


def _predictions(score: np.ndarray, is_signal: np.ndarray, **columns: np.ndarray) -> Predictions:
    score = np.asarray(score, np.float64)
    target = np.asarray(is_signal, np.int64)
    return Predictions(
        {"target": target, "score_photon": 1.0 - score, "score_electron": score, **columns}, ("photon", "electron"), 1
    )


def _gaussian(seed: int, signal: int, background: int, shift: float) -> Predictions:
    """AUC = Phi(shift / sqrt 2); scores are true probabilities where the classes are equally many."""
    random = np.random.default_rng(seed)
    raw = np.concatenate([random.normal(shift, 1.0, signal), random.normal(0.0, 1.0, background)])
    score = 1.0 / (1.0 + np.exp(-shift * (raw - 0.5 * shift)))
    return _predictions(score, np.arange(signal + background) < signal)


def _shower(number: int, seed: int, sigma: Callable[[np.ndarray], np.ndarray], error: float = 1.0) -> Predictions:
    """A regression on the same ``number`` showers: relative energy error ``sigma(E)``, position error in mm."""
    random = np.random.default_rng(number)
    energy = random.uniform(5.0, 300.0, number)
    position = random.normal(0.0, 300.0, (3, number))
    random = np.random.default_rng(seed)
    columns = {
        "true_energy": energy,
        "predicted_energy": np.maximum(energy * (1.0 + sigma(energy) * random.normal(size=number)), 1e-3),
    }
    for axis, true in zip("xyz", position, strict=True):
        columns[f"true_barycentre_{axis}"] = true
        columns[f"predicted_barycentre_{axis}"] = true + error * random.normal(size=number)
    return Predictions(columns)


@pytest.fixture(scope="session")
def shower() -> Callable[..., Predictions]:
    """Make predictions of showers with Gaussian errors."""
    return _shower


@pytest.fixture(scope="session")
def metric() -> Callable[..., Metric]:
    """Build a metric from its recipe name and settings."""
    return _metric


@pytest.fixture(scope="session")
def predictions() -> Callable[..., Predictions]:
    """Make predictions of a photon-electron sample from scores and truth."""
    return _predictions


@pytest.fixture(scope="session")
def gaussian() -> Callable[..., Predictions]:
    """Make predictions from two normal distributions one ``shift`` apart."""
    return _gaussian


@pytest.fixture(scope="session")
def three_classes() -> Predictions:
    """A sample of three classes, whose second is the signal."""
    random = np.random.default_rng(5)
    target = random.integers(0, 3, 900)
    logits = random.normal(0.0, 1.0, (900, 3)) + 1.5 * np.eye(3)[target]
    share = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Predictions(
        {"target": target, "score_a": share[:, 0], "score_b": share[:, 1], "score_c": share[:, 2]}, ("a", "b", "c"), 1
    )
