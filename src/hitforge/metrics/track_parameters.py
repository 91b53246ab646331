"""How well the parameters of tracks are fitted, and whether their errors are right."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._bootstrap import MEAN, bootstrap_statistics, half_width, interval, statistics, with_ends
from hitforge.metrics._intervals import clustered_share, clustered_text
from hitforge.metrics._sample import definition
from hitforge.objects.track.rules import RULES, Tracks, tracks_of
from hitforge.tasks import Better

_UNITS = {"d0": "mm", "z0": "mm", "phi": "rad", "theta": "rad", "q_over_pt": "relative"}
_COLUMNS = {"d0": "loc0", "z0": "z0", "phi": "phi", "theta": "theta", "q_over_pt": "q_over_p"}


class TrackParameters(Metric):
    """Residuals (fitted - true) and pulls (residual / fitted error) of tracks that match a particle.

    Taken are the best tracks, by double majority, of particles inside the cuts that come from near the beam line
    (``prompt_radius``): there the true parameters at the point nearest the z axis are those at production, continued
    in a straight line. The width is half of the central 68.3 %, which some bad fits do not change. The residual of
    ``q_over_pt`` is (q/pT fitted - q/pT true) / abs(q/pT true), close to the relative error of pT; its pull is that of
    q/p, the number that is fitted.
    """

    kind: ClassVar[str | None] = "track"
    headline: ClassVar[tuple[str, ...]] = ("q_over_pt_sigma68",)
    version: ClassVar[int] = 2
    better: ClassVar[dict[str, Better]] = {
        "fitted": "max",
        "predicted_pt_sigma68": "min",
        "predicted_eta_sigma68": "min",
        "d0_sigma68": "min",
        "z0_sigma68": "min",
        "phi_sigma68": "min",
        "theta_sigma68": "min",
        "q_over_pt_sigma68": "min",
    }

    class Config(config.Config):
        """Bins and replicas."""

        renamed: ClassVar[dict[str, str]] = {
            **{
                name: f"target.{name}"
                for name in ("min_pt", "max_eta", "max_radius", "charged", "min_hits", "min_track_hits")
            },
            "few_hits": "target.min_seen_hits",
            "least": "min_tracks",
        }

        prompt_radius: float = Field(1.0, gt=0, le=10, description="production radius that particles stay below [mm]")
        eta_edges: tuple[Annotated[float, Field(ge=0)], ...] = Field(
            (0.0, 0.5, 1.0, 1.5, 2.0, 2.5), min_length=2, description="edges of the bins of absolute pseudorapidity"
        )
        min_tracks: int = Field(20, ge=5, description="tracks that a bin must have to be kept")
        replicas: int = Field(200, ge=50, le=100_000, description="bootstrap replicas")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure fitted parameters and momenta that a network predicts; empty where there is neither.

        Values where a network gave ``pt`` and ``eta``: ``predicted_pt_sigma68`` and ``_mean`` (relative) and
        ``predicted_eta_sigma68`` and ``_mean``. Values of fits, for each parameter p of d0, z0 [mm], phi, theta [rad]
        and q_over_pt (relative): ``<p>_sigma68``, ``<p>_mean``, ``<p>_pull_width`` and ``<p>_pull_mean``; ``fitted``,
        the share of matched tracks with a fit. Table ``track_parameters.eta``: ``low``, ``high``, ``n`` and the widths
        with their ends.

        Raises:
            DataError: The predictions are not of tracks.
        """
        sample = tracks_of(predictions.tables, self.name, predictions.columns)
        fits = set(_COLUMNS.values()) <= sample.tracks.keys() and {"d0", "z0"} <= sample.particles.keys()
        told = {"pt", "eta"} <= sample.tracks.keys()
        c = self.config
        good = sample.met(RULES["double_majority"], self.target.min_track_hits)
        prompt = (sample.particles["radius"] < c.prompt_radius) & (sample.particles["hits"] >= self.target.min_hits)
        reconstructable = self.target.kinematic(sample.particles) & prompt
        good[good] &= reconstructable[sample.leading[good]]
        rows = np.flatnonzero(sample.best(good))
        if not len(rows) or not (fits or told):
            return Result()
        text = (
            f"best tracks, by double majority with >= {self.target.min_track_hits} hits, of"
            f" {self.target.cuts(self.target.min_hits)} and production radius < {c.prompt_radius:g} mm"
        )
        predicted = self._predicted(sample, rows, text, seed) if told else {}
        if not fits:
            return Result(predicted)
        residual, pull = _residuals(sample, rows)  # (5, n) each
        fitted = np.isfinite(residual).all(axis=0)
        counted = np.bincount(sample.track_event[rows])
        low, high = clustered_share(np.bincount(sample.track_event[rows], fitted), counted)
        share = definition(self, f"share with a fit of {text}; {clustered_text(counted)}")
        values = predicted | {"fitted": Value(float(fitted.mean()), float(low), float(high), share, len(rows))}
        if fitted.sum() < c.min_tracks:
            return Result(values)
        residual, pull, rows = residual[:, fitted], pull[:, fitted], rows[fitted]
        event, events = _events(sample, rows)
        text = f"{text}; {self._interval(sample, rows)}"
        known = np.isfinite(pull).all(axis=0)
        for kind, numbers, of in (("", residual, event), ("pull_", pull[:, known], event[known])):
            if numbers.shape[1] < c.min_tracks:
                continue
            own = statistics(numbers)
            drawn = bootstrap_statistics(numbers, c.replicas, stream(seed, self.name, kind), of)
            width, widths = half_width(own), half_width(drawn)
            for number, (name, unit) in enumerate(_UNITS.items()):
                what = f"(fitted - true) / fitted error of {name}" if kind else f"fitted - true {name} [{unit}]"
                size = f"half of the central 68.3 % of {what}, {text}"
                label = f"{name}_{kind}width" if kind else f"{name}_sigma68"
                count = numbers.shape[1]
                values[label] = interval(
                    width[number], widths[:, number], definition(self, size), count, events, centre=True
                )
                mean = definition(self, f"mean of {what}, {text}")
                label = f"{name}_{kind}mean"
                values[label] = interval(own[number, MEAN], drawn[:, number, MEAN], mean, count, events)
        return Result(values, {f"{self.name}.eta": self._table(sample, rows, residual, pull, seed)})

    def _predicted(self, sample: Tracks, rows: Array, text: str, seed: int) -> dict[str, Value]:
        """Errors of the momentum and direction that a network gave with its tracks."""
        c, leading = self.config, sample.leading[rows]
        if len(rows) < c.min_tracks:
            return {}
        true = {name: sample.particles[name][leading].astype(np.float64) for name in ("pt", "eta")}
        error = np.stack([sample.tracks["pt"][rows] / true["pt"] - 1.0, sample.tracks["eta"][rows] - true["eta"]])
        event, events = _events(sample, rows)
        own = statistics(error)
        drawn = bootstrap_statistics(error, c.replicas, stream(seed, self.name, "predicted"), event)
        width, widths = half_width(own), half_width(drawn)
        text = f"{text}; {self._interval(sample, rows)}"
        values = {}
        for number, what in enumerate(("(pT predicted - true) / true", "eta predicted - true")):
            name, n = f"predicted_{('pt', 'eta')[number]}", len(rows)
            size = definition(self, f"half of the central 68.3 % of {what}, {text}")
            values[f"{name}_sigma68"] = interval(width[number], widths[:, number], size, n, events, centre=True)
            mean = definition(self, f"mean of {what}, {text}")
            values[f"{name}_mean"] = interval(own[number, MEAN], drawn[:, number, MEAN], mean, n, events)
        return values

    def _interval(self, sample: Tracks, rows: Array) -> str:
        """How the intervals of tracks are made."""
        one = len(np.unique(sample.track_event[rows])) == 1
        over = "tracks of one event, taken as independent" if one else "events"
        return f"Bayesian bootstrap over {over}, {self.config.replicas} replicas"

    def _table(self, sample: Tracks, rows: Array, residual: Array, pull: Array, seed: int) -> dict[str, Array]:
        c = self.config
        eta = np.abs(sample.particles["eta"][sample.leading[rows]])
        lines: list[dict[str, float]] = []
        for low, high in zip(c.eta_edges, c.eta_edges[1:], strict=False):
            inside = (eta >= low) & (eta < high)
            known = inside & np.isfinite(pull).all(axis=0)
            if inside.sum() < c.min_tracks:
                continue
            line: dict[str, float] = {"low": low, "high": high, "n": int(inside.sum())}
            for kind, numbers, kept in (("sigma68", residual, inside), ("pull_width", pull, known)):
                numbers, (event, events) = numbers[:, kept], _events(sample, rows[kept])
                enough = numbers.shape[1] >= c.min_tracks
                own = half_width(statistics(numbers)) if enough else np.full(len(_UNITS), np.nan)
                if enough:
                    random = stream(seed, self.name, kind, f"{low:g}")
                    drawn = half_width(bootstrap_statistics(numbers, c.replicas, random, event))
                else:
                    drawn = np.full((1, len(_UNITS)), np.nan)
                for number, name in enumerate(_UNITS):
                    line |= with_ends(f"{name}_{kind}", own[number], drawn[:, number], events, centre=True)
            lines.append(line)
        return {name: np.array([line[name] for line in lines]) for name in lines[0]} if lines else {}


