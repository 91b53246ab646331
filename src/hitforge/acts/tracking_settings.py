"""What the seeding, the combinatorial Kalman filter and the ambiguity resolution of ACTS may be told, with bounds."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from hitforge.core import config

_Length = Annotated[float, Field(ge=0, le=4000)]


class TrackingSettings(config.Config):
    """Settings of a search for tracks, as ACTS has them; lengths in mm. Those that are None set no limit.

    Momentum, pseudorapidity and number of measurements of a track are asked for apart: see ``Asked``.
    """

    # -- space points of seeds
    seed_volumes: tuple[int, ...] = Field(
        (7, 8, 9, 12, 13, 14),
        min_length=1,
        description="volumes of seeds: pixels 7 to 9, short strips 12 to 14",
    )
    seed_layers: tuple[tuple[int, int], ...] = Field(
        (), description="only these layers of theirs, each a volume and a layer; none: all layers"
    )
    min_radius: float = Field(0.0, ge=0, le=1100, description="least radius of a seed's points [mm]")
    max_radius: float = Field(1100.0, gt=0, le=1100, description="greatest radius of a seed's points [mm]")
    max_z: float = Field(3000.0, gt=0, le=4000, description="greatest distance of a seed's points from z = 0 [mm]")
    # -- pairs and triplets of points
    min_middle: float = Field(32.0, ge=0, le=1100, description="least radius of a seed's middle point [mm]")
    max_middle: float = Field(560.0, gt=0, le=1100, description="greatest radius of a seed's middle point [mm]")
    variable_middle: tuple[_Length, _Length] | None = Field(
        None, description="instead: least and greatest radius of an event's points, so far inwards each [mm]"
    )
    min_delta_r_bottom: float = Field(1.0, ge=0, le=300, description="least radial step, inner to middle point [mm]")
    max_delta_r_bottom: float = Field(180.0, gt=0, le=900, description="greatest one [mm]")
    min_delta_r_top: float = Field(1.0, ge=0, le=300, description="least radial step, middle to outer point [mm]")
    max_delta_r_top: float = Field(180.0, gt=0, le=900, description="greatest one [mm]")
    max_delta_z: float | None = Field(None, gt=0, le=4000, description="greatest step along z between two points [mm]")
    max_eta_seed: float | None = Field(None, gt=0, le=6, description="of a pair of points; none: that of tracks")
    impact: float = Field(20.0, gt=0, le=100, description="greatest transverse impact of a seed [mm]")
    collision_region: float = Field(
        250.0, gt=0, le=2000, description="half length of the region that seeds point to [mm]"
    )
    interaction_point_cut: bool = Field(False, description="pairs must point to the beam line across it, too")
    sigma_scattering: float = Field(
        5.0, gt=0, le=100, description="angles of scattering, in deviations, that a seed's slope may change by"
    )
    rad_length_per_seed: float = Field(
        0.1, gt=0, le=2, description="material that a seed's particle crosses [radiation lengths]"
    )
    helix_tolerance: float = Field(1.0, gt=0, le=10, description="factor on the greatest curvature of a triplet")
    point_tolerance: float = Field(1.1, gt=0, le=100, description="slack for points of strips along them [mm]")
    extra_cuts: bool = Field(False, description="ACTS's cuts on pairs of points for ATLAS's ITk")
    # -- choice among triplets
    seeds: int = Field(3, ge=1, le=50, description="seeds with one middle point")
    delta_curvature: float = Field(
        3e-5, gt=0, le=1, description="difference of inverse diameters up to which triplets support each other [1/mm]"
    )
    support_weight: float = Field(200.0, ge=0, le=1e5, description="what each supporting point adds to a seed's weight")
    support_limit: int = Field(2, ge=0, le=50, description="supporting points that count, at most")
    impact_weight: float = Field(1.0, ge=0, le=1e5, description="what each mm of transverse impact takes away")
    origin_weight: float = Field(1.0, ge=0, le=1e5, description="what each mm of the origin's abs(z) takes away")
    weight_step: float = Field(0.0, ge=0, le=1e5, description="weight that a seed needs beyond `free_seeds`")
    free_seeds: int | None = Field(None, ge=0, le=1000, description="outer points that make seeds without that weight")
    support_by_step: bool = Field(False, description="supporting points differ in their radial step, not their radius")
    confirmation: int | None = Field(
        None, ge=0, le=50, description="points that must support a seed of the middle; none: no such cut"
    )
    confirmed_seeds: int = Field(5, ge=1, le=50, description="with it: seeds with one middle point, at most")
    quality_seeds: int = Field(5, ge=1, le=50, description="with it: those of best quality among them")
    confirmation_radius: float = Field(60.0, ge=0, le=1100, description="with it: least radius of the inner point [mm]")
    confirmation_origin: float = Field(150.0, ge=0, le=2000, description="with it: greatest abs(z) of the origin [mm]")
    confirmation_impact: float = Field(1.0, ge=0, le=100, description="with it: impact above which it is asked [mm]")
    # -- the grid that points are sorted into
    z_edges: tuple[float, ...] = Field((), description="edges of its bins along z [mm]; none: one bin for all")
    z_order: tuple[int, ...] = Field((), description="the order in which these are looked at, from 1; none: theirs")
    z_neighbours_bottom: tuple[tuple[int, int], ...] = Field(
        (), description="bins below and above in which the inner point of each bin's middle is looked for"
    )
    z_neighbours_top: tuple[tuple[int, int], ...] = Field((), description="the same of the outer point")
    phi_neighbours: int = Field(1, ge=0, le=20, description="bins of azimuth to each side that are searched")
    phi_coverage: int = Field(1, ge=1, le=20, description="bins of azimuth that the strongest bend is cut into")
    max_phi_bins: int = Field(10_000, ge=1, le=100_000, description="bins of azimuth, at most")
    # -- parameters of seeds
    sigma_place: float = Field(1.0, gt=0, le=100, description="error of a seed's place [mm]")
    sigma_angle: float = Field(0.0174533, gt=0, le=1, description="error of a seed's angles [rad]")
    sigma_pt: float = Field(0.1, ge=0, le=10, description="error of a seed's pT over itself")
    sigma_q_over_pt: float = Field(0.1, ge=0, le=10, description="error of a seed's q/pT that does not depend on it")
    inflation: float = Field(1.0, gt=0, le=1e4, description="factor on all these variances")
    refinements: int = Field(0, ge=0, le=20, description="steps that mend a seed's parameters")
    # -- the filter
    chi2_measurement: float = Field(25.0, gt=0, le=1000, description="greatest chi2 of a measurement that is taken")
    chi2_outlier: float = Field(25.0, gt=0, le=1000, description="greatest chi2 of one that is noted as an outlier")
    branches: int = Field(10, ge=1, le=50, description="measurements that are tried on a sensor")
    more_measurements: int = Field(0, ge=0, le=50, description="on a track, beyond the least that the target counts")
    max_holes: int | None = Field(2, ge=0, le=50, description="sensors crossed without a measurement")
    max_outliers: int | None = Field(2, ge=0, le=50, description="outliers on a track")
    max_holes_and_outliers: int | None = Field(None, ge=0, le=100, description="both together")
    max_pixel_holes: int | None = Field(None, ge=0, le=50, description="holes in volumes of pixels")
    max_strip_holes: int | None = Field(None, ge=0, le=50, description="holes in other volumes")
    max_chi2: float | None = Field(
        None, gt=0, le=1e6, description="greatest chi2 of a track, all measurements together"
    )
    max_loc0: float | None = Field(None, gt=0, le=1000, description="greatest transverse impact of a track [mm]")
    max_z0: float | None = Field(None, gt=0, le=4000, description="greatest abs(z0) of a track [mm]")
    two_way: bool = Field(True, description="tracks are followed from their seed in both directions")
    reverse_search: bool = Field(False, description="inwards first")
    seed_deduplication: bool = Field(True, description="seeds whose points are all on one track are left out")
    stay_on_seed: bool = Field(True, description="on a sensor of the seed only its point is taken")
    trim_tracks: bool = Field(True, description="holes and outliers at a track's ends are cut off")
    joseph: bool = Field(False, description="Joseph's form of the update, stabler and slower")
    stay_in_volumes: bool = Field(False, description="a track ends where it leaves the volumes whose hits are used")
    max_steps: int = Field(100_000, ge=10, le=10_000_000, description="steps of a track through the detector")
    # -- ambiguities
    max_shared: int = Field(3, ge=0, le=50, description="measurements that two tracks may share")
    max_iterations: int = Field(
        1_000_000, ge=1, le=10_000_000, description="tracks that may be taken away; duplicates stay behind these"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        pairs = [("min_radius", "max_radius"), ("min_middle", "max_middle")]
        pairs += [(f"min_delta_r_{where}", f"max_delta_r_{where}") for where in ("bottom", "top")]
        for low, high in pairs:
            if getattr(self, low) >= getattr(self, high):
                raise ValueError(f"{low} must be below {high}")
        bins = max(len(self.z_edges) - 1, 0)
        if any(second <= first for first, second in zip(self.z_edges, self.z_edges[1:], strict=False)):
            raise ValueError("z_edges must rise")
        if sorted(self.z_order) not in ([], list(range(1, bins + 1))):
            raise ValueError(f"z_order must name each of the {bins} bins along z once")
        for name in ("z_neighbours_bottom", "z_neighbours_top"):
            if len(getattr(self, name)) not in (0, bins):
                raise ValueError(f"{name} must have a pair for each of the {bins} bins along z")
        if {volume for volume, _ in self.seed_layers} - set(self.seed_volumes):
            raise ValueError("seed_layers must lie in seed_volumes")
        return self


__all__ = ["TrackingSettings"]
