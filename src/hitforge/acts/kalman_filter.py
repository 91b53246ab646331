"""Seeding, combinatorial Kalman filter and ambiguity resolution of ACTS, as settings turn them into algorithms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from hitforge.acts.chain import SUBSET, Chain
from hitforge.core.errors import require

TRACKS = "resolved_tracks"
"""Name in the event store of the tracks behind the last stage."""


@dataclass(frozen=True)
class TrackingSettings:
    """What the stages of a search for tracks may be told.

    Attributes:
        layers: Layers whose space points make seeds, (volume, layer); layer 0 for all of a volume.
        min_pt: Of a seed and of a track [GeV].
        max_eta: Of a track.
        max_radius: Of a space point [mm].
        delta_r: Greatest radial distance between neighbours in a seed [mm].
        middle: Least and greatest radius of the middle point of a seed [mm].
        seeds: Greatest number of seeds with one space point in their middle.
        impact: Greatest transverse impact parameter of a seed [mm].
        collision_region: Half length of the region that seeds must point to [mm].
        chi2_measurement: Greatest chi2 of a measurement that a track takes in.
        chi2_outlier: Greatest chi2 of one that is noted as an outlier.
        branches: Measurements that may be tried on one surface.
        min_measurements: On a track.
        max_holes: Sensors crossed without a measurement; None for any number.
        max_outliers: None for any number.
        max_loc0: Greatest transverse impact parameter of a track [mm]; None for any.
        max_shared: Measurements that two tracks may share.
    """

    layers: tuple[tuple[int, int], ...]
    min_pt: float = 0.5
    max_eta: float = 3.0
    max_radius: float = 200.0
    delta_r: float = 100.0
    middle: tuple[float, float] = (60.0, 120.0)
    seeds: int = 3
    impact: float = 3.0
    collision_region: float = 250.0
    chi2_measurement: float = 15.0
    chi2_outlier: float = 25.0
    branches: int = 10
    min_measurements: int = 7
    max_holes: int | None = None
    max_outliers: int | None = None
    max_loc0: float | None = None
    max_shared: int = 3


def add_tracking(chain: Chain, settings: TrackingSettings, geometry: Any, field: Any, field_z: float) -> None:
    """Append the stages seeding, filter and ambiguity to a chain.

    Args:
        chain: Has the measurements.
        settings: Of all stages.
        geometry: ACTS's.
        field: ACTS's.
        field_z: Along z [T].
    """
    acts = require("acts")
    _add_seeding(chain, settings, geometry, field, field_z * acts.UnitConstants.T)
    chain.mark("seeding")
    _add_filter(chain, settings, geometry, field)
    chain.mark("filter")
    examples = require("acts.examples")
    chain.add(
        examples.GreedyAmbiguityResolutionAlgorithm(
            level=acts.logging.FATAL, inputTracks="filtered_tracks", outputTracks=TRACKS,
            maximumSharedHits=settings.max_shared, nMeasurementsMin=settings.min_measurements,
        )
    )  # fmt: skip
    chain.mark("ambiguity")


def _add_seeding(chain: Chain, settings: TrackingSettings, geometry: Any, field: Any, field_z: float) -> None:
    acts, examples = require("acts"), require("acts.examples")
    silent, unit = acts.logging.FATAL, acts.UnitConstants
    layers = [acts.GeometryIdentifier(volume=volume, layer=layer) for volume, layer in settings.layers]
    chain.add(
        examples.SpacePointMaker(
            level=silent, inputMeasurements=SUBSET, outputSpacePoints="space_points", trackingGeometry=geometry,
            geometrySelection=layers, stripGeometrySelection=[],
        )
    )  # fmt: skip
    distance = {f"deltaRMax{where}": settings.delta_r for where in ("", "Top", "Bottom")}
    distance |= {f"deltaRMin{where}": 1.0 for where in ("", "Top", "Bottom")}
    chain.add(
        examples.GridTripletSeedingAlgorithm(
            level=silent, inputSpacePoints="space_points", outputSeeds="seeds", bFieldInZ=field_z,
            minPt=settings.min_pt * unit.GeV, cotThetaMax=math.sinh(settings.max_eta), impactMax=settings.impact,
            rMinMiddle=settings.middle[0], rMaxMiddle=settings.middle[1], rMax=settings.max_radius, zMin=-2000.0,
            zMax=2000.0, collisionRegionMin=-settings.collision_region, collisionRegionMax=settings.collision_region,
            sigmaScattering=5.0, radLengthPerSeed=0.1,
            maxSeedsPerSpM=settings.seeds, **distance,
        )
    )  # fmt: skip
    chain.add(
        examples.TrackParamsEstimationAlgorithm(
            level=silent, inputSeeds="seeds", outputTrackParameters="seed_parameters", outputSeeds="good_seeds",
            trackingGeometry=geometry, magneticField=field, particleHypothesis=acts.ParticleHypothesis.pion,
        )
    )  # fmt: skip


def _add_filter(chain: Chain, settings: TrackingSettings, geometry: Any, field: Any) -> None:
    acts, examples = require("acts"), require("acts.examples")
    silent, finding = acts.logging.FATAL, examples.TrackFindingAlgorithm
    limits: dict[str, Any] = {"maxHoles": settings.max_holes, "maxOutliers": settings.max_outliers}
    if settings.max_loc0 is not None:
        limits |= {"loc0Min": -settings.max_loc0, "loc0Max": settings.max_loc0}
    selection = acts.TrackSelector.Config(
        ptMin=settings.min_pt * acts.UnitConstants.GeV, absEtaMax=settings.max_eta,
        minMeasurements=settings.min_measurements,
        **{name: value for name, value in limits.items() if value is not None},
    )  # fmt: skip
    cuts: Any = ([], [settings.chi2_measurement], [settings.chi2_outlier], [settings.branches])
    chain.add(
        finding(
            level=silent, measurementSelectorCfg=acts.MeasurementSelector.Config([(acts.GeometryIdentifier(), cuts)]),
            inputMeasurements=SUBSET, inputInitialTrackParameters="seed_parameters", inputSeeds="good_seeds",
            outputTracks="filtered_tracks", trackingGeometry=geometry, magneticField=field,
            findTracks=finding.makeTrackFinderFunction(geometry, field, silent),
            findTracksBrem=finding.makeBremTrackFinderFunction(geometry, field, silent),
            trackSelectorCfg=selection, twoWay=True, reverseSearch=False, seedDeduplication=True, stayOnSeed=True,
        )
    )  # fmt: skip
