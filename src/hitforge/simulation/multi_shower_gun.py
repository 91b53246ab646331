"""Several particles close together in a sampling calorimeter, and who gave which part of each hit."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.random import stream
from hitforge.detectors import LayeredDetector
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._layered_gun import READ_FIELDS, LayeredGun, LayeredGunConfig, particle_columns
from hitforge.simulation.layered.hit_shares import count_cells, share_hits
from hitforge.simulation.layered.readout import Cells
from hitforge.simulation.layered.sampling_shower import deposit_in_layers

_FIELDS = {
    "multiplicity": FieldInfo("int32", "", "number of the gun's particles"),
    "energy": FieldInfo("float32", "GeV", "sum of the particles' energies"),
    "eta": FieldInfo("float32", "", "pseudorapidity of the line from the origin to the middle of the disc"),
    "phi": FieldInfo("float32", "rad", "azimuth of the same line"),
    "axis_x": FieldInfo("float32", "mm", "where this line crosses the front face, the middle of the disc"),
    "axis_y": FieldInfo("float32", "mm", "the same in y"),
    "separation": FieldInfo("float32", "mm", "distance of the particles on the front face if they are two; else 0"),
    "nearest": FieldInfo("float32", "mm", "least distance of two particles on the front face; 0 for one particle"),
    "deposited": FieldInfo("float32", "GeV", "the particles' energy in active layers, times the layers' weights"),
    **READ_FIELDS,
    "dropped_cells": FieldInfo(
        "int32", "", "cells with the particles' energy that gave no hit: dead, below threshold or not read out", "sum"
    ),
    "dropped_energy": FieldInfo(
        "float32", "GeV", "the particles' energy in these cells, times the layers' weights", "sum"
    ),
}
_ROUNDS, _LEAST = 6000, 0.005  # tries for an event; share of placements that must keep apart, so that they suffice
_HELD = 256  # particles whose deposits are held at a time, at some 10,000 cells each


class MultiShowerGun(LayeredGun):
    """Two to eight particles an event, near each other on the face of a sampling calorimeter.

    They fly from one vertex near the origin through points that lie evenly in a disc on the front face, all at least
    ``apart`` from each other; or two of them stand at a distance out of ``separation``, evenly on either side of the
    disc's middle. The middle is flat in pseudorapidity, as far as the whole disc lies within ``eta``, and in azimuth.
    Each particle is of any kind, equally often. Showers, pile-up and read-out are those of the gun for single
    particles. Particles stand in the order of falling energy. Links give the part of a hit's energy that each particle
    gave; a hit may have several, the rest is pile-up and noise.

    Args:
        config: Settings.
        detector: A calorimeter of layers.

    Raises:
        ConfigError: The detector is of another kind or has no cells where the gun aims, the disc does not fit into the
            range of eta, so many particles cannot stand so far apart, a dead layer does not exist, or a shard would
            not fit into memory.
    """

    class Config(LayeredGunConfig):
        """The particles, the showers, the pile-up and the read-out."""

        particles: tuple[int, int] = Field((2, 8), description="least and most particles of an event, evenly")
        pdg: tuple[int, ...] = Field(
            (11, -11, 22, 211, -211), min_length=1,
            description="kinds of each particle, equally often: 11 -11 22 211 -211 111 13 -13",
        )  # fmt: skip
        energy: tuple[float, float] = Field((20.0, 200.0), description="range of each particle's total energy [GeV]")
        spectrum: Literal["flat", "log"] = Field("log", description="energies even in energy or in its logarithm")
        eta: tuple[float, float] = Field(
            (1.6, 2.8), description="range of abs(pseudorapidity) that the whole disc lies in, seen from the origin"
        )
        vertex_spread: tuple[float, float] = Field(
            (0.0125, 50.0), description="Gaussian spread of the vertex across and along the beam [mm]"
        )
        spread: float = Field(
            150.0, ge=0, le=5000, description="radius of the disc on the front face that the particles cross [mm]"
        )
        apart: float = Field(
            0.0, ge=0, le=5000, description="least distance of any two particles on the front face [mm]"
        )
        separation: tuple[float, float] | None = Field(
            None,
            description="range of the distance of exactly two particles on the front face, evenly; particles, spread "
            "and apart do not count then [mm]",
        )
        shard_size: int = Field(250, ge=1, le=100_000, description="events in a shard; bounds the memory")
        window: float = Field(
            300.0, ge=0, le=10_000,
            description="radius of what is read out about the disc's middle, at the front face; widens with z; 0 for "
            "the whole detector [mm]",
        )  # fmt: skip
        window_jitter: float = Field(
            30.0, ge=0, le=5000,
            description="the window's centre lies evenly this far beside the disc's middle, x and y [mm]",
        )  # fmt: skip

        @field_validator("particles")
        @classmethod
        def _some(cls, values: tuple[int, int]) -> tuple[int, int]:
            if not 1 <= values[0] <= values[1] <= 64:
                raise ValueError("the numbers of particles must rise and lie between 1 and 64")
            return values

        @field_validator("pdg")
        @classmethod
        def _real(cls, values: tuple[int, ...]) -> tuple[int, ...]:
            if 0 in values:
                raise ValueError("each particle must be one: 0, for none, is known to shower_gun alone")
            return values

        @field_validator("separation")
        @classmethod
        def _distance(cls, values: tuple[float, float] | None) -> tuple[float, float] | None:
            if values is not None and not 0 <= values[0] <= values[1] <= 10_000:
                raise ValueError("the distances must rise and lie between 0 and 10000 mm")
            return values

        @model_validator(mode="after")
        def _together(self) -> Self:
            if self.separation is None and self.apart > 2 * self.spread and self.particles[1] > 1:
                raise ValueError(f"apart must be at most twice spread ({2 * self.spread:g} mm)")
            return self

    # A hit's links come on top: one or two each.
    _hit_bytes: ClassVar[int] = 150

    def __init__(self, config: Config, detector: LayeredDetector) -> None:
        super().__init__(config, detector)
        self._max_particles = config.particles[1] if config.separation is None else 2
        self._aims_at_cells(*self._ring(), f"side {config.side}, eta {config.eta}", "eta")
        self._radii = self._middles()
        self._keep_apart()
        self._fits_memory(self._max_particles)

    def _middles(self) -> tuple[float, float]:
        """Radii of the disc's middle on the front face, least and most, so that the disc stays within eta [mm]."""
        settings, front = self.config, self.detector.front
        reach = settings.spread if settings.separation is None else settings.separation[1] / 2
        outer, inner = (front / math.sinh(eta) for eta in settings.eta)
        if outer - inner < 2 * reach and reach > 0:
            raise ConfigError(
                f"the particles' disc must fit into the range of eta, which spans {outer - inner:.0f} mm on the face",
                came=f"a disc of {2 * reach:g} mm, eta {settings.eta}", where="source",
                do="a smaller spread or separation, or a wider range of eta",
            )  # fmt: skip
        return inner + reach, outer - reach

    def _keep_apart(self) -> None:
        """Refuse a distance that too few placements keep: a sample of them, always the same one."""
        settings = self.config
        if settings.separation is not None or settings.apart == 0 or self._max_particles == 1:
            return
        points = _disc(stream(0, "placements"), 4000, self._max_particles, settings.spread)
        share = float((_closest(points) >= settings.apart).mean())
        if share < _LEAST:
            raise ConfigError(
                f"{self._max_particles} particles must find places {settings.apart:g} mm apart in a disc of radius "
                f"{settings.spread:g} mm, in at least {_LEAST:.1%} of all tries",
                came=f"{share:.2%}", where="source.apart", do="a smaller apart, fewer particles, or a larger spread",
            )  # fmt: skip

    def _places(self, rng: np.random.Generator, number: Array) -> Array:
        """Places on the face about the disc's middle, (N,) int64 -> (N, most, 2) [mm], infinite where no particle is.

        Events whose particles stand too close are drawn again as a whole, so that all that remain are as likely.
        """
        settings, count = self.config, len(number)
        if settings.separation is not None:
            low, high = settings.separation
            half, phi = rng.uniform(low / 2, high / 2, count), rng.uniform(-math.pi, math.pi, count)
            one = half[:, None] * np.stack([np.cos(phi), np.sin(phi)], 1)  # (N, 2)
            return np.stack([one, -one], 1)
        places = np.full((count, self._max_particles, 2), np.inf)
        open_ = np.arange(count)
        for _ in range(_ROUNDS):
            drawn = _disc(rng, len(open_), self._max_particles, settings.spread)
            drawn[np.arange(self._max_particles) >= number[open_, None]] = np.inf
            good = _closest(drawn) >= settings.apart
            places[open_[good]] = drawn[good]
            open_ = open_[~good]
            if not len(open_):
                return places
        raise ConfigError(
            "particles must find places so far apart", came=f"{len(open_)} events without, after {_ROUNDS} tries",
            where="source.apart", do="a smaller apart, fewer particles, or a larger spread",
        )  # fmt: skip

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        step = max(_HELD // self._max_particles, 1)
        return Events.concatenate(
            [self._block(split, min(step, count - start), rng) for start in range(0, count, step)]
        )

    def _block(self, split: str, count: int, rng: np.random.Generator) -> Events:
        """Events of one block; a shard is cut into blocks because deposits take more memory than hits."""
        settings, detector = self.config, self.detector
        low, high = settings.particles if settings.separation is None else (2, 2)
        number = rng.integers(low, high + 1, count)
        event = np.repeat(np.arange(count), number)  # (P,)
        begin = np.cumsum(number) - number
        pdg = rng.choice(np.array(settings.pdg), len(event))
        energy = self._energies(rng.random(len(event)))
        energy = energy[np.lexsort((-energy, event))]  # the order tells nothing but the energy
        side = rng.choice(np.array(self._sides()), count)
        nearest_eta, farthest_eta = (math.asinh(detector.front / radius) for radius in self._radii)
        eta, phi = rng.uniform(farthest_eta, nearest_eta, count), rng.uniform(-math.pi, math.pi, count)
        axis = (detector.front / np.sinh(eta))[:, None] * np.stack([np.cos(phi), np.sin(phi)], 1)  # (E, 2)
        places = self._places(rng, number)
        closest = np.where(number > 1, _closest(places), 0.0)
        point = np.empty((len(event), 3))
        point[:, :2] = axis[event] + places[np.arange(self._max_particles) < number[:, None]]
        point[:, 2] = side[event] * detector.front
        across, along = settings.vertex_spread
        vertex = (rng.standard_normal((count, 3)) * (across, across, along))[event]
        flight = point - vertex
        flight /= np.linalg.norm(flight, axis=1)[:, None]
        showers = deposit_in_layers(detector, settings.shower, rng, pdg, energy, point, flight)
        signal = Cells(event[showers.particle], showers.cell, showers.energy, showers.time)
        interactions, hits = self._read(rng, self._windows(side, self._jittered(axis, rng)), signal)
        hit, row, weight = share_hits(hits, signal.event, signal.cell, signal.energy)
        of_link = showers.particle[row]
        seen = np.bincount(np.repeat(np.arange(count), hits.counts)[hits.share > 0], minlength=count)
        fields = {
            "multiplicity": number, "energy": np.bincount(event, energy, count), "eta": side * eta, "phi": phi,
            "axis_x": axis[:, 0], "axis_y": axis[:, 1], "separation": np.where(number == 2, closest, 0.0),
            "nearest": closest, "deposited": np.bincount(event, showers.total, count),
            # The read-out counts a cell beyond the window once for each particle.
            "dropped_cells": count_cells(signal.event, signal.cell, count) - seen,
        }  # fmt: skip
        links = {"hit": hit, "particle": of_link - begin[event[of_link]], "weight": weight}
        particles = Collection.from_counts(number, particle_columns(pdg, energy, flight, vertex))
        return self._events(particles, hits, links, fields, _FIELDS, interactions)


def _disc(rng: np.random.Generator, count: int, number: int, radius: float) -> Array:
    """Points that lie evenly in a disc, (count, number, 2) [mm]."""
    distance, phi = radius * np.sqrt(rng.random((count, number))), rng.uniform(-math.pi, math.pi, (count, number))
    return np.stack([distance * np.cos(phi), distance * np.sin(phi)], 2)


def _closest(places: Array) -> Array:
    """Least distance of two places that are finite, (N, M, 2) -> (N,) [mm]; infinite where there are not two."""
    first, second = np.triu_indices(places.shape[1], 1)
    real = np.isfinite(places[..., 0])
    gap = np.where(real[..., None], places, 0.0)
    distance = np.hypot(*np.moveaxis(gap[:, first] - gap[:, second], 2, 0))  # (N, pairs)
    least: Array = np.where(real[:, first] & real[:, second], distance, np.inf).min(axis=1, initial=np.inf)
    return least
