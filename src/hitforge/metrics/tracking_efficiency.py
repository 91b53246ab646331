"""Which particles are found, and which tracks are fakes or duplicates."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clustered_share, clustered_text, shares_in_bins
from hitforge.metrics._objects import both_tracks, share_difference
from hitforge.metrics._sample import definition
from hitforge.objects.track.rules import RULES, Matching, Tracks, tracks_of
from hitforge.tasks import Better, Task

_VARIABLES = ("pt", "eta", "phi", "radius")


class TrackingEfficiency(Metric):
    """Efficiency, fake rate and duplicate rate of tracks, for several meanings of "belongs to".

    A track belongs to its leading particle (the one with most of its hits) if the rule of the definition is met, and
    to no other. Tracks with fewer than ``min_track_hits`` hits count nowhere. The cuts are those of the ``target``.

    - ``efficiency``: share of the particles inside the kinematic cuts that left ``min_seen_hits`` hits or more, and to
      which a track belongs. It holds what the detector did not see (the "physics efficiency" of ACORN).
    - ``technical_efficiency``: the same of particles with ``min_hits`` hits or more.
    - ``fake_rate``: share of tracks that belong to no particle. Tracks that have enough hits (by the rule's share of
      the track) of a particle outside the kinematic cuts are left out, above and below the line: nobody asked for
      them. A piece of a particle inside the cuts is a fake where the rule asks for a share of the particle's hits.
    - ``duplicate_rate``: of the tracks that belong to a particle of ``efficiency``, the share beyond the first of each.

    What belongs to one event is lost or found together, so intervals are those of events (``clustered_share``).
    """

    kind: ClassVar[str | None] = "track"
    headline: ClassVar[tuple[str, ...]] = ("efficiency_", "fake_rate_")
    version: ClassVar[int] = 2

    class Config(config.Config):
        """Definitions, and bins of the curves."""

        renamed: ClassVar[dict[str, str]] = {
            **{
                name: f"target.{name}"
                for name in ("min_pt", "max_eta", "max_radius", "charged", "min_hits", "min_track_hits")
            },
            "few_hits": "target.min_seen_hits",
        }

        definitions: tuple[Matching, ...] = Field(
            ("double_majority", "perfect", "lhc", "atlas_one_way", "atlas_two_way"),
            min_length=1,
            description="meanings of a track that belongs to a particle",
        )
        pt_edges: tuple[Annotated[float, Field(ge=0)], ...] = Field(
            (1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0),
            min_length=2,
            description="edges of the bins of transverse momentum above min_pt, where the first begins [GeV], rising",
        )
        eta_bins: int = Field(20, ge=1, le=1000, description="equal bins of pseudorapidity, -max_eta to max_eta")
        phi_bins: int = Field(18, ge=1, le=1000, description="equal bins of azimuth, -pi to pi")
        radius_edges: tuple[Annotated[float, Field(ge=0)], ...] = Field(
            (0.0, 0.1, 1.0, 5.0, 10.0, 20.0, 30.0, 50.0, 75.0, 120.0, 180.0, 260.0),
            min_length=2,
            description="edges of the bins of production radius [mm], rising",
        )
        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas of a comparison")

        @model_validator(mode="after")
        def _rising(self) -> Self:
            for edges in (self.pt_edges, self.radius_edges):
                if any(second <= first for first, second in pairwise(edges)):
                    raise ValueError("edges must rise")
            return self

    def monitored(self, task: Task) -> dict[str, Better]:
        """Each rate, by each definition."""
        rates: dict[str, Better] = {"efficiency": "max", "technical_efficiency": "max"}
        rates |= {"fake_rate": "min", "duplicate_rate": "min"}
        return {f"{rate}_{name}": better for name in self.config.definitions for rate, better in rates.items()}

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure ``efficiency_<definition>``, ``technical_efficiency_...``, ``fake_rate_...``, ``duplicate_rate_...``.

        Rates are left out where there is no track to count. Tables ``tracking_efficiency.<number>.<variable>``, with
        the variables pt [GeV], eta, phi, and production radius [mm] of the particle, or of a track's leading particle
        (tracks of noise alone, and those led by a particle beyond the bins, are in none): ``low``, ``high``, ``value``,
        ``lo``, ``hi``, ``n``; bins without entry are left out.

        Raises:
            DataError: The predictions are not of tracks, or no particle passes the cuts.
        """
        sample, c = tracks_of(predictions.tables, self.name, predictions.columns), self.config
        fiducial = self.target.kinematic(sample.particles)
        values: dict[str, Value] = {}
        tables: dict[str, dict[str, Array]] = {}
        for name in c.definitions:
            for number, (passed, counted, rows, text) in self._numbers(sample, fiducial, name).items():
                label = f"{number}_{name}"
                total = int(counted.sum())
                if not total and "efficiency" in number:
                    least = self.target.min_hits if "technical" in number else self.target.min_seen_hits
                    raise DataError(
                        f"'{self.name}' needs {self.target.cuts(least)}",
                        came=f"none of {len(fiducial)} particles",
                        do="choose wider cuts, or another sample",
                    )
                event = sample.event if "efficiency" in number else sample.track_event
                if total:
                    good, tried = _by_event(passed, counted, event, sample.events)
                    values[label] = self._share(good, tried, text)
                for variable in _VARIABLES:
                    keep = counted & (rows >= 0)
                    value = sample.particles[variable][rows[keep]] if len(fiducial) else np.zeros(0)
                    tables[f"{self.name}.{label}.{variable}"] = shares_in_bins(
                        value, passed[keep], self._edges(variable), event[keep]
                    )
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure paired differences first - second of the same particles; a bootstrap over events gives the interval.

        Of one event, particles are drawn; its rates of fakes are taken as unpaired.

        Returns:
            ``efficiency_<definition>_difference``, ``technical_efficiency_...`` and, where both have tracks,
            ``fake_rate_..._difference``.
        """
        one, two = both_tracks(self, first, second)
        fiducial = self.target.kinematic(one.particles)
        values: dict[str, Value] = {}
        for name in self.config.definitions:
            pair = [self._numbers(sample, fiducial, name) for sample in (one, two)]
            for number in ("efficiency", "technical_efficiency", "fake_rate"):
                sums, events = [], one.events
                for sample, numbers in zip((one, two), pair, strict=True):
                    passed, counted, _, text = numbers[number]
                    event = sample.track_event if number == "fake_rate" else sample.event
                    if one.events == 1 and number != "fake_rate":
                        event, events = np.arange(len(counted)), len(counted)
                    sums += _by_event(passed, counted, event, events)
                counts = np.stack(sums, axis=1)  # (N, 4): passed and counted of the first, then of the second
                if not counts[:, [1, 3]].sum(axis=0).all():
                    continue
                random = stream(seed, self.name, name, number)
                ends = share_difference(counts, self.config.replicas, random)
                drawn = "events" if one.events > 1 else "particles" if number != "fake_rate" else "nothing, unpaired"
                text = definition(
                    self,
                    f"{text}; first - second, same events; percentile bootstrap, {self.config.replicas} replicas of"
                    f" {drawn}",
                )
                values[f"{number}_{name}_difference"] = Value(*ends, text, int(counts[:, 1].sum()))
        return Result(values)

    def _numbers(self, sample: Tracks, fiducial: Array, name: Matching) -> dict[str, tuple[Array, Array, Array, str]]:
        """For each number: what passed, what is counted, both bool; its row of particles (-1: none); its definition."""
        rule = RULES[name]
        hits, rows = sample.particles["hits"], np.arange(len(fiducial))
        good = sample.met(rule, self.target.min_track_hits)
        is_found = np.zeros(len(fiducial), bool)
        is_found[sample.leading[good]] = True
        inside = np.zeros(len(good), bool)  # the leading particle passes the kinematic cuts
        inside[sample.leading >= 0] = fiducial[sample.leading[sample.leading >= 0]]
        track = sample.tracks["hits"] >= self.target.min_track_hits
        considered = track & ~(sample.pure(rule) & ~inside)
        reconstructable = good & inside & (sample.of_leading("hits") >= self.target.min_seen_hits)
        long = f"tracks with >= {self.target.min_track_hits} hits"
        means = f"belongs: {rule.text}"
        of_all, of_long = self.target.cuts(self.target.min_seen_hits), self.target.cuts(self.target.min_hits)
        return {
            "efficiency": (
                is_found, fiducial & (hits >= self.target.min_seen_hits), rows,
                f"share of {of_all} to which one of the {long} belongs; {means}",
            ),
            "technical_efficiency": (
                is_found, fiducial & (hits >= self.target.min_hits), rows,
                f"share of {of_long} to which one of the {long} belongs; {means}",
            ),
            "fake_rate": (
                ~good, considered, sample.leading,
                f"share of {long} that belong to no particle; left out are tracks with the rule's share of their hits"
                f" from a particle outside the cuts ({self.target.cuts(0)}); {means}",
            ),
            "duplicate_rate": (
                reconstructable & ~sample.best(reconstructable), reconstructable, sample.leading,
                f"share of {long} that belong to {of_all} beyond the first of each; {means}",
            ),
        }  # fmt: skip

    def _share(self, passed: Array, counted: Array, text: str) -> Value:
        """Share of what passed in each event, (N,), of what is counted there, (N,)."""
        total = int(counted.sum())
        low, high = clustered_share(passed, counted)
        text = definition(self, f"{text}; {clustered_text(counted)}")
        return Value(int(passed.sum()) / total, float(low), float(high), text, total)

    def _edges(self, variable: str) -> Array:
        c = self.config
        if variable == "eta":
            return np.linspace(-self.target.max_eta, self.target.max_eta, c.eta_bins + 1)
        if variable == "phi":
            return np.linspace(-np.pi, np.pi, c.phi_bins + 1)
        if variable == "radius":
            return np.array(c.radius_edges)
        return np.array([self.target.min_pt, *(edge for edge in c.pt_edges if edge > self.target.min_pt)])


def _by_event(passed: Array, counted: Array, event: Array, events: int) -> list[Array]:
    """Passed and counted, both bool, in each event, (N,) each."""
    return [np.bincount(event[kept], minlength=events) for kept in (passed & counted, counted)]