def _events(sample: Tracks, rows: Array) -> tuple[Array, int | None]:
    """What is drawn for the intervals of tracks, (n,), and how many if several tracks are of one.

    It is their event; if all are of one event, each track by itself.
    """
    event = sample.track_event[rows]
    number = len(np.unique(event))
    if number <= 1:
        return np.arange(len(rows)), None
    return event, number if number < len(rows) else None


def _residuals(sample: Tracks, rows: Array) -> tuple[Array, Array]:
    """Residuals and pulls of tracks, (5, n) each, NaN where a fit or its error is missing."""
    particle = {name: values[sample.leading[rows]].astype(np.float64) for name, values in sample.particles.items()}
    track = {name: values[rows].astype(np.float64) for name, values in sample.tracks.items()}
    cosh = np.cosh(particle["eta"])
    theta = 2.0 * np.arctan(np.exp(-particle["eta"]))
    curve, true_curve = track["q_over_p"], particle["charge"] / (particle["pt"] * cosh)
    turn = kinematics.wrap_phi(track["phi"] - particle["phi"])
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = np.stack(
            [
                track["loc0"] - particle["d0"],
                track["z0"] - particle["z0"],
                turn,
                track["theta"] - theta,
                (curve / np.sin(track["theta"]) - true_curve * cosh) / np.abs(true_curve * cosh),
            ]
        )
        fit = np.stack([*residual[:4], curve - true_curve])
        missing = np.full(len(rows), np.nan)
        error = np.stack([track.get(f"sigma_{name}", missing) for name in _COLUMNS.values()])
        pull = np.where(error > 0, fit / error, np.nan)
    residual[:, ~np.isfinite(residual).all(axis=0)] = np.nan
    return residual, pull
