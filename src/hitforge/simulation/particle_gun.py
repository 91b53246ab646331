"""Electrons and photons of a particle gun through tracker, field and crystals."""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field, field_validator

from hitforge.acts.ancestry import nearest_kept
from hitforge.acts.material import TrackerMaterial
from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.particles import charges
from hitforge.core.units import C_LIGHT
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._gun import Gun, GunConfig
from hitforge.simulation.crystal.em_shower import CrystalShowerSettings, deposit_in_crystals
from hitforge.simulation.crystal.helix import to_cylinder
from hitforge.simulation.crystal.readout import ReadoutSettings
from hitforge.simulation.crystal.response import CrystalHits, respond
from hitforge.simulation.crystal.tracker import GunParticles, GunTracks, electron_or_photon_energy, through_tracker

_KINDS = (11, -11, 22)
_FIELDS = {
    "primary_pdg": FieldInfo("int32", "", "particle of the gun: 11 electron, -11 positron, 22 photon"),
    "pt": FieldInfo("float32", "GeV", "transverse momentum of the gun's particle"),
    "eta": FieldInfo("float32", "", "pseudorapidity of the gun's particle, of its momentum"),
    "phi": FieldInfo("float32", "rad", "azimuth of the gun's particle, of its momentum"),
    "energy": FieldInfo("float32", "GeV", "energy of the gun's particle"),
    "converted": FieldInfo("int8", "", "1 if the gun's photon converted in the tracker"),
    "seed_cell": FieldInfo("int64", "", "hottest crystal, -1 if no particle reached the calorimeter"),
}


