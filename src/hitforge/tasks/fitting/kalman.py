"""ACTS's Kalman fit of the hits that were found for each track, which knows the material and all errors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hitforge.core import config
from hitforge.core.errors import RunError, require
from hitforge.detectors import TrackerDetector
from hitforge.events import Collection, Events
from hitforge.simulation.stages import acts_measurements as stage
from hitforge.simulation.stages.acts_measurements import Chain, Found, Measurements
from hitforge.tasks.fitting import COLUMNS, TrackFit, track_counts

Array = NDArray[Any]

_LOOSE = 10.0  # factor on the start's variances: the start comes from hits of the track, which must not count twice


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
        surfaces, field = stage.geometry(detector)
        measured = stage.measurements(events, detector)
        groups = _groups(tracks, counts, measured)
        chain = Chain(measured, groups)
        self._add_fit(chain, surfaces, field)
        found, _ = chain.run("fitted_tracks")
        columns = found.columns()
        row = _rows(found, groups, counts)  # (T,)
        table = {name: np.full(int(counts.sum()), np.nan, np.float32) for name in COLUMNS}
        table["ndf"][:] = 0.0
        good = columns["sigma_loc0"] > 0  # ACTS keeps tracks that do not reach the beam line, without parameters
        for name in COLUMNS:
            table[name][row[good]] = columns[name][good]
        return Collection.from_counts(counts, table)

    def _add_fit(self, chain: Chain, surfaces: Any, field: Any) -> None:
        acts, examples = require("acts"), require("acts.examples")
        silent = acts.logging.FATAL
        everywhere = [acts.GeometryIdentifier(volume=volume) for volume in (7, 8, 9, 12, 13, 14, 16, 17, 18)]
        chain.add(
            examples.SpacePointMaker(
                level=silent, inputMeasurements=stage.SUBSET, outputSpacePoints="space_points",
                trackingGeometry=surfaces, geometrySelection=everywhere, stripGeometrySelection=[],
            )
        )  # fmt: skip
        chain.add(
            examples.ProtoTracksToSeeds(
                level=silent, inputProtoTracks=stage.PROTO_TRACKS, inputSpacePoints="space_points",
                outputSeeds="track_seeds", outputProtoTracks="seeded",
            )
        )  # fmt: skip
        chain.add(
            examples.TrackParamsEstimationAlgorithm(
                level=silent, inputSeeds="track_seeds", inputProtoTracks="seeded", outputTrackParameters="start",
                outputSeeds="used_seeds", outputProtoTracks="fittable", trackingGeometry=surfaces, magneticField=field,
                particleHypothesis=acts.ParticleHypothesis.pion, initialVarInflation=[_LOOSE] * 6,
                spacePointSelection=examples.SeedSpacePointSelection.InnermostTriplet,
            )
        )  # fmt: skip
        function = examples.makeKalmanFitterFunction(
            surfaces, field, multipleScattering=self.config.scattering,
                energyLoss=self.config.energy_loss, reverseFilteringMomThreshold=0.0,
            reverseFilteringCovarianceScaling=100.0, freeToBoundCorrection=examples.FreeToBoundCorrection(False),
            chi2Cut=float("inf"), useJosephFormulation=False, level=silent,
        )  # fmt: skip
        chain.add(
            examples.TrackFittingAlgorithm(
                level=silent, inputMeasurements=stage.MEASUREMENTS, inputProtoTracks="fittable",
                inputInitialTrackParameters="start", inputClusters="", outputTracks="fitted_tracks", pickTrack=-1,
                fit=function, calibrator=examples.makePassThroughCalibrator(), linkForward=False,
                referenceSurface=acts.Surface.createPerigee(acts.Vector3(0.0, 0.0, 0.0)),
            )
        )  # fmt: skip
        chain.mark("fit")


def _groups(tracks: Collection, counts: Array, measured: Measurements) -> list[list[list[int]]]:
    """Rows of the measurements of each track, from the inside outwards; by event and track."""
    row_of_hit = np.empty(len(measured.hit), np.int64)
    event = np.repeat(np.arange(len(measured)), np.diff(measured.offsets))
    row_of_hit[measured.offsets[event] + measured.hit] = np.arange(len(measured.hit))
    ends = np.concatenate([[0], np.cumsum(counts)])
    track = ends[tracks.event] + tracks["track"]
    row = row_of_hit[measured.offsets[tracks.event] + tracks["hit"]]
    order = np.lexsort(((measured.position[row] ** 2).sum(axis=1), track))
    parts = np.split(row[order], np.searchsorted(track[order], np.arange(1, ends[-1])))
    flat = [part.tolist() for part in parts] if ends[-1] else []
    return [flat[first:last] for first, last in pairwise(ends)]


def _rows(found: Found, groups: list[list[list[int]]], counts: Array) -> Array:
    """Return the row of each fitted track among those given, (T,).

    ACTS leaves out tracks that it cannot fit and keeps the order of the others: each fitted track belongs to the next
    group that holds all its measurements.

    Raises:
        RunError: There is none.
    """
    rows: list[int] = []
    ends = np.concatenate([[0], np.cumsum(found.sizes)])
    track = 0
    for event, first in enumerate(np.cumsum(counts) - counts):
        coming = iter(enumerate(groups[event]))
        for number in range(int(found.counts[event])):
            fitted = set(found.rows[ends[track] : ends[track + 1]].tolist())
            place = next((place for place, group in coming if fitted.issubset(group)), None)
            if place is None:
                raise RunError(
                    "each track that ACTS fitted must be one of those given, in their order",
                    came=f"measurements {sorted(fitted)} behind the last of {len(groups[event])} tracks",
                    where=f"event {event}, fitted track {number}",
                    do="report it with the event",
                )
            rows.append(int(first) + place)
            track += 1
    return np.array(rows, np.int64)
