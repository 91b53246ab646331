"""The tuning of the combinatorial Kalman filter: which settings are tried, and what is asked of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from hitforge.baselines import Sample
from hitforge.baselines._scan import Ladder, Scan, Trial, first_events, search, tell_edges
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.progress import Progress
from hitforge.events import Events
from hitforge.objects import Candidates
from hitforge.objects.track.matching import match
from hitforge.objects.track.rules import RULES, Tracks, tracks_of
from hitforge.objects.track.target import TrackTarget

_COUNTS = (0, 1, 2, 3, 4, 6, None)  # of holes and outliers
LADDERS: dict[str, Ladder] = {
    "max_middle": Ladder((100.0, 140.0, 200.0, 300.0, 400.0, 560.0, 700.0, 900.0, 1100.0), high_is_end=True),
    "max_radius": Ladder((100.0, 140.0, 180.0, 200.0, 300.0, 400.0, 560.0, 700.0, 900.0, 1100.0), high_is_end=True),
    "max_delta_r_bottom": Ladder((40.0, 60.0, 80.0, 100.0, 140.0, 180.0, 240.0, 300.0, 400.0)),
    "max_delta_r_top": Ladder((40.0, 60.0, 80.0, 100.0, 140.0, 180.0, 240.0, 300.0, 400.0)),
    "min_delta_r_bottom": Ladder((0.0, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 40.0), low_is_end=True),
    "min_delta_r_top": Ladder((0.0, 1.0, 3.0, 5.0, 10.0, 20.0, 30.0, 40.0), low_is_end=True),
    "min_middle": Ladder((0.0, 32.0, 40.0, 50.0, 60.0, 80.0), low_is_end=True),
    "impact": Ladder((0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 40.0, 60.0, 80.0, 100.0)),
    "collision_region": Ladder((100.0, 150.0, 200.0, 250.0, 350.0, 500.0, 1000.0)),
    "max_z": Ladder((1000.0, 1500.0, 2000.0, 2500.0, 3000.0, 4000.0), high_is_end=True),
    "seeds": Ladder((1, 2, 3, 5, 8, 12, 20), low_is_end=True),
    "sigma_scattering": Ladder((1.0, 2.0, 3.0, 5.0, 8.0, 12.0, 20.0)),
    "rad_length_per_seed": Ladder((0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8)),
    "pt_margin": Ladder((0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7), low_is_end=True),
    "eta_margin": Ladder((0.0, 0.1, 0.2, 0.4, 0.6), low_is_end=True),
    "chi2_measurement": Ladder((6.0, 10.0, 15.0, 20.0, 25.0, 35.0, 50.0, 80.0, 120.0)),
    "chi2_outlier": Ladder((6.0, 10.0, 15.0, 25.0, 40.0, 60.0, 90.0, 150.0)),
    "branches": Ladder((1, 2, 4, 7, 10, 15, 20), low_is_end=True),
    "max_holes": Ladder(_COUNTS, low_is_end=True, high_is_end=True),
    "max_outliers": Ladder(_COUNTS, low_is_end=True, high_is_end=True),
    "inflation": Ladder((0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
    "max_shared": Ladder((0, 1, 2, 3, 4, 5, 6, 8), low_is_end=True),
    "seed_deduplication": Ladder((False, True), ordered=False),
    "max_loc0": Ladder((0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, None), high_is_end=True),
    "quality_cut.hits": Ladder((3, 4, 5, 6, 7, 8), low_is_end=True),
    "quality_cut.max_chi2": Ladder((1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 50.0)),
    "quality_cut.max_loc0": Ladder((0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, None), high_is_end=True),
}
"""Setting -> values that are tried, in the order of the search."""


class ScanConfig(config.Config):
    """Settings are chosen on training events: as many particles found as can be with few fakes and duplicates."""

    events: int = Field(20, ge=1, le=100_000, description="training events that each trial is measured on")
    max_fake_rate: float = Field(0.01, ge=0, le=1, description="rate of fakes that is allowed")
    max_duplicate_rate: float = Field(0.01, ge=0, le=1, description="rate of duplicates that is allowed")
    perfect: float = Field(
        0.02, ge=0, le=1, description="weight of the share of perfect tracks, which decides among equals"
    )
    rounds: int = Field(3, ge=1, le=20, description="times that all settings are looked at, at most")
    min_gain: float = Field(2e-4, ge=0, le=0.1, description="gain of a step that counts; what is less is noise")
    only: tuple[str, ...] | None = Field(None, min_length=1, description="settings that are looked at; none: all")
    ladders: dict[str, tuple[float | int | None, ...]] = Field({}, description="setting -> other values to try, rising")

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name in (*(self.only or ()), *self.ladders):
            if name not in LADDERS:
                raise ValueError(f"the scan knows no ladder of '{name}', but of {', '.join(LADDERS)}")
        for name, steps in self.ladders.items():
            known = [step for step in steps if step is not None]
            if None in steps[:-1] or any(second <= first for first, second in pairwise(known)):
                raise ValueError(f"the ladder of '{name}' must rise, and may end in null, which is no limit: {steps}")
        return self

    def chosen(self, values: Mapping[str, Any]) -> dict[str, Ladder]:
        """Return the ladders of this scan.

        Args:
            values: All settings of the filter, by name; blocks as mappings.
        """
        found = {}
        for name, ladder in LADDERS.items():
            block, _, _ = name.rpartition(".")
            if (self.only is None or name in self.only) and not (block and values[block] is None):
                steps = tuple(self.ladders.get(name, ladder.values))
                low = ladder.low_is_end and steps[0] == ladder.values[0]  # a ladder that ends before ends by no nature
                high = ladder.high_is_end and steps[-1] == ladder.values[-1]
                found[name] = Ladder(steps, low, high, ladder.ordered)
        return found

    def run(
        self,
        values: Mapping[str, Any],
        find: Callable[[Events, dict[str, Any]], Candidates],
        train: Sample,
        target: TrackTarget,
        region: Callable[[Events], Array | None],
        progress: Progress,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Search.

        Args:
            values: All settings of the filter, by name; blocks as mappings.
            find: Gives the tracks of events with changed settings.
            train: Training events.
            target: Which tracks are searched for.
            region: Gives the hits that count, None for all.
            progress: Is told of each trial.

        Returns:
            What was chosen, by name, and the record of the scan.

        Raises:
            DataError: No training particle is to be found.
        """
        events = first_events(train, self.events)
        ladders = self.chosen(values)
        start = {name: _value(values, name) for name in ladders}
        total = sum(len(ladder.values) for ladder in ladders.values())  # about: the search ends where nothing improves
        with progress.step("combinatorial_kalman_filter: settings", total, "settings") as step:

            def measure(settings: dict[str, Any]) -> Trial:
                try:
                    found = find(events, settings)
                except ValidationError:  # such as a middle point that must lie beyond the last one: no trial at all
                    return Trial(settings, 0.0, float("inf"))
                rates = _rates(found, events, region(events), target)
                step.advance()
                value = (rates["efficiency"] + self.perfect * rates["perfect"]) / (1.0 + self.perfect)
                over = max(rates["fake_rate"] - self.max_fake_rate, 0.0)
                over += max(rates["duplicate_rate"] - self.max_duplicate_rate, 0.0)
                return Trial(settings, round(value, 9), over, rates)

            scan: Scan = search(ladders, start, measure, self.rounds, self.min_gain)
        tell_edges("combinatorial_kalman_filter", scan, progress)
        text = (
            "technical efficiency by double majority, and of perfect tracks with a weight of"
            f" {self.perfect:g}, at a fake rate of {self.max_fake_rate:g} and a duplicate rate of"
            f" {self.max_duplicate_rate:g} at most"
        )
        steps = {name: list(ladder.values) for name, ladder in ladders.items()}
        return scan.best.settings, {**scan.record(text, len(events)), "ladders": steps}


