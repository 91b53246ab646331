"""Single particles into a sampling calorimeter, with noise and pile-up."""

from __future__ import annotations

import math
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from hitforge.core.errors import ConfigError
from hitforge.detectors import LayeredDetector, require_layered
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._gun import Gun, GunConfig
from hitforge.simulation.stages.calorimeter_readout import CalorimeterHits, CalorimeterReadout, Cells, Digitiser
from hitforge.simulation.stages.pileup import PileupSettings, overlay, pool_of
from hitforge.simulation.stages.readout_window import Windows
from hitforge.simulation.stages.sampling_shower import SamplingSettings, deposit

Array = NDArray[Any]

# Charge [e] and mass [GeV] (PDG 2024) of what the gun shoots; 0 is no particle at all.
_KINDS = {
    0: (0.0, 0.0), 11: (-1.0, 0.000511), -11: (1.0, 0.000511), 22: (0.0, 0.0), 211: (1.0, 0.13957),
    -211: (-1.0, 0.13957), 111: (0.0, 0.13498), 13: (-1.0, 0.10566), -13: (1.0, 0.10566),
}  # fmt: skip
_FIELDS = {
    "primary_pdg": FieldInfo("int32", "", "particle of the gun, PDG number; 0 = nothing but pile-up and noise"),
    "energy": FieldInfo("float32", "GeV", "energy of the gun's particle, 0 if there is none"),
    "eta": FieldInfo("float32", "", "pseudorapidity of the line from the origin to the impact"),
    "phi": FieldInfo("float32", "rad", "azimuth of the line from the origin to the impact"),
    "impact_x": FieldInfo("float32", "mm", "where the particle enters the front face; where one would, if none does"),
    "impact_y": FieldInfo("float32", "mm", "the same in y"),
    "direction_x": FieldInfo("float32", "", "unit vector of the flight at the front face"),
    "direction_y": FieldInfo("float32", "", "the same in y"),
    "direction_z": FieldInfo("float32", "", "the same in z"),
    "barycentre_x": FieldInfo("float32", "mm", "mean place of the particle's deposits, by energy; 0 without deposits"),
    "barycentre_y": FieldInfo("float32", "mm", "the same in y"),
    "barycentre_z": FieldInfo("float32", "mm", "the same in z"),
    "deposited": FieldInfo("float32", "GeV", "the particle's energy in active layers, times the layers' weights"),
    "mu": FieldInfo("float32", "", "mean number of minimum-bias interactions overlaid"),
    "interactions": FieldInfo("int32", "", "number of minimum-bias interactions overlaid"),
    "pileup_energy": FieldInfo("float32", "GeV", "pile-up in the region read out, before read-out, times the weights"),
    "visible_cells": FieldInfo("int32", "", "number of hits"),
    "dropped_cells": FieldInfo(
        "int32", "", "cells with the particle's energy that gave no hit: dead, below threshold or not read out"
    ),
    "dropped_energy": FieldInfo("float32", "GeV", "the particle's energy in these cells, times the layers' weights"),
}
_HIT_BYTES = 120  # of memory at the peak for each hit: columns of the events, and positions on the way to them
_SHOWER_HITS, _INTERACTION_HITS = 3000.0, 2200.0  # hits above threshold of a particle; of an interaction, both sides
_OVERLAID = 1e6  # cells of pile-up that are held at a time, some 300 bytes each; one of noise counts as four