class ParticleGun(Gun):
    """One electron, positron or photon an event.

    Stages: the gun (all kinds equally often, flat in pt, eta and phi); ACTS's fast simulation of the tracker; a helix
    to the crystals; parametrised showers; electronics and read-out. Particles of an event are the gun's own and all
    that reach the calorimeter; parents are the nearest ancestors among these.

    Args:
        config: Settings.
        detector: A crystal barrel.

    Raises:
        ConfigError: The detector is not a crystal barrel, or eta reaches beyond it.
    """

    class Config(GunConfig):
        """The gun, the tracker, the showers and the read-out."""

        pdg: tuple[int, ...] = Field((22, 11), min_length=1, description="particles, equally often: 11, -11, 22")
        pt: tuple[float, float] = Field((50.0, 50.0), description="range of transverse momentum [GeV]")
        eta: tuple[float, float] = Field((-1.2, 1.2), description="range of pseudorapidity")
        vertex_spread: tuple[float, float] = Field(
            (0.0125, 50.0), description="Gaussian spread of the vertex across and along the beam [mm]"
        )
        tracker_material: TrackerMaterial = Field(
            "cms_like", description="'none', 'generic' (0.23 to 0.41 X0) or 'cms_like' (0.4 to 1.8 X0)"
        )
        tracker_material_scale: float = Field(1.0, gt=0, le=10, description="factor on the tracker's thickness")
        tracker_min_momentum: float = Field(
            0.02, ge=0.001, le=10, description="particles below are not followed in the tracker [GeV]"
        )
        shower: CrystalShowerSettings = Field(
            default_factory=CrystalShowerSettings, description="how showers are drawn"
        )
        readout: ReadoutSettings = Field(default_factory=ReadoutSettings, description="electronics and read-out")

        @field_validator("pdg")
        @classmethod
        def _known(cls, values: tuple[int, ...]) -> tuple[int, ...]:
            unknown = sorted(set(values) - set(_KINDS))
            if unknown:
                raise ValueError(f"the gun knows 11 (electron), -11 (positron) and 22 (photon), not {unknown}")
            return values

        @field_validator("pt")
        @classmethod
        def _positive(cls, values: tuple[float, float]) -> tuple[float, float]:
            if values[0] < 0.1 or values[1] > 10_000:
                raise ValueError("transverse momenta must lie between 0.1 and 10000 GeV")
            return values

    def __init__(self, config: Config, detector: CrystalBarrel) -> None:
        if not isinstance(detector, CrystalBarrel):
            raise ConfigError(
                "the particle gun needs the detector 'crystal_barrel'", came=type(detector).__name__, where="detector"
            )
        if max(map(abs, config.eta)) > detector.eta_limit:
            raise ConfigError(
                f"eta must lie inside the barrel, |eta| <= {detector.eta_limit:.3f}", came=config.eta, where="source"
            )
        super().__init__(config, detector)

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        settings, geometry = self.config, self.detector.config
        primaries = self._primaries(count, rng)
        tracks = through_tracker(
            primaries, rng, settings.tracker_material, settings.tracker_material_scale, settings.tracker_min_momentum,
            geometry.field,
        )  # fmt: skip
        face = to_cylinder(
            tracks.position, tracks.momentum, tracks.charge, tracks.energy, tracks.time, geometry.radius, geometry.field
        )
        arrives = tracks.alive & face.reached & (self.detector.cell_at(face.position) >= 0)
        rows = np.flatnonzero(arrives)
        place = face.position[rows]
        deposits = deposit_in_crystals(
            self.detector, settings.shower, rng, tracks.pdg[rows], tracks.energy[rows], place, face.direction[rows]
        )
        delay = face.time[rows] - np.linalg.norm(place, axis=1) / C_LIGHT
        hits = respond(self.detector, settings.readout, rng, deposits, tracks.event[rows], delay, count)
        return self._events(primaries, tracks, rows, hits)

    def _primaries(self, count: int, rng: np.random.Generator) -> GunParticles:
        settings = self.config
        pdg = rng.permutation(np.resize(np.asarray(settings.pdg), count))
        pt, eta = (rng.uniform(low, high, count) for low, high in (settings.pt, settings.eta))
        phi = rng.uniform(-math.pi, math.pi, count)
        momentum = pt[:, None] * np.stack([np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)  # (N, 3)
        across, along = settings.vertex_spread
        vertex = rng.standard_normal((count, 3)) * (across, across, along)
        return GunParticles(pdg, charges(pdg), momentum, electron_or_photon_energy(pdg, momentum), vertex)

    def _events(self, primaries: GunParticles, tracks: GunTracks, rows: Array, hits: CrystalHits) -> Events:
        count = len(primaries.pdg)
        first = np.searchsorted(tracks.event, np.arange(count))  # row of each event's primary
        kept = np.zeros(len(tracks.event), bool)
        kept[rows], kept[first] = True, True
        position = np.cumsum(kept) - 1  # row among the kept ones
        kept_counts = np.bincount(tracks.event[kept], minlength=count)
        begin = np.concatenate([[0], np.cumsum(kept_counts)])[:-1]
        parent = nearest_kept(np.where(tracks.parent >= 0, first[tracks.event] + tracks.parent, -1), kept)
        parent = np.where(parent >= 0, position[parent] - begin[tracks.event], -1)
        particles = {
            "pdg": tracks.pdg, "charge": tracks.charge, "px": tracks.vertex_momentum[:, 0],
            "py": tracks.vertex_momentum[:, 1], "pz": tracks.vertex_momentum[:, 2], "energy": tracks.vertex_energy,
            "vx": tracks.vertex[:, 0], "vy": tracks.vertex[:, 1], "vz": tracks.vertex[:, 2], "time": tracks.vertex_time,
            "parent": parent,
        }  # fmt: skip
        place = self.detector.position(hits.cell)
        zero = np.zeros(len(hits.cell), np.int32)
        hit_columns = {
            "x": place[:, 0], "y": place[:, 1], "z": place[:, 2], "time": hits.time, "energy": hits.energy,
            "cell": hits.cell, "layer": zero, "subsystem": zero,
        }  # fmt: skip
        of_link = np.repeat(np.arange(count), hits.link_counts)
        particle = position[rows[hits.particle]] - begin[of_link]
        px, py, pz = primaries.momentum.T
        fields = {
            "primary_pdg": primaries.pdg, "pt": kinematics.pt(px, py), "eta": kinematics.eta(px, py, pz),
            "phi": kinematics.phi(px, py), "energy": primaries.energy, "converted": ~tracks.alive[first],
            "seed_cell": hits.seed,
        }  # fmt: skip
        particles = {key: value[kept] for key, value in particles.items()}
        return Events(
            {
                "particles": Collection.from_counts(kept_counts, particles),
                "hits": Collection.from_counts(hits.counts, hit_columns),
                "links": Collection.from_counts(
                    hits.link_counts, {"hit": hits.hit, "particle": particle, "weight": hits.weight}
                ),
            },
            fields,
            _FIELDS,
        )
