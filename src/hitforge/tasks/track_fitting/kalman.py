"""ACTS's Kalman fit of the hits that were found for each track, which knows the material and all errors."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from hitforge.acts.fit import fit_groups
from hitforge.acts.measurements import measurements
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.detectors import TrackerDetector, acts_geometry
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS, TrackFit, track_counts


class Kalman(TrackFit):
    """ACTS's Kalman filter and smoother, as a pion, with the detector's own material.

    The start is the helix through the three innermost space points that make one. Of several hits on one sensor, ACTS
    takes one. The detector must be ACTS's generic one; pyacts must be installed.
    """

    class Config(config.Config):
        """What happens between the sensors."""

        scattering: bool = Field(True, description="multiple scattering")
        energy_loss: bool = Field(True, description="mean loss of energy")

    config: Config

    def fit(
        self, events: Events, tracks: Collection, detector: TrackerDetector, counts: Array | None = None
    ) -> Collection:
        """Fit the hits of each track; see ``TrackFit.fit``.

        Raises:
            ConfigError: ACTS does not know the detector.
            MissingExtraError: pyacts is not installed.
        """
        counts = track_counts(events, tracks, counts)
        surfaces, field = acts_geometry(detector)
        measured = measurements(events, detector.modules, detector=detector.name)
        row_of_hit = np.empty(len(measured.hit), np.int64)
        event = np.repeat(np.arange(len(measured)), np.diff(measured.offsets))
        row_of_hit[measured.offsets[event] + measured.hit] = np.arange(len(measured.hit))
        ends = np.concatenate([[0], np.cumsum(counts)])
        track, row = ends[tracks.event] + tracks["track"], measured.offsets[tracks.event] + tracks["hit"]
        volumes = np.unique(detector.modules.volume).tolist()
        c = self.config
        table = fit_groups(
            measured, track, row_of_hit[row], counts, surfaces, field, volumes, c.scattering, c.energy_loss
        )
        return Collection.from_counts(counts, {name: table[name] for name in COLUMNS})