class ShowerGun(Gun):
    """One particle an event, or none, on the face of a sampling calorimeter.

    Stages: the gun (all kinds equally often); parametrised showers; pile-up from a pool of minimum-bias events;
    electronics and read-out. A pointing gun shoots from a vertex near the origin, flat in pseudorapidity and azimuth;
    a parallel one along z. No field bends the gun's particle, no material stands before the calorimeter. The
    particles of an event are the gun's own; the pile-up is not listed and has no links.

    Args:
        config: Settings.
        detector: A calorimeter of layers.

    Raises:
        ConfigError: The detector is of another kind or has no cells where the gun aims, a dead layer does not exist,
            or a shard would not fit into memory.
    """

    class Config(GunConfig):
        """The gun, the showers, the pile-up and the read-out."""

        pdg: tuple[int, ...] = Field(
            (11, -11), min_length=1, description="particles, equally often: 11 -11 22 211 -211 111 13 -13, 0 for none"
        )
        energy: tuple[float, float] = Field((5.0, 300.0), description="range of the total energy [GeV]")
        spectrum: Literal["flat", "log"] = Field("flat", description="energies even in energy or in its logarithm")
        kind: Literal["pointing", "parallel"] = Field(
            "pointing", description="'pointing': from a vertex near the origin; 'parallel': along z"
        )
        eta: tuple[float, float] = Field((1.6, 2.8), description="pointing: range of abs(pseudorapidity)")
        side: Literal["both", "plus", "minus"] = Field("both", description="sign of z of the calorimeter that is hit")
        vertex_spread: tuple[float, float] = Field(
            (0.0125, 50.0), description="pointing: Gaussian spread of the vertex across and along the beam [mm]"
        )
        impact: tuple[float, float] = Field((0.0, 0.0), description="parallel: centre of the impacts, x and y [mm]")
        impact_spread: float = Field(
            5.0, ge=0, le=5000, description="parallel: impacts lie evenly in a square of this edge [mm]"
        )
        angle_spread: float = Field(
            0.0, ge=0, le=0.5, description="extra Gaussian tilt at the front face, in each of two directions [rad]"
        )
        shard_size: int = Field(1_000, ge=1, le=100_000, description="events in a shard; bounds the memory")
        window: float = Field(
            0.0, ge=0, le=10_000,
            description="radius of what is read out about the particle's axis, at the front face; a pointing gun's "
            "window widens with z; 0 for the whole detector [mm]",
        )  # fmt: skip
        window_jitter: float = Field(
            30.0, ge=0, le=5000, description="the window's centre lies evenly this far beside the impact, x and y [mm]"
        )
        memory: float = Field(4.0, gt=0, le=1024, description="most memory that a shard may take [GiB]")
        shower: SamplingSettings = Field(default_factory=SamplingSettings, description="how showers are drawn")
        pileup: PileupSettings = Field(default_factory=PileupSettings, description="interactions that are overlaid")
        readout: CalorimeterReadout = Field(default_factory=CalorimeterReadout, description="electronics and read-out")

        @field_validator("pdg")
        @classmethod
        def _known(cls, values: tuple[int, ...]) -> tuple[int, ...]:
            unknown = sorted(set(values) - set(_KINDS))
            if unknown:
                raise ValueError(f"the gun knows {', '.join(map(str, _KINDS))}, not {unknown}")
            return values

        @field_validator("energy")
        @classmethod
        def _positive(cls, values: tuple[float, float]) -> tuple[float, float]:
            if values[0] < 0.5 or values[1] > 5_000:
                raise ValueError("energies must lie between 0.5 and 5000 GeV")
            return values

        @field_validator("eta")
        @classmethod
        def _forward(cls, values: tuple[float, float]) -> tuple[float, float]:
            if values[0] < 0.5 or values[1] > 6:
                raise ValueError("abs(eta) must lie between 0.5 and 6; the side is a setting of its own")
            return values

        @model_validator(mode="after")
        def _together(self) -> Self:
            if 0 in self.pdg and self.pileup.mu == 0:
                raise ValueError("pdg 0, no particle, needs pile-up: set pileup.mu above 0")
            if self.kind == "parallel" and self.pileup.mu > 0:
                raise ValueError("pile-up comes from the origin and needs the kind 'pointing', not 'parallel'")
            return self

    def __init__(self, config: Config, detector: LayeredDetector) -> None:
        super().__init__(config, require_layered(detector, "the shower gun"))
        self._digitiser = Digitiser(detector, config.readout)
        self._aims_at_cells()
        self._fits_memory()

    def _sides(self) -> tuple[int, ...]:
        return {"both": (-1, 1), "plus": (1,), "minus": (-1,)}[self.config.side]

    def _aims_at_cells(self) -> None:
        """Refuse a gun that aims beside the calorimeter: a few places at the edge of its range, in the first layer."""
        settings, z = self.config, float(self.detector.layers.z[0])
        if settings.kind == "pointing":
            phi = np.arange(12) * (math.pi / 6) + 0.1
            radius = z / np.sinh(np.repeat(settings.eta, len(phi)))
            x, y = radius * np.cos(np.tile(phi, 2)), radius * np.sin(np.tile(phi, 2))
        else:
            half = settings.impact_spread / 2
            x = settings.impact[0] + half * np.array([-1, -1, 1, 1])
            y = settings.impact[1] + half * np.array([-1, 1, -1, 1])
        zero = np.zeros(len(x), np.int64)
        for side in self._sides():
            if (self.detector.cell_in(zero, x, y, zero + side) < 0).any():
                aim = f"eta {settings.eta}" if settings.kind == "pointing" else f"impact {settings.impact}"
                raise ConfigError(
                    f"the gun must aim at cells of the detector '{self.detector.name}'",
                    came=f"kind {settings.kind}, side {settings.side}, {aim}", where="source",
                    do="narrow eta or impact_spread, or choose the side that has a calorimeter",
                )  # fmt: skip

    def _fits_memory(self) -> None:
        """Refuse a shard that would not fit; the number of hits is estimated, rather too high."""
        settings = self.config
        noise = self._digitiser.noise_hits(self._windows(np.array(self._sides()[:1]), np.zeros((1, 2))))[0]
        hits = _SHOWER_HITS + float(noise) + settings.pileup.mu * _INTERACTION_HITS * self._read_share()
        need = hits * settings.shard_size * _HIT_BYTES / 2**30
        if need > settings.memory:
            raise ConfigError(
                f"a shard must fit into {settings.memory:g} GiB of memory",
                came=f"{settings.shard_size} events with about {hits:.0f} hits each, which take {need:.1f} GiB",
                where="source.shard_size",
                do=f"shard_size of at most {max(int(settings.shard_size * settings.memory / need), 1)}, a window, a "
                "higher threshold, or more memory (setting 'memory')",
            )

    def _read_share(self) -> float:
        """Share of an interaction's cells on both sides that the average window holds, rather too high."""
        extent, settings = self._digitiser.extent, self.config
        first = extent.outer[:, 0] ** 2 - extent.inner[:, 0] ** 2  # over pi: area of the first layer on each side
        if settings.window == 0:
            return 0.5 * float(np.count_nonzero(first))
        return min(0.5, float(settings.window**2 / first.max()))

    def _windows(self, side: Array, centre: Array) -> Windows:
        settings = self.config
        return Windows(
            side, centre[:, 0], centre[:, 1], settings.window, self.detector.front, settings.kind == "pointing"
        )

    def _read(
        self, split: str, rng: np.random.Generator, windows: Windows, signal: Cells
    ) -> tuple[Array, CalorimeterHits]:
        """Overlay pile-up and read out, so many events at a time that memory stays within some 300 MB."""
        settings, count = self.config, len(windows.side)
        interactions = rng.poisson(settings.pileup.mu, count)
        per_event, pool = 4 * float(self._digitiser.noise_hits(windows).max()), None
        if settings.pileup.mu > 0:
            pool = pool_of(self.detector, settings.pileup, settings.shower, split)
            per_event += settings.pileup.mu * 2 * pool.cells_per_half * self._read_share()
        step = max(int(_OVERLAID / max(per_event, 1)), 1)
        parts = []
        for start in range(0, count, step):
            stop = min(start + step, count)
            part, numbers = windows.slice(start, stop), interactions[start:stop]
            first, last = np.searchsorted(signal.event, (start, stop))
            own = Cells(
                signal.event[first:last] - start, signal.cell[first:last], signal.energy[first:last],
                signal.time[first:last],
            )  # fmt: skip
            others = overlay(pool, rng, numbers, part) if pool is not None else None
            parts.append(self._digitiser.read(rng, part, own, others))
        return interactions, CalorimeterHits.concatenate(parts)

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        settings, detector = self.config, self.detector
        shots = _Shots(settings, self._sides(), detector.front, count, rng)
        centre = shots.impact[:, :2] + rng.uniform(-settings.window_jitter, settings.window_jitter, (count, 2))
        rows = np.flatnonzero(shots.pdg)
        showers = deposit(
            detector, settings.shower, rng, shots.pdg[rows], shots.energy[rows], shots.impact[rows],
            shots.direction[rows],
        )  # fmt: skip
        signal = Cells(rows[showers.particle], showers.cell, showers.energy, showers.time)
        interactions, hits = self._read(split, rng, self._windows(shots.side, centre), signal)
        deposited, barycentre = np.zeros(count), np.zeros((count, 3))
        deposited[rows] = showers.total
        barycentre[rows] = np.where(showers.total[:, None] > 0, np.nan_to_num(showers.barycentre), 0)
        x, y, z = shots.impact.T
        fields = {
            "primary_pdg": shots.pdg, "energy": shots.energy, "eta": np.arcsinh(z / np.hypot(x, y)),
            "phi": np.arctan2(y, x), "impact_x": x, "impact_y": y, "deposited": deposited,
            "mu": np.full(count, settings.pileup.mu), "interactions": interactions,
            "pileup_energy": hits.background_energy, "visible_cells": hits.counts,
            "dropped_cells": hits.dropped_cells, "dropped_energy": hits.dropped_energy,
        } | {f"direction_{axis}": shots.direction[:, i] for i, axis in enumerate("xyz")} | {
            f"barycentre_{axis}": barycentre[:, i] for i, axis in enumerate("xyz")
        }  # fmt: skip
        fields = {name: fields[name] for name in _FIELDS}
        place = detector.position(hits.cell)
        of_hit = np.repeat(np.arange(count), hits.counts)
        linked = np.flatnonzero(hits.share > 0)
        begin = np.concatenate([[0], np.cumsum(hits.counts)])[:-1]
        links = {
            "hit": linked - begin[of_hit[linked]], "particle": np.zeros(len(linked), np.int32),
            "weight": hits.share[linked],
        }  # fmt: skip
        columns = {
            "x": place[:, 0], "y": place[:, 1], "z": place[:, 2], "time": hits.time, "energy": hits.energy,
            "cell": hits.cell, "layer": hits.layer, "subsystem": detector.layers.section[hits.layer],
        }  # fmt: skip
        return Events(
            {
                "particles": Collection.from_counts((shots.pdg != 0).astype(np.int64), shots.particles(rows)),
                "hits": Collection.from_counts(hits.counts, columns),
                "links": Collection.from_counts(np.bincount(of_hit[linked], minlength=count), links),
            },
            fields,
            _FIELDS,
        )


