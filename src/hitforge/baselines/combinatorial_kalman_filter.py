"""The combinatorial Kalman filter of ACTS, on the same hits that the networks get."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from hitforge.acts.chain import Chain, track_tables
from hitforge.acts.kalman_filter import TRACKS, Asked, add_tracking
from hitforge.acts.measurements import measurements
from hitforge.acts.tracking_settings import TrackingSettings
from hitforge.baselines import Baseline, Sample
from hitforge.baselines._kalman_scan import ScanConfig, with_values
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, acts_geometry, require_tracker
from hitforge.events import Events
from hitforge.objects import Candidates
from hitforge.tasks import Task
from hitforge.tasks.track_fitting.quality_cut import QualityCut

# What ACTS's own example uses for its generic detector: the barrel and the four nearest discs on each side.
_EXAMPLE_LAYERS = (*((8, n) for n in (2, 4, 6, 8)), *((9, n) for n in (2, 4, 6, 8)), *((7, n) for n in (14, 12, 10, 8)))
_PIXEL_SEEDS = {
    "seed_volumes": (7, 8, 9),
    "max_radius": 200.0,
    "max_z": 2000.0,
    "impact": 3.0,
    "chi2_measurement": 15.0,
    "seeds": 1,
}
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    # Four measurements leave room for chance: without cuts on holes and outliers most tracks at 200 interactions are
    # fakes.
    "pixels": {
        **_PIXEL_SEEDS,
        "max_middle": 140.0,
        "max_delta_r_bottom": 100.0,
        "max_delta_r_top": 100.0,
        "max_holes": 1,
        "max_outliers": 0,
        "max_shared": 1,
    },
    "example": {
        **_PIXEL_SEEDS,
        "seed_layers": _EXAMPLE_LAYERS,
        "min_middle": 60.0,
        "max_middle": 120.0,
        "max_delta_r_bottom": 60.0,
        "max_delta_r_top": 60.0,
        "max_loc0": 4.0,
    },
}
"""By name, where settings differ from the defaults."""


class CombinatorialKalmanFilter(Baseline):
    """Triplet seeds of pixels, a combinatorial Kalman filter, greedy resolution of shared measurements; all of ACTS.

    The measurements are the events' clusters: noise, dead modules and hits of real detectors are seen as the networks
    see them. With ``scan``, settings are chosen on training events; else nothing is learned.

    Presets: ``default`` looks in all of the detector; ``pixels`` works on the pixel volumes alone, up to abs(eta)
    of 4, with four measurements; ``example`` is what ACTS's own example for its generic detector sets, which loses
    tracks beyond abs(eta) of 1.8.

    Momentum, pseudorapidity and number of measurements are those of the recipe's ``target``, with margins; usual ones
    where there is none.

    Args:
        config: Settings.
        detector: ACTS's generic detector.
        task: One that finds tracks.

    Raises:
        ConfigError: The detector is no tracker.
    """

    kind: ClassVar[str | None] = "track"
    learns_from: ClassVar[frozenset[str]] = frozenset({"hits", "clusters", "particles", "links"})

    class Config(TrackingSettings):
        """A preset, and what is to differ from it."""

        renamed: ClassVar[dict[str, str]] = {
            "min_pt": "pt_margin",
            "max_eta": "eta_margin",
            "min_measurements": "target.min_track_hits",
            "subsystems": "target.subsystems",
            "delta_r": "max_delta_r_bottom and max_delta_r_top",
        }

        preset: Literal["default", "pixels", "example"] = Field("default", description="settings to start from")
        pt_margin: float = Field(
            0.3, ge=0, le=100, description="seeds and tracks reach down to this far below target.min_pt [GeV]"
        )
        eta_margin: float = Field(0.2, ge=0, le=4.5, description="and up to this far beyond target.max_eta")
        quality_cut: QualityCut | None = Field(None, description="a cut on short tracks, by a fit of their hits")
        scan: ScanConfig | None = Field(None, description="choose settings on training events, from these on")

        @model_validator(mode="before")
        @classmethod
        def _from_preset(cls, values: Any) -> Any:
            return (
                {**PRESETS.get(values.get("preset", "default"), {}), **values} if isinstance(values, dict) else values
            )

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        self._tracker = require_tracker(detector, f"the baseline '{self.name}'")
        pixels = config.preset == "pixels"
        if task.object_kind is not None:
            pixels |= task.object_kind.config.subsystems == "pixel"
        self._subsystems: tuple[int, ...] | None = self._tracker.pixel_volumes if pixels else None
        self._chosen: dict[str, Any] = {}

    @property
    def settings(self) -> Config:
        """The recipe's settings, with those that a scan has chosen."""
        return self.Config.model_validate(with_values(self.config.model_dump(), self._chosen))

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Choose settings where the recipe asks for a scan; return all settings, and the scan as ``scan``.

        Raises:
            ConfigError: A scan is asked for where no target says which tracks are searched for.
            DataError: There are no training events, or no particle of them is to be found.
        """
        if self.config.scan is None:
            return self.settings.model_dump(mode="json")
        if self.task.object_kind is None:
            raise ConfigError(f"the scan of '{self.name}' needs a target", came="none", where="evaluation.baselines")
        values, start = self.config.model_dump(), perf_counter()

        def find(events: Events, changed: dict[str, Any]) -> Candidates:
            return self._find(events, self.Config.model_validate(with_values(values, changed)))

        target = self.task.object_kind.config
        self._chosen, scan = self.config.scan.run(values, find, train, target, self.region, progress)
        seconds = round(perf_counter() - start, 3)
        return {**self.settings.model_dump(mode="json"), "scan": {**scan, "seconds": seconds}}

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
        return self._find(events, self.settings)

    def _find(self, events: Events, settings: Config) -> Candidates:
        surfaces, field = acts_geometry(self._tracker)
        measured = measurements(events, self._tracker.modules, self._subsystems, self._tracker.name)
        chain = Chain(measured)
        pixels, sensors = self._tracker.pixel_volumes, np.unique(self._tracker.modules.volume).tolist()
        strips = [one for one in sensors if one not in pixels and self._subsystems is None]
        asked = self._asked(settings)
        add_tracking(chain, settings, asked, surfaces, field, self._tracker.field, pixels, strips)
        found, seconds = chain.run(TRACKS)
        members, parameters = track_tables(found, measured)
        tracks = Candidates(members, parameters, seconds)
        return tracks if settings.quality_cut is None else settings.quality_cut.passed(events, tracks, self._tracker)

    def _asked(self, settings: Config) -> Asked:
        """Momentum, pseudorapidity and measurements of the tracks that are searched for."""
        if self.task.object_kind is None:
            return Asked(0.7, 4.0, 4) if settings.preset == "pixels" else Asked()
        target = self.task.object_kind.config
        min_pt, max_eta, _ = target.widened(settings.pt_margin, settings.eta_margin, 0)
        return Asked(min_pt, max_eta, target.min_track_hits)

    def save(self, folder: Path) -> None:
        """Write what a scan has chosen as ``combinatorial_kalman_filter.json``; nothing where there was none."""
        if self.config.scan is not None:
            write_text(folder / f"{self.name}.json", json.dumps(self._chosen, indent=1, allow_nan=False))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: The file is absent or damaged.
        """
        if self.config.scan is None:
            return
        path = folder / f"{self.name}.json"
        try:
            chosen = json.loads(path.read_text(encoding="utf-8"))
            names = set(self.config.scan.chosen(self.config.model_dump()))
            if not isinstance(chosen, dict) or set(chosen) != names:
                raise ValueError(f"it must have values of {', '.join(sorted(names))} and of nothing else")
            self.Config.model_validate(with_values(self.config.model_dump(), chosen))
        except (OSError, ValueError) as error:
            came = str(error).strip().splitlines()[0]
            raise RunError(
                f"the folder must hold what the scan of '{self.name}' chose", came=came, where=path
            ) from None
        self._chosen = chosen
