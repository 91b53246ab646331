"""The area under the ROC curve: exact, its covariance between models, and its bootstrap."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, logit, stdtrit

from hitforge.core.arrays import Array
from hitforge.metrics._intervals import TAIL, bounded, paired


def midranks(values: Array) -> Array:
    """Return the rank of each value from 1, (N,) float64; tied values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - 0.5 * (counts - 1))[inverse]


def placements(score: Array, is_signal: Array) -> tuple[Array, Array]:
    """Return where each event stands among those of the other class.

    With midranks in the joint and in each single class, as in Sun and Xu, IEEE Signal Proc. Lett. 21 (2014) 1389.

    Returns:
        Share of the background below each signal event, (P,), and of the signal above each background event, (N,);
        ties count one half. The mean of either is the AUC.
    """
    signal, background = score[is_signal], score[~is_signal]
    joint = midranks(np.concatenate([signal, background]))
    below = (joint[: len(signal)] - midranks(signal)) / len(background)
    above = 1.0 - (joint[len(signal) :] - midranks(background)) / len(signal)
    return below, above


def auc(score: Array, is_signal: Array) -> float:
    """Return the probability that a signal event scores above a background event, ties counted one half."""
    return float(placements(score, is_signal)[0].mean())


def covariance(scores: list[Array], is_signal: Array) -> tuple[Array, Array]:
    """Return the AUC of each of K models on the same events, (K,), and their covariance, (K, K).

    DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837.
    """
    parts = [placements(score, is_signal) for score in scores]
    below, above = np.stack([part[0] for part in parts]), np.stack([part[1] for part in parts])  # (K, P), (K, N)
    total = np.zeros((len(scores), len(scores)))
    for shares in (below, above):
        if shares.shape[1] > 1:
            total += np.atleast_2d(np.cov(shares)) / shares.shape[1]
    return below.mean(axis=1), total


def bootstrap_auc(scores: list[Array], is_signal: Array, replicas: int, random: np.random.Generator) -> Array:
    """Return bootstrap replicas of the AUC of K models on the same events, (replicas, K).

    Signal and background are drawn again separately (stratified), and each draw is shared by all models (paired).
    """
    signal, background = np.flatnonzero(is_signal), np.flatnonzero(~is_signal)
    sorted_models = [_sorted(score) for score in scores]
    result = np.empty((replicas, len(scores)))
    weight = np.empty((2, len(is_signal)))
    for replica in range(replicas):
        weight[:] = 0.0
        for row, members in zip(weight, (signal, background), strict=True):
            row[members] = np.bincount(random.integers(0, len(members), len(members)), minlength=len(members))
        for model, (order, starts) in enumerate(sorted_models):
            pulled = weight[:, order]
            hit, miss = pulled if starts is None else np.add.reduceat(pulled, starts, axis=1)
            result[replica, model] = hit @ (np.cumsum(miss) - 0.5 * miss)
    return result / (len(signal) * len(background))


def auc_interval(replicas: Array, value: float, is_signal: Array) -> tuple[float, float]:
    """Return the interval of an AUC: ``bounded``, with the smaller class as its entries.

    Args:
        replicas: (B,).
        value: What was measured.
        is_signal: (N,) bool.
    """
    smaller = _smaller(is_signal)
    return bounded(replicas, value, smaller, float(smaller))


def delong_interval(value: float, variance: float, is_signal: Array) -> tuple[float, float]:
    """Return the interval of an AUC from its variance, symmetric in the logit, so that it stays within 0 to 1.

    M. S. Pepe, The statistical evaluation of medical tests (2003), 5.2.4; with Student's quantile of the smaller class.
    Without variance (the classes separate fully) Clopper-Pearson of the smaller class, as of ``auc_interval``.

    Args:
        value: What was measured.
        variance: By ``covariance``.
        is_signal: (N,) bool.
    """
    slope = value * (1.0 - value)
    if variance <= 0.0 or slope <= 0.0:
        return auc_interval(np.array([value]), value, is_signal)
    width = stdtrit(max(_smaller(is_signal) - 1, 1), 1.0 - TAIL) * math.sqrt(variance) / slope
    low, high = expit(logit(value) + np.array([-width, width]))
    return float(low), float(high)


def difference_interval(replicas: Array, value: float, is_signal: Array) -> tuple[float, float]:
    """Return the interval of the difference of two AUC on the same events: ``paired``; arguments as before.

    Args:
        replicas: Of the difference, (B,).
        value: What was measured.
        is_signal: (N,) bool.
    """
    smaller = _smaller(is_signal)
    return paired(replicas, value, smaller, float(smaller))


def curve(score: Array, is_signal: Array, points: int) -> tuple[Array, Array]:
    """Return false and true positive rates, falling threshold, thinned evenly in tpr and in the logarithm of fpr.

    Args:
        score: (N,).
        is_signal: (N,) bool.
        points: Most points that are kept.

    Returns:
        False and true positive rates, (P,) each, from 0 to 1.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    passed = np.cumsum(is_signal[order])[ends]
    tpr = np.concatenate([[0.0], passed / passed[-1]])
    fpr = np.concatenate([[0.0], (ends + 1 - passed) / (ends[-1] + 1 - passed[-1])])
    if len(tpr) > points:
        half = (points - 2) // 2
        smallest = 1.0 / (ends[-1] + 1 - passed[-1])
        keep = np.concatenate(
            [
                [0, len(tpr) - 1],
                np.searchsorted(tpr, np.linspace(0.0, 1.0, half)),
                np.searchsorted(fpr, np.geomspace(smallest, 1.0, half) * (1.0 - 1e-9)),
            ]
        )
        keep = np.unique(keep)
        fpr, tpr = fpr[keep], tpr[keep]
    return fpr, tpr


def _smaller(is_signal: Array) -> int:
    """Events of the smaller class."""
    signal = int(is_signal.sum())
    return min(signal, len(is_signal) - signal)


def _sorted(score: Array) -> tuple[Array, Array | None]:
    """The order of the scores, and where each group of tied ones starts in it; None if none are tied."""
    order = np.argsort(score, kind="stable")
    rises = np.diff(score[order]) > 0
    starts = None if rises.all() else np.concatenate([[0], np.flatnonzero(rises) + 1])
    return order, starts
