"""Jets of quarks, gluons, bosons and top quarks from proton collisions of Pythia 8, as stable particles."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from hitforge.core import config, kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.core.particles import charges
from hitforge.detectors import Detector
from hitforge.detectors.point_cloud import require_point_cloud
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.simulation._gun import Gun, GunConfig
from hitforge.simulation.generators.jets import ORIGINS, JetKind, Jets, generate

_PARTS = 10  # of the range of pT, each of which has as many jets of each kind
_ETA_SHARES = (0.29, 0.28, 0.25, 0.18)  # of each kind's jets in the quarters of the range of abs(eta): near nature's
_EVEN = (1.0,) * 10  # of the range of the masses of scalars
_FEW = 5  # jets of a kind in a shard, below which they may stand anywhere: each would wait for its own cell
_PATIENCE = 400  # batches of collisions without a jet that is still asked for
_MOMENTUM = ("px", "py", "pz", "energy")
_SEEN = (11, 13, 22)  # kinds that a detector tells apart; others are charged (211) or neutral (130) hadrons


class PythiaJets(Gun):
    """Each event is a jet of a collision at 14 TeV, made of the stable particles that Pythia 8 gives (extra ``gen``).

    Jets are those of anti-kt with the radius ``radius``; each belongs to the parton of the hard process, or to the
    boson or top quark, that is nearest to its axis. Within ``radius`` of a jet of a decay there are as many hard quarks
    as the decay has. Kinds stand equally often, also in each tenth of the range of pT (of its logarithm with
    ``spectrum: log``) and each quarter of that of abs(pseudorapidity): neither their number nor their pT nor their
    direction tells them apart. Those of the kind 'scalar' alone, whose masses are to be found, stand equally often in
    each tenth of the logarithm of ``mass``, within each tenth of pT, and wherever they fly. Two jets may come from one
    collision, whose number in its shard the event field ``collision`` tells; they stand in one split.

    There is no detector: momenta are those of the generator, all particles but neutrinos are seen, hadrons are only
    told as charged (211) or neutral (130), impact parameters are not told, and there is no pile-up. Numbers on these
    jets cannot be set beside those of an experiment.

    Event fields: ``jet_label`` (0 gluon, 1 quark, 2 W, 3 Z, 4 Higgs boson to b quarks, 5 top quark, 6 scalar),
    ``collision``, ``true_pdg``, ``true_pt``, ``true_mass`` of what the jet comes from.

    Args:
        config: Settings.
        detector: ``point_cloud``.
    """

    class Config(GunConfig):
        """Which jets, and how many."""

        kinds: Annotated[tuple[JetKind, ...], config.DISTINCT] = Field(
            ("gluon", "quark"), min_length=1, description="kinds of jets, equally often"
        )
        pt: tuple[float, float] = Field((400.0, 600.0), description="range of the jets' transverse momentum [GeV]")
        spectrum: Literal["flat", "log"] = Field("flat", description="even in pT or in its logarithm")
        eta_max: float = Field(2.0, gt=0, le=4.0, description="largest abs(pseudorapidity) of the jets")
        radius: float = Field(0.8, ge=0.2, le=1.5, description="of the jets")
        mass: tuple[float, float] = Field((40.0, 200.0), description="range of the masses of scalars [GeV]")
        decay_length: float = Field(10.0, ge=0, le=1000, description="particles with a smaller c tau decay [mm]")
        shard_size: int = Field(10_000, ge=1, le=100_000, description="jets in a shard; bounds the memory")

        @model_validator(mode="after")
        def _possible(self) -> Self:
            if self.pt[0] < 20 or self.pt[1] > 5000 or self.pt[1] < 1.02 * self.pt[0]:
                raise ValueError("pt must rise by 2 % at least, from 20 GeV at least to 5000 GeV at most")
            if self.mass[0] < 15 or self.mass[1] < 1.05 * self.mass[0] or self.mass[1] > 1000:
                raise ValueError("mass must rise by 5 % at least, from 15 GeV at least to 1000 GeV at most")
            return self

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        require_point_cloud(detector, f"the simulation '{self.name}'")

    @property
    def reach(self) -> float:
        """Of the generated particles that are followed, from the jet's axis; 0 where constituents are enough."""
        return 0.0

    @property
    def within(self) -> tuple[float, float] | None:
        """Radius and abs(z) of the cylinder beyond which nothing decays [mm]; none without a detector."""
        return None

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        kinds = self.config.kinds
        kind = rng.permutation((np.arange(count) + rng.integers(len(kinds))) % len(kinds))  # of each jet
        jets, place, collisions = list[Jets](), list[Array](), 0
        for number, name in enumerate(kinds):
            mine = np.flatnonzero(kind == number)
            if len(mine):
                shares: tuple[float, ...] = _EVEN if name == "scalar" else _ETA_SHARES
                parts, shares = (_PARTS, shares) if len(mine) >= _FEW else (1, (1.0,))
                cell = _spread(rng, len(mine), np.ones(parts)) * len(shares)
                cell += _spread(rng, len(mine), np.array(shares))
                asked = np.bincount(cell, minlength=parts * len(shares)).reshape(parts, -1)
                found, which = self._collect(name, int(rng.integers(1, 900_000_000)), asked)
                jets.append(
                    replace(found, collision=found.collision + collisions).take(np.argsort(which, kind="stable"))
                )
                place.append(mine[np.argsort(cell, kind="stable")])
                collisions += int(found.collision.max()) + 1
        return self._events(Jets.concatenate(jets).take(np.argsort(np.concatenate(place))), kind, rng)

    def _collect(self, kind: JetKind, seed: int, asked: Array) -> tuple[Jets, Array]:
        """Return jets of a kind, as many as asked for in each cell of pT and abs(eta), or mass, and their cells."""
        c, (parts, second), asked = self.config, asked.shape, asked.ravel().copy()
        (low, high), space = c.pt, np.geomspace if c.spectrum == "log" else np.linspace
        massive = kind == "scalar"
        beside = np.geomspace(c.mass[0], c.mass[1], second + 1) if massive else np.linspace(0, c.eta_max, second + 1)
        edges = (space(low, high, parts + 1), beside)
        jets, cells, idle = list[Jets](), list[Array](), 0
        for batch in generate(kind, seed, c.pt, c.eta_max, c.radius, c.decay_length, self.reach, c.mass, self.within):
            place = (batch.pt, kinematics.mass(*batch.true.T)) if massive else batch.place
            part = [np.searchsorted(of[1:-1], at, side="right") for of, at in zip(edges, place, strict=True)]
            cell = part[0] * second + part[1]
            order = np.argsort(cell, kind="stable")
            rank = np.empty(len(cell), np.int64)
            rank[order] = np.arange(len(cell)) - np.searchsorted(cell[order], cell[order])
            keep = np.flatnonzero(rank < asked[cell])
            asked -= np.bincount(cell[keep], minlength=len(asked))
            jets.append(batch.take(keep))
            cells.append(cell[keep])
            if not asked.any():
                return Jets.concatenate(jets), np.concatenate(cells)
            idle = 0 if len(keep) else idle + 1
            if idle == _PATIENCE:
                break
        i, j = divmod(int(np.argmax(asked)), second)
        decay = "; a decay fits into a jet where pt is over 2 mass / radius" if ORIGINS[kind].quarks else ""
        raise RunError(
            f"Pythia must give jets of the kind '{kind}' of {edges[0][i]:.6g} to {edges[0][i + 1]:.6g} GeV and"
            f" {'mass' if massive else 'abs(eta)'} {edges[1][j]:.3g} to {edges[1][j + 1]:.3g}",
            came=f"none in {_PATIENCE} batches of collisions",
            where="source",
            do=f"change pt, eta_max or radius{decay}",
        )

    def _events(self, jets: Jets, kind: Array, rng: np.random.Generator) -> Events:
        size = np.abs(jets.parts.pdg)
        charge = charges(jets.parts.pdg, unknown=0.0)
        sign = np.where(jets.parts.pdg < 0, -1, 1)
        seen = np.where(charge == 0, 130, 211 * np.sign(charge).astype(np.int64))
        seen = np.where(np.isin(size, _SEEN), sign * size, seen)
        columns = {**dict(zip(_MOMENTUM, jets.parts.momentum.T, strict=True)), "charge": charge, "pdg": seen}
        whole = dict(zip(_MOMENTUM, jets.momentum.T, strict=True))
        return jet_events(
            jets.parts.counts, columns, {**whole, "soft_drop_mass": jets.soft_drop_mass}, self._fields(jets, kind)
        )

    def _fields(self, jets: Jets, kind: Array) -> Fields:
        """Event fields of jets, of which ``kind`` is the place of each among ``kinds``."""
        numbers = np.array([list(ORIGINS).index(name) for name in self.config.kinds])
        true = jets.true
        return {
            "jet_label": (
                numbers[kind], FieldInfo("int32", "", "0 gluon, 1 quark, 2 W, 3 Z, 4 Higgs boson, 5 top, 6 scalar")
            ),
            "collision": (jets.collision, FieldInfo("int64", "", "number of the jet's collision in its shard")),
            "true_pdg": (jets.parton, FieldInfo("int32", "", "PDG number of what the jet comes from")),
            "true_pt": (
                np.hypot(true[:, 0], true[:, 1]),
                FieldInfo("float32", "GeV", "its transverse momentum, of a parton in the hard process"),
            ),
            "true_mass": (kinematics.mass(*true.T), FieldInfo("float32", "GeV", "its mass")),
        }  # fmt: skip


def _spread(rng: np.random.Generator, count: int, shares: Array) -> Array:
    """Return numbers of parts in random order, as often as their shares say to within one, (count,) int64."""
    even = (np.arange(count) + rng.random()) / count
    parts: Array = np.searchsorted(np.cumsum(shares) / shares.sum(), even, side="right")
    return rng.permutation(np.minimum(parts, len(shares) - 1))
