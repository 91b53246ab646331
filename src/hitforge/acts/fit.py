"""ACTS's Kalman filter and smoother of the hits that were found for each track."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from hitforge.acts.chain import MEASUREMENTS, PROTO_TRACKS, SUBSET, ActsTracks, Chain
from hitforge.acts.measurements import Measurements
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require

FITTED = "fitted_tracks"
"""Name in the event store of the tracks behind the fit."""
_LOOSE = 10.0  # factor on the start's variances: the start comes from hits of the track, which must not count twice


def add_fit(
    chain: Chain, geometry: Any, field: Any, volumes: Sequence[int], scattering: bool, energy_loss: bool
) -> None:  # fmt: skip
    """Append the stage fit, as a pion, to a chain that has groups of measurements.

    The start is the helix through the three innermost space points that make one.

    Args:
        chain: Has the measurements and the groups.
        geometry: ACTS's.
        field: ACTS's.
        volumes: Numbers of all volumes with sensors.
        scattering: Multiple scattering between the sensors.
        energy_loss: Mean loss of energy between them.
    """
    acts, examples = require("acts"), require("acts.examples")
    silent = acts.logging.FATAL
    everywhere = [acts.GeometryIdentifier(volume=volume) for volume in volumes]
    chain.add(
        examples.SpacePointMaker(
            level=silent, inputMeasurements=SUBSET, outputSpacePoints="space_points",
            trackingGeometry=geometry, geometrySelection=everywhere, stripGeometrySelection=[],
        )
    )  # fmt: skip
    chain.add(
        examples.ProtoTracksToSeeds(
            level=silent, inputProtoTracks=PROTO_TRACKS, inputSpacePoints="space_points",
            outputSeeds="track_seeds", outputProtoTracks="seeded",
        )
    )  # fmt: skip
    chain.add(
        examples.TrackParamsEstimationAlgorithm(
            level=silent, inputSeeds="track_seeds", inputProtoTracks="seeded", outputTrackParameters="start",
            outputSeeds="used_seeds", outputProtoTracks="fittable", trackingGeometry=geometry, magneticField=field,
            particleHypothesis=acts.ParticleHypothesis.pion, initialVarInflation=[_LOOSE] * 6,
            spacePointSelection=examples.SeedSpacePointSelection.InnermostTriplet,
        )
    )  # fmt: skip
    function = examples.makeKalmanFitterFunction(
        geometry, field, multipleScattering=scattering, energyLoss=energy_loss, reverseFilteringMomThreshold=0.0,
        reverseFilteringCovarianceScaling=100.0, freeToBoundCorrection=examples.FreeToBoundCorrection(False),
        chi2Cut=float("inf"), useJosephFormulation=False, level=silent,
    )  # fmt: skip
    chain.add(
        examples.TrackFittingAlgorithm(
            level=silent, inputMeasurements=MEASUREMENTS, inputProtoTracks="fittable",
            inputInitialTrackParameters="start", inputClusters="", outputTracks=FITTED, pickTrack=-1,
            fit=function, calibrator=examples.makePassThroughCalibrator(), linkForward=False,
            referenceSurface=acts.Surface.createPerigee(acts.Vector3(0.0, 0.0, 0.0)),
        )
    )  # fmt: skip
    chain.mark("fit")


def fit_groups(
    measured: Measurements, track: Array, row: Array, counts: Array, geometry: Any, field: Any, volumes: Sequence[int],
    scattering: bool = True, energy_loss: bool = True,
) -> dict[str, Array]:  # fmt: skip
    """Fit groups of measurements, each as the track of a pion.

    Args:
        measured: Of all events.
        track: Number of each membership's track through all events, those of an event together, (K,) int64.
        row: Its measurement, row of ``measured``, (K,) int64.
        counts: Tracks of each event, (N,) int64.
        geometry: ACTS's.
        field: ACTS's.
        volumes: Numbers of all volumes with sensors.
        scattering: Multiple scattering between the sensors.
        energy_loss: Mean loss of energy between them.

    Returns:
        Name -> (tracks,) float32 of ``ActsTracks.columns``. Where a fit failed all are NaN but ``ndf``, which is 0.
    """
    order = np.lexsort(((measured.position[row] ** 2).sum(axis=1), track))  # from the inside outwards
    ends = np.concatenate([[0], np.cumsum(counts)])
    parts = np.split(row[order], np.searchsorted(track[order], np.arange(1, ends[-1])))
    flat = [part.tolist() for part in parts] if ends[-1] else []
    groups = [flat[first:last] for first, last in pairwise(ends)]
    chain = Chain(measured, groups)
    add_fit(chain, geometry, field, volumes, scattering, energy_loss)
    found, _ = chain.run(FITTED)
    columns = found.columns()
    place = _rows(found, groups, counts)  # (T,)
    good = columns["sigma_loc0"] > 0  # ACTS keeps tracks that do not reach the beam line, without parameters
    table = {}
    for name, values in columns.items():
        table[name] = np.full(int(ends[-1]), 0.0 if name == "ndf" else np.nan, np.float32)
        table[name][place[good]] = values[good]
    return table


def _rows(found: ActsTracks, groups: list[list[list[int]]], counts: Array) -> Array:
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
