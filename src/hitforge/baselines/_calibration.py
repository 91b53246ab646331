"""Weights of energy sums by robust least squares of the relative error, and a response that becomes 1."""

from __future__ import annotations

import numpy as np

from hitforge.core.arrays import Array

_DEGREE = 3
_BINS = 16
_LEAST = 10


def ridge(features: Array, true: Array, penalty: float, weight: Array | None = None) -> Array:
    """Return the weights of least squares, (P,).

    Args:
        features: (N, P).
        true: (N,).
        penalty: Added to the diagonal of the normal matrix, once each feature has a mean square of 1.
        weight: Of each event, (N,).
    """
    weighted = features if weight is None else features * weight[:, None]
    scale = np.sqrt((weighted * features).mean(axis=0))
    scale = np.where(scale > 0, scale, 1.0)
    normal = (weighted / scale).T @ (features / scale) / len(features)
    normal[np.diag_indices_from(normal)] += penalty
    result: Array = np.linalg.solve(normal, (weighted / scale).T @ true / len(features)) / scale
    return result


def robust_ridge(features: Array, true: Array, penalty: float, rounds: int = 6) -> Array:
    """Return the weights of least squares with Huber's weights, (P,), so that few wild events do not rule.

    The limit is 1.345 robust standard deviations (Huber, Ann. Math. Statist. 35 (1964) 73), found anew each round.
    """
    solution = ridge(features, true, penalty)
    for _ in range(rounds):
        residual = np.abs(true - features @ solution)
        limit = 1.345 * max(float(np.quantile(residual, 0.683)), 1e-9)
        solution = ridge(features, true, penalty, np.minimum(1.0, limit / np.maximum(residual, limit)))
    return solution


def energy_weights(sums: Array, offsets: Array, energy: Array, penalty: float) -> Array:
    """Return the weights a that make (sums, offsets) @ a / energy close to 1, (P + Q,).

    The penalty draws the weights of the sums towards one common factor, and those of the offsets towards 0.

    Args:
        sums: Energies, (N, P) [GeV].
        offsets: Further terms, (N, Q) [GeV].
        energy: True energies, (N,) [GeV].
        penalty: See ``ridge``.
    """
    whole = sums.sum(axis=1) / energy
    common = float(ridge(whole[:, None], np.ones(len(energy)), 0.0)[0])
    terms = np.concatenate([sums, offsets], axis=1) / energy[:, None]
    weights = robust_ridge(terms, 1.0 - common * whole, penalty)
    weights[: sums.shape[1]] += common
    return weights


def response_curve(energy: Array, answer: Array) -> tuple[list[float], list[float]]:
    """Return uncorrected answers and the true energies that give them on average, both rising.

    The mean of answer/energy in bins of the true energy is followed by a polynomial in log(energy), and
    energy * response(energy) is inverted by numbers (numerical inversion, as for jets in ATLAS,
    Eur. Phys. J. C 73 (2013) 2304): averaging at a fixed answer would depend on the spectrum.

    Args:
        energy: True, (N,) [GeV].
        answer: Uncorrected, (N,) [GeV].
    """
    logs = np.log(energy)
    edges = np.linspace(logs.min(), logs.max(), _BINS + 1)
    index = np.clip(np.searchsorted(edges, logs, side="right") - 1, 0, _BINS - 1)
    number = np.bincount(index)
    kept = number >= min(_LEAST, number.max())
    place = np.bincount(index, logs)[kept] / number[kept]
    response = np.bincount(index, answer / energy)[kept] / number[kept]
    degree = min(_DEGREE, len(place) - 1)
    middle, half = 0.5 * (place[0] + place[-1]), max(0.5 * (place[-1] - place[0]), 1e-6)
    terms = np.polynomial.polynomial.polyfit((place - middle) / half, response, degree, w=np.sqrt(number[kept]))
    grid = np.linspace(logs.min(), logs.max(), 200)
    inside = np.clip((grid - middle) / half, -1.0, 1.0)  # a polynomial is not to be trusted beyond its points
    followed = np.maximum(np.polynomial.polynomial.polyval(inside, terms), 1e-3)
    answers = np.maximum.accumulate(np.exp(grid) * followed)
    rising = np.append(True, np.diff(answers) > 0)
    return answers[rising].tolist(), np.exp(grid)[rising].tolist()


def corrected(answer: Array, curve: tuple[list[float], list[float]]) -> Array:
    """Return corrected energies, (N,) [GeV]; beyond the curve the last factor holds."""
    answers, energies = np.asarray(curve[0]), np.asarray(curve[1])
    inside = np.clip(answer, answers[0], answers[-1])
    result: Array = np.interp(inside, answers, energies) * answer / inside
    return result