class _Shots:
    """What the gun shoots: one entry an event; where there is no particle, a place as if there were one."""

    def __init__(self, settings: Any, sides: tuple[int, ...], front: float, count: int, rng: np.random.Generator):
        self.pdg = rng.permutation(np.resize(np.asarray(settings.pdg), count))
        low, high = settings.energy
        even = rng.random(count)
        energy = low * (high / low) ** even if settings.spectrum == "log" else low + (high - low) * even
        self.energy = np.where(self.pdg != 0, energy, 0.0)
        self.side = rng.choice(np.array(sides), count)
        self.vertex = np.zeros((count, 3))
        flight = np.zeros((count, 3))
        if settings.kind == "pointing":
            eta, phi = rng.uniform(settings.eta[0], settings.eta[1], count), rng.uniform(-math.pi, math.pi, count)
            flight[:] = np.stack([np.cos(phi), np.sin(phi), self.side * np.sinh(eta)], 1) / np.cosh(eta)[:, None]
            across, along = settings.vertex_spread
            self.vertex += rng.standard_normal((count, 3)) * (across, across, along)
        else:
            flight[:, 2] = self.side
            self.vertex[:, :2] = settings.impact + settings.impact_spread * (rng.random((count, 2)) - 0.5)
        self.flight = flight
        path = (self.side * front - self.vertex[:, 2]) / flight[:, 2]
        self.impact = self.vertex + path[:, None] * flight  # (N, 3)
        self.direction = flight
        if settings.angle_spread > 0:
            normal = _normals(flight)  # (N, 2, 3)
            tilt = np.tan(settings.angle_spread * rng.standard_normal((count, 2)))
            self.direction = flight + (tilt[:, :, None] * normal).sum(1)
            self.direction /= np.linalg.norm(self.direction, axis=1)[:, None]

    def particles(self, rows: Array) -> dict[str, Array]:
        """Columns of the particles collection."""
        pdg, energy = self.pdg[rows], self.energy[rows]
        charge, mass = np.array([_KINDS[number] for number in pdg.tolist()]).reshape(-1, 2).T
        momentum = np.sqrt(np.maximum(energy**2 - mass**2, 0))[:, None] * self.flight[rows]
        vertex, zero = self.vertex[rows], np.zeros(len(rows))
        return {
            "pdg": pdg, "charge": charge, "px": momentum[:, 0], "py": momentum[:, 1], "pz": momentum[:, 2],
            "energy": energy, "vx": vertex[:, 0], "vy": vertex[:, 1], "vz": vertex[:, 2], "time": zero,
            "parent": zero - 1,
        }  # fmt: skip


def _normals(direction: Array) -> Array:
    """Two unit vectors across each direction and across each other, (N, 3) -> (N, 2, 3)."""
    x = np.broadcast_to([1.0, 0.0, 0.0], direction.shape)
    second = np.cross(direction, x)  # a forward direction never runs along x
    second /= np.linalg.norm(second, axis=1)[:, None]
    return np.stack([np.cross(second, direction), second], axis=1)
