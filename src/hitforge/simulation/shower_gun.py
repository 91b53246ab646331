"""Single particles into a sampling calorimeter, with noise and pile-up."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.detectors import LayeredDetector
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._layered_gun import READ_FIELDS, LayeredGun, LayeredGunConfig, particle_columns
from hitforge.simulation.layered.readout import Cells
from hitforge.simulation.layered.sampling_shower import deposit_in_layers

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
    **READ_FIELDS,
    "dropped_cells": FieldInfo(
        "int32", "", "cells with the particle's energy that gave no hit: dead, below threshold or not read out", "sum"
    ),
    "dropped_energy": FieldInfo(
        "float32", "GeV", "the particle's energy in these cells, times the layers' weights", "sum"
    ),
}


class ShowerGun(LayeredGun):
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

    class Config(LayeredGunConfig):
        """The gun, the showers, the pile-up and the read-out."""

        pdg: tuple[int, ...] = Field(
            (11, -11), min_length=1, description="particles, equally often: 11 -11 22 211 -211 111 13 -13, 0 for none"
        )
        energy: tuple[float, float] = Field((5.0, 300.0), description="range of the total energy [GeV]")
        spectrum: Literal["flat", "log"] = Field("flat", description="energies even in energy or in its logarithm")
        kind: Literal["pointing", "parallel"] = Field(
            "pointing", description="'pointing': from a vertex near the origin; 'parallel': along z"
        )
        impact: tuple[float, float] = Field((0.0, 0.0), description="parallel: centre of the impacts, x and y [mm]")
        impact_spread: float = Field(
            5.0, ge=0, le=5000, description="parallel: impacts lie evenly in a square of this edge [mm]"
        )
        angle_spread: float = Field(
            0.0, ge=0, le=0.5, description="extra Gaussian tilt at the front face, in each of two directions [rad]"
        )

        @model_validator(mode="after")
        def _together(self) -> Self:
            if 0 in self.pdg and self.pileup.mu == 0:
                raise ValueError("pdg 0, no particle, needs pile-up: set pileup.mu above 0")
            if self.kind == "parallel" and self.pileup.mu > 0:
                raise ValueError("pile-up comes from the origin and needs the kind 'pointing', not 'parallel'")
            return self

    def __init__(self, config: Config, detector: LayeredDetector) -> None:
        super().__init__(config, detector)
        if config.kind == "pointing":
            x, y = self._ring()
            aim = f"eta {config.eta}"
        else:
            half = config.impact_spread / 2
            x = config.impact[0] + half * np.array([-1, -1, 1, 1])
            y = config.impact[1] + half * np.array([-1, 1, -1, 1])
            aim = f"impact {config.impact}"
        self._aims_at_cells(x, y, f"kind {config.kind}, side {config.side}, {aim}", "eta or impact_spread")
        self._fits_memory(1)

    @property
    def _pointing(self) -> bool:
        return bool(self.config.kind == "pointing")

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        settings, detector = self.config, self.detector
        shots = _Shots(settings, self._sides(), detector.front, self._energies, count, rng)
        centre = self._jittered(shots.impact[:, :2], rng)
        rows = np.flatnonzero(shots.pdg)
        showers = deposit_in_layers(
            detector, settings.shower, rng, shots.pdg[rows], shots.energy[rows], shots.impact[rows],
            shots.direction[rows],
        )  # fmt: skip
        signal = Cells(rows[showers.particle], showers.cell, showers.energy, showers.time)
        interactions, hits = self._read(rng, self._windows(shots.side, centre), signal)
        deposited, barycentre = np.zeros(count), np.zeros((count, 3))
        deposited[rows] = showers.total
        barycentre[rows] = np.where(showers.total[:, None] > 0, np.nan_to_num(showers.barycentre), 0)
        x, y, z = shots.impact.T
        fields: dict[str, Array] = {
            "primary_pdg": shots.pdg, "energy": shots.energy, "eta": kinematics.eta(x, y, z),
            "phi": kinematics.phi(x, y), "impact_x": x, "impact_y": y, "deposited": deposited,
        } | {f"direction_{axis}": shots.direction[:, i] for i, axis in enumerate("xyz")} | {
            f"barycentre_{axis}": barycentre[:, i] for i, axis in enumerate("xyz")
        }  # fmt: skip
        linked = np.flatnonzero(hits.share > 0)
        links: dict[str, Array] = {
            "hit": linked,
            "particle": np.zeros(len(linked), np.int32),
            "weight": hits.share[linked],
        }
        particles = Collection.from_counts((shots.pdg != 0).astype(np.int64), shots.particles(rows))
        return self._events(particles, hits, links, fields, _FIELDS, interactions)


class _Shots:
    """What the gun shoots: one entry an event; where there is no particle, a place as if there were one."""

    def __init__(
        self, settings: Any, sides: tuple[int, ...], front: float, energies: Callable[[Array], Array], count: int,
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.pdg = rng.permutation(np.resize(np.asarray(settings.pdg), count))
        self.energy = np.where(self.pdg != 0, energies(rng.random(count)), 0.0)
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
        return particle_columns(self.pdg[rows], self.energy[rows], self.flight[rows], self.vertex[rows])


def _normals(direction: Array) -> Array:
    """Two unit vectors across each direction and across each other, (N, 3) -> (N, 2, 3)."""
    x = np.broadcast_to([1.0, 0.0, 0.0], direction.shape)
    second = np.cross(direction, x)  # a forward direction never runs along x
    second /= np.linalg.norm(second, axis=1)[:, None]
    return np.stack([np.cross(second, direction), second], axis=1)
