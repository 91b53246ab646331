"""ACTS's Kalman filter and smoother of the hits that were found for each track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitforge.acts.chain import MEASUREMENTS, PROTO_TRACKS, SUBSET, Chain
from hitforge.core.errors import require

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
