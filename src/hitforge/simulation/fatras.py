"""Collisions or a gun in a silicon tracker, simulated by ACTS's Fatras."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from hitforge.acts import fatras
from hitforge.acts.ancestry import nearest_kept, parents
from hitforge.acts.fatras import Crossings, Primaries, no_primaries
from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.core.units import C_LIGHT
from hitforge.detectors import TrackerDetector, acts_geometry, require_tracker
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._gun import Gun, GunConfig
from hitforge.simulation.generators import gun, pythia
from hitforge.simulation.generators.pileup import add_pileup
from hitforge.simulation.tracker import noise as tracker_noise
from hitforge.simulation.tracker.clusters import clustered
from hitforge.simulation.tracker.digitisation import Digitised, smeared
from hitforge.simulation.tracker.hadronic import interact

_FIELDS = {
    "mu": FieldInfo("float32", "", "mean number of minimum-bias interactions that are added"),
    "interactions": FieldInfo("int32", "", "number of minimum-bias interactions that were added"),
    "interacted": FieldInfo(
        "int32", "", "charged hadrons that ended in a nuclear interaction before their last sensor"
    ),
    "noise_hits": FieldInfo("int32", "", "hits that no particle made"),
    "missing_hits": FieldInfo(
        "int32", "", "crossings of sensors less hits of particles: dead modules, merged or below threshold", "sum"
    ),
}


class Fatras(Gun):
    """Events of a silicon tracker: particles, ACTS's fast simulation, read-out with noise.

    Particles come from a gun, or from proton collisions at 14 TeV of Pythia 8 (extra ``gen``): tt or minimum bias. To
    either, pile-up is added: a Poisson number of minimum-bias interactions an event. They are taken in turn from a
    pool that is made for each shard: as many as the shard needs, at most ``pool``, and never fewer than twice ``mu``.
    No event holds an interaction twice; one that stands in two events of a shard is turned about the beam by another
    angle and gives other hits. Particles with a c tau below ``decay_length`` decay at generation.

    Simulated: helices in a homogeneous field, multiple scattering, energy loss by ionisation, bremsstrahlung,
    conversion of photons, and with ``hadronic`` the ends of charged hadrons in nuclear interactions, without what these
    make. Not simulated: decays in flight, neutral particles but photons, knocked-out electrons, inefficiency of live
    sensors, and time.

    Digitisation by 'smearing' gives one hit for each crossing, with a Gaussian error of the pitch over the square root
    of 12; sizes and charges of clusters are 0. Digitisation by 'cells' shares the energy among the channels along the
    particle's path, adds electronic noise, applies a threshold, and joins touching channels to clusters; particles that
    come close share one. Noise hits then are single channels, with an exponential tail above the threshold; its mean is
    the threshold, or the noise of a channel if that is more.

    Hits are listed by module, then u; links tell which particle made which share of them, and noise has none.
    ``particles`` holds all charged particles that were simulated: generated ones with at least ``p_min`` and ``pt_min``
    and abs(pseudorapidity) up to ``eta_max``, and electrons of photons; ``parent`` is the nearest charged ancestor.
    Times of hits are 0: not measured.

    Args:
        config: Settings.
        detector: A tracker that ACTS knows.

    Raises:
        ConfigError: The detector is no tracker, or ACTS has no geometry of it.
    """

    class Config(GunConfig):
        """The particles, the simulation and the read-out."""

        process: Literal["gun", "ttbar", "minimum_bias"] = Field("gun", description="what each event holds")
        pdg: tuple[int, ...] = Field((13, -13), min_length=1, description="gun: particles, equally often; PDG numbers")
        multiplicity: int = Field(10, ge=1, le=10_000, description="gun: particles in an event")
        pt: tuple[float, float] = Field((1.0, 10.0), description="gun: range of the transverse momentum [GeV]")
        spectrum: Literal["flat", "log"] = Field("flat", description="gun: momenta even in pt or in its logarithm")
        eta: tuple[float, float] = Field((-3.0, 3.0), description="gun: range of pseudorapidity")
        vertex_spread: tuple[float, float] = Field(
            (0.0125, 55.0), description="Gaussian spread of each interaction's vertex across and along the beam [mm]"
        )
        mu: float = Field(0.0, ge=0.0, le=300.0, description="mean number of minimum-bias interactions added")
        pool: int = Field(4_000, ge=1, le=100_000, description="most minimum-bias interactions generated for a shard")
        decay_length: float = Field(
            1000.0, ge=0.0, le=1000.0, description="particles with a smaller c tau decay at generation [mm]"
        )
        p_min: float = Field(
            0.1, ge=0.02, le=10.0, description="particles with less momentum are neither made nor followed [GeV]"
        )
        pt_min: float = Field(
            0.0, ge=0.0, le=10.0, description="least transverse momentum of generated particles [GeV]"
        )
        eta_max: float = Field(
            4.5, gt=0.0, le=4.5, description="largest abs(pseudorapidity) of generated particles; TrackML has 4"
        )
        hadronic: bool = Field(
            False, description="charged hadrons end in nuclear interactions, by the interaction length of silicon"
        )
        subsystems: Literal["all", "pixel"] = Field("all", description="'pixel': only hits in volumes with pixels")
        digitisation: Literal["smearing", "cells"] = Field(
            "smearing", description="Gaussian errors for each crossing, or clusters of channels"
        )
        threshold: float = Field(
            3.6e-6, ge=0.0, le=1e-3, description="cells: least energy of a channel that is read out [GeV]"
        )
        channel_noise: float = Field(
            5e-7, ge=0.0, le=1e-3, description="cells: Gaussian noise of a channel with energy [GeV]"
        )
        noise: float = Field(0.01, ge=0.0, le=10.0, description="mean noise hits of an event over its other hits")
        noise_rate: float = Field(0.0, ge=0.0, le=10.0, description="further noise hits in a module and event, mean")
        dead: float = Field(0.0, ge=0.0, lt=1.0, description="share of modules that give no hits, the same all along")
        misalignment: float = Field(
            0.0,
            ge=0.0,
            le=5.0,
            description="rms shift of each module along u and along v, not known to the read-out [mm]",
        )
        train: int = Field(100, ge=0, le=10**9, description="events for training")
        validation: int = Field(20, ge=0, le=10**9, description="events for validation")
        test: int = Field(20, ge=0, le=10**9, description="events for the final measurement")
        shard_size: int = Field(20, ge=1, le=10_000, description="events in a shard; bounds the memory")

        @field_validator("pdg")
        @classmethod
        def _known(cls, values: tuple[int, ...]) -> tuple[int, ...]:
            unknown = sorted(value for value in values if abs(value) not in gun.GUN_PARTICLES or value == -22)
            if unknown:
                raise ValueError(f"the gun knows {', '.join(map(str, gun.GUN_PARTICLES))} and -, not {unknown}")
            return values

        @model_validator(mode="after")
        def _shootable(self) -> Self:
            if self.pt[0] <= 0 or self.pt[1] > 10_000:
                raise ValueError("transverse momenta must lie above 0 and at most at 10000 GeV")
            if max(abs(self.eta[0]), abs(self.eta[1])) > gun.MAX_ETA:
                raise ValueError(f"abs(eta) must be at most {gun.MAX_ETA}")
            return self

    def __init__(self, config: Config, detector: TrackerDetector) -> None:
        super().__init__(config, require_tracker(detector, "the tracker simulation"))
        acts_geometry(detector)  # says at once if ACTS does not know it

    @cached_property
    def _dead(self) -> Array:
        rng = stream(self.config.seed, self.name, "dead")
        return tracker_noise.dead_modules(rng, len(self.detector.modules), self.config.dead)

    @cached_property
    def _shifts(self) -> Array:
        rng = stream(self.config.seed, self.name, "misalignment")
        return tracker_noise.shifts(rng, len(self.detector.modules), self.config.misalignment)

    @cached_property
    def _read_out(self) -> Array:
        """Modules whose hits are kept, (M,) bool."""
        live: Array = ~self._dead & self._selected
        return live

    @cached_property
    def _selected(self) -> Array:
        """Modules of the chosen subsystems, dead or not, (M,) bool."""
        volume = self.detector.modules.volume
        modules: Array = np.isin(volume, self.detector.pixel_volumes) | (self.config.subsystems == "all")
        return modules

    @property
    def _cuts(self) -> pythia.Cuts:
        return pythia.Cuts(self.config.p_min, self.config.pt_min, self.config.eta_max)

    def _primaries(self, count: int, rng: np.random.Generator) -> tuple[Primaries, Array]:
        settings = self.config
        seeds = rng.integers(1, 2**31, 2).tolist()
        if settings.process == "gun":
            hard = gun.gun(
                rng, count, settings.multiplicity, settings.pdg, settings.pt, settings.spectrum == "log", settings.eta,
                settings.vertex_spread,
            )  # fmt: skip
            hard_spread = (0.0, 0.0)
        else:
            hard = pythia.collisions(settings.process, seeds[0], count, settings.decay_length, self._cuts)
            hard_spread = settings.vertex_spread
        number = rng.poisson(settings.mu, count)
        size = max(min(int(number.sum()), settings.pool), int(number.max(initial=0)), math.ceil(2 * settings.mu))
        pool = no_primaries(0)
        if settings.mu > 0:
            pool = pythia.collisions("minimum_bias", seeds[1], size, settings.decay_length, self._cuts)
        return add_pileup(rng, hard, pool, number, hard_spread, settings.vertex_spread), number

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        settings, detector = self.config, self.detector
        primaries, number = self._primaries(count, rng)
        seed = int(rng.integers(1, 2**31))
        crossings = fatras.crossings(primaries, *acts_geometry(detector), settings.p_min, seed)
        row = detector.row(crossings.module)
        interacted = np.zeros(len(crossings.event), bool)
        if settings.hadronic:
            crossings, interacted = interact(rng, crossings, row, detector.modules)
            row = detector.row(crossings.module)
        measured = self._digitised(rng, crossings, row)
        hits = np.bincount(measured.event, minlength=count)
        crossed = np.bincount(crossings.of_event[self._selected[row]], minlength=count)
        live = np.flatnonzero(self._read_out)
        mean = settings.noise * hits + settings.noise_rate * len(live)
        noise = tracker_noise.noise(rng, detector.modules, live, mean)
        charge = self._noise_energies(rng, len(noise[0]))
        fields = {
            "mu": np.full(count, settings.mu), "interactions": number,
            "interacted": np.bincount(crossings.event[interacted], minlength=count),
            "noise_hits": np.bincount(noise[0], minlength=count), "missing_hits": crossed - hits,
        }  # fmt: skip
        return Events(self._collections(count, crossings, measured, noise, charge), fields, _FIELDS)

    def _digitised(self, rng: np.random.Generator, crossings: Crossings, row: Array) -> Digitised:
        modules, settings, read_out = self.detector.modules, self.config, self._read_out[row]
        if settings.digitisation == "smearing":
            return smeared(rng, modules, crossings, row, read_out)
        return clustered(rng, modules, crossings, row, read_out, settings.threshold, settings.channel_noise)

    def _noise_energies(self, rng: np.random.Generator, count: int) -> Array:
        """Energy of noise hits, (count,) [GeV]; 0 where no energies are measured, without a random number."""
        settings = self.config
        if settings.digitisation == "smearing":
            return np.zeros(count)
        tail = max(settings.threshold, settings.channel_noise)
        return tracker_noise.noise_energies(rng, count, settings.threshold, tail)

    def _collections(
        self, count: int, made: Crossings, measured: Digitised, noise: tuple[Array, Array, Array, Array],
        noise_charge: Array,
    ) -> dict[str, Collection]:  # fmt: skip
        """Particles, hits with their clusters, and links; hits of an event by module and u."""
        modules, extra = self.detector.modules, len(noise[0])
        event, row = np.concatenate([measured.event, noise[0]]), np.concatenate([measured.row, noise[1]])
        u, v = np.concatenate([measured.u, noise[2]]), np.concatenate([measured.v, noise[3]])
        u[: len(measured)] += self._shifts[measured.row, 0]  # the read-out believes in the nominal place
        v[: len(measured)] += self._shifts[measured.row, 1]
        cells = self.config.digitisation == "cells"
        size = np.concatenate([measured.size, np.full((extra, 3), int(cells))])
        order = np.lexsort((u, row, event))
        event, row, u, v, size = event[order], row[order], u[order], v[order], size[order]
        charge = np.concatenate([measured.charge, noise_charge])[order]
        cell, zero = modules.number[row], np.zeros(len(order))
        x, y, z = self.detector.to_global(cell, u, v).T
        counts = np.bincount(event, minlength=count)
        hits = {
            "x": x, "y": y, "z": z, "time": zero, "energy": charge, "cell": cell, "layer": modules.layer[row],
            "subsystem": modules.volume[row],
        }  # fmt: skip
        clusters = {
            "u": u, "v": v, "sigma_u": modules.pitch_u[row] * _error(size[:, 0]),
            "sigma_v": modules.pitch_v[row] * _error(size[:, 1]), "size_u": size[:, 0], "size_v": size[:, 1],
            "cells": size[:, 2], "charge": charge, "weight": zero,
        }  # fmt: skip
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order)) - (np.cumsum(counts) - counts)[event]
        particles, name = self._particles(count, made)
        of_link = measured.event[measured.measurement]
        hit, particle = place[measured.measurement], name[measured.particle]
        by = np.lexsort((particle, hit, of_link))
        links = {"hit": hit[by], "particle": particle[by], "weight": measured.weight[by]}
        return {
            "particles": particles,
            "hits": Collection.from_counts(counts, hits),
            "clusters": Collection.from_counts(counts, clusters),
            "links": Collection.from_counts(np.bincount(of_link, minlength=count), links),
        }

    def _particles(self, count: int, made: Crossings) -> tuple[Collection, Array]:
        """Charged particles, and each one's index in its event, -1 for those left out, (P,) int64."""
        keep = made.charge != 0
        keep[made.particle[made.particle >= 0]] = True
        parent = parents(made.family, made.generation, made.charge, made.vertex, made.momentum, self.detector.field)
        counts = np.bincount(made.event[keep], minlength=count)
        name = np.full(len(keep), -1, np.int64)
        name[keep] = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        ancestor = nearest_kept(parent, keep)[keep]
        momentum, vertex = made.momentum[keep].T, made.vertex[keep].T
        energy = np.sqrt((momentum**2).sum(axis=0) + made.mass[keep] ** 2)
        columns = {
            "pdg": made.pdg[keep], "charge": made.charge[keep], "px": momentum[0], "py": momentum[1],
            "pz": momentum[2], "energy": energy, "vx": vertex[0], "vy": vertex[1], "vz": vertex[2],
            "time": made.delay[keep] / C_LIGHT, "parent": np.where(ancestor >= 0, name[ancestor], -1),
        }  # fmt: skip
        return Collection.from_counts(counts, columns), name


def _error(size: Array) -> Array:
    """Expected error in channels of a cluster so many channels wide, 0 for a smeared point; (N,) -> (N,).

    Of clusters of single particles with the standard threshold: one channel is met where the path does not reach into
    a second one, and more channels share the energy. Muons of 1 to 10 GeV up to abs(eta) of 2.5 give 0.80 along u and
    0.90 along v for one channel, 0.48 and 0.41 for more; parts of the detector differ, from 0.5 to 1.0 for one channel.
    """
    return np.where(size == 0, 1.0, np.where(size == 1, 0.85, 0.5)) / math.sqrt(12)
