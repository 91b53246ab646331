"""Seeding, combinatorial Kalman filter and ambiguity resolution of ACTS, as settings turn them into algorithms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hitforge.acts.chain import SUBSET, Chain
from hitforge.acts.tracking_settings import TrackingSettings
from hitforge.core.errors import require

TRACKS = "resolved_tracks"
"""Name in the event store of the tracks behind the last stage."""


@dataclass(frozen=True)
class Asked:
    """Which tracks are searched for.

    Attributes:
        min_pt: Of a seed and of a track [GeV].
        max_eta: Of a track.
        min_measurements: On a track.
    """

    min_pt: float = 0.5
    max_eta: float = 3.0
    min_measurements: int = 7


def add_tracking(
    chain: Chain, settings: TrackingSettings, asked: Asked, geometry: Any, field: Any, field_z: float,
    pixels: Sequence[int], strips: Sequence[int],
) -> None:  # fmt: skip
    """Append the stages seeding, filter and ambiguity to a chain.

    Args:
        chain: Has the measurements.
        settings: Of all stages.
        asked: Which tracks.
        geometry: ACTS's.
        field: ACTS's.
        field_z: Along z [T].
        pixels: Numbers of the volumes with pixels.
        strips: Those of the others that have measurements; none where pixels alone are used.
    """
    acts = require("acts")
    _add_seeding(chain, settings, asked, geometry, field, field_z * acts.UnitConstants.T)
    chain.mark("seeding")
    _add_filter(chain, settings, asked, geometry, field, pixels, strips)
    chain.mark("filter")
    examples = require("acts.examples")
    chain.add(
        examples.GreedyAmbiguityResolutionAlgorithm(
            level=acts.logging.FATAL, inputTracks="filtered_tracks", outputTracks=TRACKS,
            maximumSharedHits=settings.max_shared, maximumIterations=settings.max_iterations,
            nMeasurementsMin=asked.min_measurements + settings.more_measurements,
        )
    )  # fmt: skip
    chain.mark("ambiguity")


def _add_seeding(chain: Chain, settings: TrackingSettings, asked: Asked, geometry: Any, field: Any, b_z: float) -> None:
    acts, examples = require("acts"), require("acts.examples")
    silent = acts.logging.FATAL
    layers = settings.seed_layers or [(volume, 0) for volume in settings.seed_volumes]  # layer 0 stands for all
    chain.add(
        examples.SpacePointMaker(
            level=silent, inputMeasurements=SUBSET, outputSpacePoints="space_points", trackingGeometry=geometry,
            geometrySelection=[acts.GeometryIdentifier(volume=volume, layer=layer) for volume, layer in layers],
            stripGeometrySelection=[],
        )
    )  # fmt: skip
    max_eta = asked.max_eta if settings.max_eta_seed is None else settings.max_eta_seed
    chain.add(
        examples.GridTripletSeedingAlgorithm(
            level=silent, inputSpacePoints="space_points", outputSeeds="seeds", bFieldInZ=b_z,
            minPt=asked.min_pt * acts.UnitConstants.GeV, cotThetaMax=math.sinh(max_eta),
            **_triplets(settings), **_choice(settings), **_grid(settings),
        )
    )  # fmt: skip
    sigma, angle = settings.sigma_place, settings.sigma_angle
    chain.add(
        examples.TrackParamsEstimationAlgorithm(
            level=silent, inputSeeds="seeds", outputTrackParameters="seed_parameters", outputSeeds="good_seeds",
            trackingGeometry=geometry, magneticField=field, particleHypothesis=acts.ParticleHypothesis.pion,
            # no momentum of its own, and a time that is not measured: ACTS's usual nanosecond
            initialSigmas=[sigma, sigma, angle, angle, 0.0, acts.UnitConstants.ns],
            initialSigmaPtRel=settings.sigma_pt, initialSigmaQoverPt=settings.sigma_q_over_pt,
            initialVarInflation=[settings.inflation] * 6, geometricRefineIterations=settings.refinements,
        )
    )  # fmt: skip


def _triplets(settings: TrackingSettings) -> dict[str, Any]:
    """Which points make pairs and triplets."""
    far = math.inf if settings.max_delta_z is None else settings.max_delta_z
    low, high = (0.0, 0.0) if settings.variable_middle is None else settings.variable_middle
    return {
        "rMin": settings.min_radius, "rMax": settings.max_radius, "zMin": -settings.max_z, "zMax": settings.max_z,
        "rMinMiddle": settings.min_middle, "rMaxMiddle": settings.max_middle,
        "useVariableMiddleSPRange": settings.variable_middle is not None,
        "deltaRMiddleMinSPRange": low, "deltaRMiddleMaxSPRange": high,
        "deltaRMin": min(settings.min_delta_r_bottom, settings.min_delta_r_top),
        "deltaRMax": max(settings.max_delta_r_bottom, settings.max_delta_r_top),
        "deltaRMinBottom": settings.min_delta_r_bottom, "deltaRMaxBottom": settings.max_delta_r_bottom,
        "deltaRMinTop": settings.min_delta_r_top, "deltaRMaxTop": settings.max_delta_r_top,
        "deltaZMin": -far, "deltaZMax": far, "impactMax": settings.impact,
        "collisionRegionMin": -settings.collision_region, "collisionRegionMax": settings.collision_region,
        "interactionPointCut": settings.interaction_point_cut, "sigmaScattering": settings.sigma_scattering,
        "radLengthPerSeed": settings.rad_length_per_seed, "helixCutTolerance": settings.helix_tolerance,
        "toleranceParam": settings.point_tolerance, "useExtraCuts": settings.extra_cuts,
    }  # fmt: skip


def _choice(settings: TrackingSettings) -> dict[str, Any]:
    """Which triplets with the same middle point stay."""
    chosen = {
        "maxSeedsPerSpM": settings.seeds, "deltaInvHelixDiameter": settings.delta_curvature,
        "compatSeedWeight": settings.support_weight, "compatSeedLimit": settings.support_limit,
        "impactWeightFactor": settings.impact_weight, "zOriginWeightFactor": settings.origin_weight,
        "seedWeightIncrement": settings.weight_step,
        "numSeedIncrement": math.inf if settings.free_seeds is None else float(settings.free_seeds),
        "useDeltaRinsteadOfTopRadius": settings.support_by_step,
        "seedConfirmation": settings.confirmation is not None,
    }  # fmt: skip
    if settings.confirmation is None:
        return chosen
    one = require("acts").SeedConfirmationRangeConfig()
    one.nTopForSmallR = one.nTopForLargeR = settings.confirmation
    one.seedConfMinBottomRadius, one.seedConfMaxZOrigin = settings.confirmation_radius, settings.confirmation_origin
    one.minImpactSeedConf = settings.confirmation_impact
    chosen |= {f"{where}SeedConfirmationRange": one for where in ("central", "forward")}
    return chosen | {
        "maxSeedsPerSpMConf": settings.confirmed_seeds, "maxQualitySeedsPerSpMConf": settings.quality_seeds,
    }  # fmt: skip


def _grid(settings: TrackingSettings) -> dict[str, Any]:
    """The grid that points are sorted into."""
    return {
        "zBinEdges": list(settings.z_edges), "zBinsCustomLooping": list(settings.z_order),
        "zBinNeighborsBottom": list(settings.z_neighbours_bottom), "zBinNeighborsTop": list(settings.z_neighbours_top),
        "numPhiNeighbors": settings.phi_neighbours, "phiBinDeflectionCoverage": settings.phi_coverage,
        "maxPhiBins": settings.max_phi_bins,
    }  # fmt: skip


def _add_filter(
    chain: Chain, settings: TrackingSettings, asked: Asked, geometry: Any, field: Any, pixels: Sequence[int],
    strips: Sequence[int],
) -> None:  # fmt: skip
    acts, examples = require("acts"), require("acts.examples")
    silent, finding = acts.logging.FATAL, examples.TrackFindingAlgorithm
    limits: dict[str, Any] = {
        "maxHoles": settings.max_holes, "maxOutliers": settings.max_outliers, "maxChi2": settings.max_chi2,
        "maxHolesAndOutliers": settings.max_holes_and_outliers, "loc0Max": settings.max_loc0,
        "loc1Max": settings.max_z0,
    }  # fmt: skip
    limits |= {f"{name}Min": -limits[f"{name}Max"] for name in ("loc0", "loc1") if limits[f"{name}Max"] is not None}
    selection = acts.TrackSelector.Config(
        ptMin=asked.min_pt * acts.UnitConstants.GeV, absEtaMax=asked.max_eta,
        minMeasurements=asked.min_measurements + settings.more_measurements, **_given(limits),
    )  # fmt: skip
    cuts: Any = ([], [settings.chi2_measurement], [settings.chi2_outlier], [settings.branches])
    holes = {"maxPixelHoles": settings.max_pixel_holes, "maxStripHoles": settings.max_strip_holes}
    chain.add(
        finding(
            level=silent, measurementSelectorCfg=acts.MeasurementSelector.Config([(acts.GeometryIdentifier(), cuts)]),
            inputMeasurements=SUBSET, inputInitialTrackParameters="seed_parameters",
            # ACTS refuses seeds that nothing asks for
            inputSeeds="good_seeds" if settings.seed_deduplication or settings.stay_on_seed else "",
            outputTracks="filtered_tracks", trackingGeometry=geometry, magneticField=field,
            findTracks=finding.makeTrackFinderFunction(geometry, field, silent),
            findTracksBrem=finding.makeBremTrackFinderFunction(geometry, field, silent),
            trackSelectorCfg=selection, twoWay=settings.two_way, reverseSearch=settings.reverse_search,
            seedDeduplication=settings.seed_deduplication, stayOnSeed=settings.stay_on_seed,
            trimTracks=settings.trim_tracks, useJosephFormulation=settings.joseph, maxSteps=settings.max_steps,
            pixelVolumeIds=list(pixels), stripVolumeIds=list(strips),
            constrainToVolumeIds=[*pixels, *strips] if settings.stay_in_volumes else [], **_given(holes),
        )
    )  # fmt: skip


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
