"""The combinatorial Kalman filter of ACTS, on the same hits that the networks get."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.acts.chain import Chain, track_tables
from hitforge.acts.kalman_filter import TRACKS, TrackingSettings, add_tracking
from hitforge.acts.measurements import measurements
from hitforge.baselines import Baseline, Sample
from hitforge.core.arrays import Array
from hitforge.core.config import Config as BaseConfig
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, acts_geometry, require_tracker
from hitforge.events import Events
from hitforge.objects import Candidates
from hitforge.tasks import Task

_PIXELS = ((7, 0), (8, 0), (9, 0))
# What ACTS's own example uses for its generic detector: the barrel and the four nearest discs on each side.
_EXAMPLE_LAYERS = (*((8, n) for n in (2, 4, 6, 8)), *((9, n) for n in (2, 4, 6, 8)), *((7, n) for n in (14, 12, 10, 8)))
PRESETS = {
    "tuned": TrackingSettings(_PIXELS, middle=(32.0, 140.0)),
    # Four measurements leave room for chance: without these cuts most tracks at 200 interactions are fakes.
    "pixels": TrackingSettings(
        _PIXELS,
        min_pt=0.7,
        max_eta=4.0,
        middle=(32.0, 140.0),
        seeds=1,
        min_measurements=4,
        max_holes=1,
        max_outliers=0,
        max_shared=1,
    ),
    "example": TrackingSettings(_EXAMPLE_LAYERS, delta_r=60.0, seeds=1, max_holes=2, max_outliers=2, max_loc0=4.0),
}
"""TrackingSettings by name."""


class CombinatorialKalmanFilter(Baseline):
    """Triplet seeds of pixels, a combinatorial Kalman filter, greedy resolution of shared measurements; all of ACTS.

    The measurements are the events' clusters: noise, dead modules and hits of real detectors are seen as the networks
    see them. Nothing is learned from training events.

    Presets: ``tuned`` finds tracks in all of the detector; ``pixels`` works on the pixel volumes alone, up to abs(eta)
    of 4, with four measurements; ``example`` is what ACTS's own example for its generic detector sets, which loses
    tracks beyond abs(eta) of 1.8.

    Momentum, pseudorapidity and number of measurements are those of the recipe's ``target``, with margins; those of the
    preset where there is none.

    Args:
        config: Settings.
        detector: ACTS's generic detector.
        task: One that finds tracks.

    Raises:
        ConfigError: The detector is no tracker.
    """

    kind: ClassVar[str | None] = "track"

    class Config(BaseConfig):
        """A preset, and what is to differ from it."""

        renamed: ClassVar[dict[str, str]] = {
            "min_pt": "pt_margin",
            "max_eta": "eta_margin",
            "min_measurements": "target.min_track_hits",
            "subsystems": "target.subsystems",
        }

        preset: Literal["tuned", "pixels", "example"] = Field("tuned", description="settings to start from")
        seed_volumes: tuple[int, ...] | None = Field(
            None, min_length=1, description="volumes whose space points make seeds; preset: 7, 8, 9"
        )
        pt_margin: float = Field(
            0.2, ge=0, le=100, description="seeds and tracks reach down to this far below target.min_pt [GeV]"
        )
        eta_margin: float = Field(0.2, ge=0, le=4.5, description="and up to this far beyond target.max_eta")
        max_radius: float | None = Field(
            None, gt=0, le=1100, description="greatest radius of space points in seeds [mm]; preset: 200"
        )
        delta_r: float | None = Field(
            None, gt=1, le=300, description="greatest radial step in a seed [mm]; preset: 100, example 60"
        )
        seeds: int | None = Field(None, ge=1, le=50, description="seeds a middle point; preset: 3, else 1")
        impact: float | None = Field(None, gt=0, le=100, description="greatest impact of a seed [mm]; preset: 3")
        collision_region: float | None = Field(
            None, gt=0, le=2000, description="half length of the region that seeds point to [mm]; preset: 250"
        )
        chi2_measurement: float | None = Field(
            None, gt=0, le=1000, description="greatest chi2 of a measurement that is taken; preset: 15"
        )
        chi2_outlier: float | None = Field(
            None, gt=0, le=1000, description="greatest chi2 of one noted as an outlier; preset: 25"
        )
        branches: int | None = Field(None, ge=1, le=50, description="measurements tried on a surface; preset: 10")
        max_holes: int | None = Field(
            None, ge=0, le=50, description="sensors without a hit; preset: any, pixels 1, example 2"
        )
        max_outliers: int | None = Field(None, ge=0, le=50, description="preset: any number, pixels 0, example 2")
        max_loc0: float | None = Field(
            None, gt=0, le=1000, description="greatest transverse impact of a track [mm]; preset: any, example 4"
        )
        max_shared: int | None = Field(
            None, ge=0, le=50, description="hits that two tracks may share; preset: 3, pixels 1"
        )

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        self._tracker = require_tracker(detector, f"the baseline '{self.name}'")
        names = {field.name for field in dataclasses.fields(TrackingSettings)}
        changed = {name: value for name, value in config if name in names and value is not None}
        if config.seed_volumes is not None:
            changed["layers"] = tuple((volume, 0) for volume in config.seed_volumes)
        pixels = config.preset == "pixels"
        if task.object_kind is not None:
            target = task.object_kind.config
            changed["min_pt"], changed["max_eta"], _ = target.widened(config.pt_margin, config.eta_margin, 0)
            changed["min_measurements"] = target.min_track_hits
            pixels |= target.subsystems == "pixel"
        self.settings = dataclasses.replace(PRESETS[config.preset], **changed)
        self._subsystems: tuple[int, ...] | None = self._tracker.pixel_volumes if pixels else None

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Do nothing; return the settings."""
        return {"preset": self.config.preset, **dataclasses.asdict(self.settings)}

    def region(self, events: Events) -> Array | None:
        """Return the hits of the volumes that are used, (hits,) bool; None for all."""
        return None if self._subsystems is None else np.isin(events.hits["subsystem"], self._subsystems)

    def outputs(self, events: Events) -> Array:
        """Refuse: there are tracks, not numbers of events.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"the baseline '{self.name}' finds tracks", came=f"the task '{self.task.name}'")

    def find(self, events: Events) -> Candidates:
        """Return the tracks of events.

        ``seconds`` has the stages seeding (space points, triplets, their parameters), filter, ambiguity, and handover:
        giving the measurements to ACTS.

        Args:
            events: With hits and clusters.

        Raises:
            ConfigError: ACTS does not know the detector.
            DataError: A hit lies on no module.
            MissingExtraError: pyacts is not installed.
        """
        surfaces, field = acts_geometry(self._tracker)
        measured = measurements(events, self._tracker.modules, self._subsystems, self._tracker.name)
        chain = Chain(measured)
        add_tracking(chain, self.settings, surfaces, field, self._tracker.field)
        found, seconds = chain.run(TRACKS)
        members, parameters = track_tables(found, measured)
        return Candidates(members, parameters, seconds)

    def save(self, folder: Path) -> None:
        """Write nothing: the recipe holds all settings."""

    def load(self, folder: Path) -> None:
        """Read nothing."""
