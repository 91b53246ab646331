"""A helix through the hits of each track: a circle across the beam, a straight line along it; measured errors alone."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.kernels import njit
from hitforge.core.units import CURVATURE
from hitforge.detectors import TrackerDetector
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS, TrackFit, track_counts


class Helix(TrackFit):
    """A helix through the hits of each track, in Numba, without ACTS.

    The start is the circle of V. Karimaki, Nucl. Instrum. Meth. A 305 (1991) 187; steps of Gauss and Newton follow,
    which weight each hit by what its sensor measures across the track, and a straight line over the arc's length.
    Scattering in the material is not known to the fit: its errors are those of the measurement, too small at low
    momentum, where chi2 grows. It needs three hits, and a track of less than half a turn.
    """

    class Config(config.Config):
        """How long is fitted."""

        steps: int = Field(5, ge=1, le=50, description="steps of Gauss and Newton behind the start")

    config: Config

    def fit(
        self, events: Events, tracks: Collection, detector: TrackerDetector, counts: Array | None = None
    ) -> Collection:
        """Fit the hits of each track; see ``TrackFit.fit``."""
        counts = track_counts(events, tracks, counts)
        hits, clusters, modules = events.hits, events.clusters, detector.modules
        row = detector.row(hits["cell"])
        lost = np.flatnonzero(row < 0)
        if len(lost):
            raise DataError(
                f"hits.cell must name a module of '{detector.name}'",
                came=hits["cell"][lost[0]],
                where=f"event {hits.event[lost[0]]}",
            )
        ends = np.concatenate([[0], np.cumsum(counts)])
        track = ends[tracks.event] + tracks["track"]
        order = np.argsort(track, kind="stable")
        hit = (hits.offsets[tracks.event] + tracks["hit"])[order]
        starts = np.searchsorted(track[order], np.arange(ends[-1] + 1))
        position = np.stack([hits["x"][hit], hits["y"][hit], hits["z"][hit]], axis=1).astype(np.float64)  # (K, 3)
        sigma = np.stack([clusters["sigma_u"][hit], clusters["sigma_v"][hit]], axis=1).astype(np.float64)
        pitch = np.stack([modules.pitch_u[row[hit]], modules.pitch_v[row[hit]]], axis=1)
        sigma = np.where(sigma > 0, sigma, pitch / math.sqrt(12.0))
        spread = modules.axes[row[hit], :2] * sigma[:, :, None]  # (K, 2, 3): u and v, each as long as its error
        curvature = CURVATURE * detector.field  # of a track with 1 GeV across the field [1/mm]
        table = _fit_all(position, np.ascontiguousarray(spread, np.float64), starts, curvature, self.config.steps)
        return Collection(ends, {name: table[:, i].astype(np.float32) for i, name in enumerate(COLUMNS)})


@njit(cache=True)
def _fit_all(position, spread, starts, curvature, steps):  # type: ignore[no-untyped-def]
    """Fit each track; rows of ``COLUMNS``."""
    table = np.full((len(starts) - 1, 12), np.nan)
    table[:, 11] = 0.0
    for track in range(len(starts) - 1):
        if starts[track + 1] - starts[track] >= 3:
            points = position[starts[track] : starts[track + 1]]
            order = np.argsort((points**2).sum(axis=1))
            _fit_one(points[order], spread[starts[track] : starts[track + 1]][order], curvature, steps, table[track])
    return table


@njit(cache=True)
def _fit_one(points, spread, curvature, steps, out):  # type: ignore[no-untyped-def]
    """Fit one track; points from the inside outwards, (n, 3); their errors, (n, 2, 3); ``out`` (12,)."""
    number = len(points)
    across, along = np.empty(number), np.empty(number)  # weights of the two residuals
    length = np.empty(number)
    for i in range(number):
        radius = max(math.hypot(points[i, 0], points[i, 1]), 1e-9)
        across[i] = _weight(spread[i], -points[i, 1] / radius, points[i, 0] / radius, 0.0)
    rho, phi, d = _circle(points, across)
    cot, z = 0.0, 0.0
    lines = np.zeros((2, 2))
    for step in range(steps + 1):
        # Distances to the circle, and lengths of the arc up to each point.
        t_x, t_y = math.cos(phi), math.sin(phi)
        normal, slope = np.zeros((3, 3)), np.zeros(3)
        chi2 = 0.0
        for i in range(number):
            ahead = points[i, 0] * t_x + points[i, 1] * t_y
            left = points[i, 1] * t_x - points[i, 0] * t_y - d
            angle = math.atan2(rho * ahead, 1.0 - rho * left)
            length[i] = angle / rho if abs(rho) > 1e-12 else ahead
            n_x, n_y = -math.sin(phi + angle), math.cos(phi + angle)
            if step > 0:  # the first step keeps the weights of the start, and learns the slope in z
                across[i] = _weight(spread[i], n_x, n_y, 0.0)
            along[i] = _weight(spread[i], -cot * n_y, cot * n_x, 1.0)
            square = ahead * ahead + left * left
            half = 0.5 * rho * square - left  # 0 on the circle
            error = -2.0 * half / (1.0 + math.sqrt(max(1.0 + 2.0 * rho * half, 0.0)))
            g = np.array([-0.5 * square, -(1.0 + rho * d) * ahead, rho * left - 1.0])
            for j in range(3):
                slope[j] += across[i] * g[j] * error
                for k in range(3):
                    normal[j, k] += across[i] * g[j] * g[k]
            chi2 += across[i] * error * error
        z, cot = _line(length, points[:, 2], along, lines)
        if not (np.isfinite(normal).all() and np.isfinite(lines).all() and np.isfinite(z + cot)):
            return
        inverse = _inverse(normal)
        if step < steps:
            change = inverse @ slope
            rho, phi, d = rho - change[0], phi - change[1], d - change[2]
    for i in range(number):
        chi2 += along[i] * (points[i, 2] - z - cot * length[i]) ** 2
    sine = 1.0 / math.sqrt(1.0 + cot * cot)
    theta = math.atan2(1.0, cot)
    sigma_theta = sine * sine * math.sqrt(max(lines[1, 1], 0.0))
    q_over_pt = -rho / curvature if curvature > 0 else math.nan
    relative = math.sqrt(max(inverse[0, 0], 0.0)) / curvature if curvature > 0 else math.nan
    values = (d, z, math.atan2(math.sin(phi), math.cos(phi)), theta, q_over_pt * sine)
    sigmas = (
        math.sqrt(max(inverse[2, 2], 0.0)), math.sqrt(max(lines[0, 0], 0.0)), math.sqrt(max(inverse[1, 1], 0.0)),
        sigma_theta, math.hypot(relative * sine, q_over_pt * math.cos(theta) * sigma_theta),
    )  # fmt: skip
    if not np.isfinite(chi2) or not np.isfinite(d + z + phi + rho):
        return
    for j in range(5):
        out[j], out[5 + j] = values[j], sigmas[j]
    out[10], out[11] = chi2, 2.0 * number - 5.0


@njit(cache=True)
def _weight(spread, x, y, z):  # type: ignore[no-untyped-def]
    """One over the variance of a point along a direction."""
    u = spread[0, 0] * x + spread[0, 1] * y + spread[0, 2] * z
    v = spread[1, 0] * x + spread[1, 1] * y + spread[1, 2] * z
    return 1.0 / max(u * u + v * v, 1e-12)


@njit(cache=True)
def _circle(points, weight):  # type: ignore[no-untyped-def]
    """Curvature, direction and distance of closest approach; the curvature is positive for a turn to the left."""
    w = weight / weight.sum()
    x, y = points[:, 0], points[:, 1]
    r = x * x + y * y
    m_x, m_y, m_r = (w * x).sum(), (w * y).sum(), (w * r).sum()
    xx, yy, xy = (w * x * x).sum() - m_x * m_x, (w * y * y).sum() - m_y * m_y, (w * x * y).sum() - m_x * m_y
    xr, yr, rr = (w * x * r).sum() - m_x * m_r, (w * y * r).sum() - m_y * m_r, (w * r * r).sum() - m_r * m_r
    if rr <= 0.0:
        return math.nan, math.nan, math.nan
    phi = 0.5 * math.atan2(2.0 * (rr * xy - xr * yr), rr * (xx - yy) - xr * xr + yr * yr)
    last = len(points) - 1
    if (x[last] - x[0]) * math.cos(phi) + (y[last] - y[0]) * math.sin(phi) < 0.0:
        phi += math.pi
    sine, cosine = math.sin(phi), math.cos(phi)
    kappa = -(sine * xr - cosine * yr) / rr
    delta = cosine * m_y - sine * m_x - kappa * m_r
    root = math.sqrt(max(1.0 - 4.0 * delta * kappa, 0.0))
    return 2.0 * kappa / max(root, 1e-9), phi, 2.0 * delta / (1.0 + root)


@njit(cache=True)
def _line(length, z, weight, covariance):  # type: ignore[no-untyped-def]
    """Weighted straight line; writes the (2, 2) covariance of start and slope."""
    total = weight.sum()
    mean, height = (weight * length).sum() / total, (weight * z).sum() / total
    wide = (weight * (length - mean) ** 2).sum()
    if wide <= 0.0:
        return math.nan, math.nan
    slope = (weight * (length - mean) * (z - height)).sum() / wide
    covariance[0, 0], covariance[1, 1] = 1.0 / total + mean * mean / wide, 1.0 / wide
    covariance[0, 1] = covariance[1, 0] = -mean / wide
    return height - slope * mean, slope


@njit(cache=True)
def _inverse(matrix):  # type: ignore[no-untyped-def]
    """Inverse of a positive (3, 3) matrix, scaled to a unit diagonal first; NaN where it has none."""
    scale = np.empty(3)
    for i in range(3):
        scale[i] = 1.0 / math.sqrt(max(matrix[i, i], 1e-300))
    m = matrix * scale[:, None] * scale
    first = m[1, 1] * m[2, 2] - m[1, 2] * m[2, 1]
    second = m[1, 2] * m[2, 0] - m[1, 0] * m[2, 2]
    third = m[1, 0] * m[2, 1] - m[1, 1] * m[2, 0]
    determinant = m[0, 0] * first + m[0, 1] * second + m[0, 2] * third
    out = np.full((3, 3), np.nan)
    if abs(determinant) > 1e-14:
        out[0, 0], out[1, 0], out[2, 0] = first, second, third
        out[0, 1] = m[0, 2] * m[2, 1] - m[0, 1] * m[2, 2]
        out[1, 1] = m[0, 0] * m[2, 2] - m[0, 2] * m[2, 0]
        out[2, 1] = m[0, 1] * m[2, 0] - m[0, 0] * m[2, 1]
        out[0, 2] = m[0, 1] * m[1, 2] - m[0, 2] * m[1, 1]
        out[1, 2] = m[0, 2] * m[1, 0] - m[0, 0] * m[1, 2]
        out[2, 2] = m[0, 0] * m[1, 1] - m[0, 1] * m[1, 0]
        out /= determinant
    return out * scale[:, None] * scale