def with_values(values: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with changed ones, ``block.setting`` inside a block."""
    result = dict(values)
    for name, value in changed.items():
        block, _, inner = name.rpartition(".")
        if block:
            result[block] = {**result[block], inner: value}
        else:
            result[name] = value
    return result


def _value(values: Mapping[str, Any], name: str) -> Any:
    block, _, inner = name.rpartition(".")
    return values[block][inner] if block else values[name]


def _rates(found: Candidates, events: Events, region: Array | None, target: TrackTarget) -> dict[str, float]:
    """Technical efficiency by two rules, rates of fakes and duplicates, as ``tracking_efficiency`` defines them."""
    if "links" not in events.collections:
        raise DataError("a scan needs events with truth", came="none", do="leave out 'scan'")
    sample: Tracks = tracks_of(match(events, found.members, found.parameters, region), "the scan")
    fiducial, asked = target.kinematic(sample.particles), target.reconstructable(sample.particles)
    if not asked.any():
        raise DataError(f"a scan needs {target.cuts(target.min_hits)}", came=f"none of {len(asked)} particles")
    rates = {}
    for name, rule in (("efficiency", RULES["double_majority"]), ("perfect", RULES["perfect"])):
        good = sample.met(rule, target.min_track_hits)
        is_found = np.zeros(len(asked), bool)
        is_found[sample.leading[good]] = True
        rates[name] = float(is_found[asked].mean())
    rule = RULES["double_majority"]
    good = sample.met(rule, target.min_track_hits)
    inside = (sample.leading >= 0) & fiducial[sample.leading]
    counted = (sample.tracks["hits"] >= target.min_track_hits) & ~(sample.pure(rule) & ~inside)
    rates["fake_rate"] = float((~good & counted).sum() / max(counted.sum(), 1))
    owner = sample.leading[good & inside & (sample.of_leading("hits") >= target.min_seen_hits)]
    rates["duplicate_rate"] = (len(owner) - len(np.unique(owner))) / max(len(owner), 1)
    rates["ms_per_event"] = 1e3 * sum(float(seconds.mean()) for seconds in found.seconds.values())
    return rates


__all__ = ["LADDERS", "ScanConfig", "with_values"]
