"""The area under the ROC curve: exact, its covariance between models, and its bootstrap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


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


def bootstrap(scores: list[Array], is_signal: Array, replicas: int, random: np.random.Generator) -> Array:
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


def _sorted(score: Array) -> tuple[Array, Array | None]:
    """The order of the scores, and where each group of tied ones starts in it; None if none are tied."""
    order = np.argsort(score, kind="stable")
    rises = np.diff(score[order]) > 0
    starts = None if rises.all() else np.concatenate([[0], np.flatnonzero(rises) + 1])
    return order, starts
