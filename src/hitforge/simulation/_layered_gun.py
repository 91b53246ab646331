"""What guns at calorimeters of layers share: settings, windows, pile-up and read-out, the bound on memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.particles import charges, masses
from hitforge.detectors import LayeredDetector, require_layered
from hitforge.events import Collection, Events, FieldInfo
from hitforge.simulation._gun import Gun, GunConfig
from hitforge.simulation.layered.pileup import PileupSettings, overlay, pool_of
from hitforge.simulation.layered.readout import CalorimeterHits, CalorimeterReadout, Cells, Digitiser
from hitforge.simulation.layered.sampling_shower import SamplingSettings
from hitforge.simulation.layered.window import Windows

_PARTICLES = (0, 11, -11, 22, 211, -211, 111, 13, -13)  # what the guns shoot; 0 is no particle at all
_MASS_DIGITS = 5
READ_FIELDS = {
    "mu": FieldInfo("float32", "", "mean number of minimum-bias interactions overlaid"),
    "interactions": FieldInfo("int32", "", "number of minimum-bias interactions overlaid"),
    "pileup_energy": FieldInfo("float32", "GeV", "pile-up in the region read out, before read-out, times the weights"),
    "kept_cells": FieldInfo("int32", "", "number of hits"),
}
_SHOWER_HITS, _INTERACTION_HITS = 3000.0, 2200.0  # hits above threshold of a particle; of an interaction, both sides
_OVERLAID = 1e6  # cells of pile-up that are held at a time, some 300 bytes each; one of noise counts as four


class LayeredGunConfig(GunConfig):
    """Settings of every gun at a calorimeter of layers."""

    eta: tuple[float, float] = Field((1.6, 2.8), description="pointing: range of abs(pseudorapidity)")
    side: Literal["both", "plus", "minus"] = Field(
        "both", description="sign of z that is hit, of those that have cells"
    )
    vertex_spread: tuple[float, float] = Field(
        (0.0125, 50.0), description="pointing: Gaussian spread of the vertex across and along the beam [mm]"
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

    @field_validator("pdg", check_fields=False)
    @classmethod
    def _known(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        unknown = sorted(set(values) - set(_PARTICLES))
        if unknown:
            raise ValueError(f"the gun knows {', '.join(map(str, _PARTICLES))}, not {unknown}")
        return values

    @field_validator("energy", check_fields=False)
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


class LayeredGun(Gun):
    """A gun at a calorimeter of layers: windows, pile-up and read-out, and a bound on the memory of a shard.

    Args:
        config: Settings, a ``LayeredGunConfig`` with ``pdg``, ``energy`` and ``spectrum``.
        detector: A calorimeter of layers.

    Raises:
        ConfigError: The detector is of another kind, or a dead layer does not exist.
    """

    _hit_bytes: ClassVar[int] = 120
    """Memory at the peak for each hit [bytes]: columns of the events, and positions on the way to them."""

    def __init__(self, config: Any, detector: LayeredDetector) -> None:
        super().__init__(config, require_layered(detector, "the shower gun"))
        self._digitiser = Digitiser(detector, config.readout)

    @property
    def _pointing(self) -> bool:
        """Whether windows follow the line from the origin."""
        return True

    def _sides(self) -> tuple[int, ...]:
        sides: dict[str, tuple[int, ...]] = {"both": self.detector.sides, "plus": (1,), "minus": (-1,)}
        return sides[self.config.side]

    def _ring(self) -> tuple[Array, Array]:
        """Places in the first layer at both ends of the range of eta, two (24,) [mm]."""
        phi = np.arange(12) * (np.pi / 6) + 0.1
        radius = float(self.detector.layers.z[0]) / np.sinh(np.repeat(self.config.eta, len(phi)))
        return radius * np.cos(np.tile(phi, 2)), radius * np.sin(np.tile(phi, 2))

    def _aims_at_cells(self, x: Array, y: Array, aim: str, narrow: str) -> None:
        """Refuse a gun that aims beside the calorimeter: places at the edge of its range, in the first layer."""
        zero = np.zeros(len(x), np.int64)
        for side in self._sides():
            if (self.detector.cell_in(zero, x, y, zero + side) < 0).any():
                raise ConfigError(
                    f"the gun must aim at cells of the detector '{self.detector.name}'",
                    came=aim, where="source",
                    do=f"narrow {narrow}, or choose the side that has a calorimeter",
                )  # fmt: skip

    def _fits_memory(self, particles: int) -> None:
        """Refuse a shard that would not fit; the number of hits is estimated, rather too high."""
        settings = self.config
        noise = self._digitiser.noise_hits(self._windows(np.array(self._sides()[:1]), np.zeros((1, 2))))[0]
        hits = _SHOWER_HITS * particles + float(noise) + settings.pileup.mu * _INTERACTION_HITS * self._read_share()
        need = hits * settings.shard_size * self._hit_bytes / 2**30
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
        return Windows(side, centre[:, 0], centre[:, 1], self.config.window, self.detector.front, self._pointing)

    def _jittered(self, centre: Array, rng: np.random.Generator) -> Array:
        """Centres of windows beside these places, (N, 2) [mm]."""
        jitter = self.config.window_jitter
        moved: Array = centre + rng.uniform(-jitter, jitter, centre.shape)
        return moved

    def _energies(self, even: Array) -> Array:
        """Energies from even numbers in (0, 1), (N,) [GeV]."""
        low, high = self.config.energy
        energies: Array = low * (high / low) ** even if self.config.spectrum == "log" else low + (high - low) * even
        return energies

    def _read(self, rng: np.random.Generator, windows: Windows, signal: Cells) -> tuple[Array, CalorimeterHits]:
        """Overlay pile-up and read out, so many events at a time that memory stays within some 300 MB."""
        settings, count = self.config, len(windows.side)
        interactions = rng.poisson(settings.pileup.mu, count)
        per_event, pool = 4 * float(self._digitiser.noise_hits(windows).max()), None
        if settings.pileup.mu > 0:
            # of the shard alone, whose stream this is: its fluctuation averages out over shards
            pool = pool_of(self.detector, settings.pileup, settings.shower, int(rng.integers(2**62)))
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

    def _events(
        self, particles: Collection, hits: CalorimeterHits, links: Mapping[str, Array], fields: Mapping[str, Array],
        info: Mapping[str, FieldInfo], interactions: Array,
    ) -> Events:  # fmt: skip
        """Put events together.

        Args:
            particles: One entry an event.
            hits: What was read out.
            links: Row among all hits, rising, (K,); number of the particle in its event; share of the hit's energy.
            fields: Of the gun itself; those of the read-out are added.
            info: All fields, in their order.
            interactions: Of the pile-up, (E,).
        """
        count, detector = len(hits.counts), self.detector
        fields = {
            "mu": np.full(count, self.config.pileup.mu), "interactions": interactions,
            "pileup_energy": hits.background_energy, "kept_cells": hits.counts,
            "dropped_cells": hits.dropped_cells, "dropped_energy": hits.dropped_energy, **fields,
        }  # fmt: skip
        place = detector.position(hits.cell)
        begin = np.concatenate([[0], np.cumsum(hits.counts)])[:-1]
        of_link = np.repeat(np.arange(count), hits.counts)[links["hit"]]
        columns = {
            "x": place[:, 0], "y": place[:, 1], "z": place[:, 2], "time": hits.time, "energy": hits.energy,
            "cell": hits.cell, "layer": hits.layer, "subsystem": detector.layers.section[hits.layer],
        }  # fmt: skip
        return Events(
            {
                "particles": particles,
                "hits": Collection.from_counts(hits.counts, columns),
                "links": Collection.from_counts(
                    np.bincount(of_link, minlength=count), {**links, "hit": links["hit"] - begin[of_link]}
                ),
            },
            {name: fields[name] for name in info},
            info,
        )


def particle_columns(pdg: Array, energy: Array, flight: Array, vertex: Array) -> dict[str, Array]:
    """Return the columns of primary particles, (P,) each.

    Args:
        pdg: PDG numbers, (P,).
        energy: Total energies, (P,) [GeV].
        flight: Unit vectors, (P, 3).
        vertex: Where they start, at time 0, (P, 3) [mm].
    """
    mass = masses(pdg, _MASS_DIGITS)
    momentum = np.sqrt(np.maximum(energy**2 - mass**2, 0))[:, None] * flight
    zero = np.zeros(len(pdg))
    return {
        "pdg": pdg, "charge": charges(pdg), "px": momentum[:, 0], "py": momentum[:, 1], "pz": momentum[:, 2],
        "energy": energy, "vx": vertex[:, 0], "vy": vertex[:, 1], "vz": vertex[:, 2], "time": zero, "parent": zero - 1,
    }  # fmt: skip
