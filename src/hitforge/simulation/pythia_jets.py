"""Jets of quarks, gluons, bosons and top quarks from proton collisions of Pythia 8, as stable particles."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, field_validator, model_validator

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
_PATIENCE = 400  # batches of collisions without a jet that is still asked for
_MOMENTUM = ("px", "py", "pz", "energy")
_SEEN = (11, 13, 22)  # kinds that a detector tells apart; others are charged (211) or neutral (130) hadrons


class PythiaJets(Gun):
    """Each event is a jet of a collision at 14 TeV, made of the stable particles that Pythia 8 gives (extra ``gen``).

    Jets are those of anti-kt with the radius ``radius``; each belongs to the parton of the hard process, or to the
    boson or top quark, that is nearest to its axis. A jet of a decay holds all its quarks within ``radius``. Of each
    collision one jet at most is taken, so that jets are independent. Kinds stand equally often, and in each tenth of
    the range of pT (of its logarithm with ``spectrum: log``) equally often, too: neither their number nor their pT
    tells them apart.

    There is no detector: momenta are those of the generator, all particles but neutrinos are seen, hadrons are only
    told as charged (211) or neutral (130), impact parameters are not told, and there is no pile-up. So numbers on these
    jets are bounds of what a detector leaves.

    Event fields: ``jet_label`` (0 gluon, 1 quark, 2 W, 3 Z, 4 Higgs boson to b quarks, 5 top quark), ``true_pdg``,
    ``true_pt``, ``true_mass`` of what the jet comes from.

    Args:
        config: Settings.
        detector: ``point_cloud``.
    """

    class Config(GunConfig):
        """Which jets, and how many."""

        kinds: tuple[JetKind, ...] = Field(("gluon", "quark"), min_length=1, description="kinds of jets, equally often")
        pt: tuple[float, float] = Field((400.0, 600.0), description="range of the jets' transverse momentum [GeV]")
        spectrum: Literal["flat", "log"] = Field("flat", description="even in pT or in its logarithm")
        eta_max: float = Field(2.0, gt=0, le=4.0, description="largest abs(pseudorapidity) of the jets")
        radius: float = Field(0.8, ge=0.2, le=1.5, description="of the jets")
        decay_length: float = Field(10.0, ge=0, le=1000, description="particles with a smaller c tau decay [mm]")
        shard_size: int = Field(2_000, ge=1, le=100_000, description="jets in a shard; bounds the memory")

        @field_validator("kinds")
        @classmethod
        def _distinct(cls, kinds: tuple[JetKind, ...]) -> tuple[JetKind, ...]:
            if len(set(kinds)) < len(kinds):
                raise ValueError("each kind may stand once")
            return kinds

        @model_validator(mode="after")
        def _possible(self) -> Self:
            if self.pt[0] < 20 or self.pt[1] > 5000 or self.pt[1] < 1.02 * self.pt[0]:
                raise ValueError("pt must rise by 2 % at least, from 20 GeV at least to 5000 GeV at most")
            return self

    def __init__(self, config: Config, detector: Detector) -> None:
        super().__init__(config, detector)
        require_point_cloud(detector, f"the simulation '{self.name}'")

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        kinds = self.config.kinds
        kind = rng.permutation(np.arange(count) % len(kinds))  # of each jet, equally often
        part = np.empty(count, np.int64)
        jets, place = list[Jets](), list[Array]()
        for number, name in enumerate(kinds):
            mine = np.flatnonzero(kind == number)
            part[mine] = rng.permutation((np.arange(len(mine)) + rng.integers(_PARTS)) % _PARTS)
            if len(mine):
                seed = int(rng.integers(1, 900_000_000))
                found, which = self._collect(name, seed, np.bincount(part[mine], minlength=_PARTS))
                order = mine[np.argsort(part[mine], kind="stable")]
                jets.append(found.take(np.argsort(which, kind="stable")))
                place.append(order)
        at = np.concatenate(place)
        return self._events(Jets.concatenate(jets).take(np.argsort(at)), kind)

    def _collect(self, kind: JetKind, seed: int, asked: Array) -> tuple[Jets, Array]:
        """Return jets of a kind, as many as asked for in each part of the range, and their parts."""
        c, asked = self.config, asked.copy()
        low, high = c.pt
        space = np.geomspace if c.spectrum == "log" else np.linspace
        edges = space(low, high, _PARTS + 1)
        jets, parts, idle = list[Jets](), list[Array](), 0
        for batch in generate(kind, seed, c.pt, c.eta_max, c.radius, c.decay_length):
            part = np.clip(np.searchsorted(edges, batch.pt, side="right") - 1, 0, _PARTS - 1)
            order = np.argsort(part, kind="stable")
            rank = np.empty(len(part), np.int64)
            rank[order] = np.arange(len(part)) - np.searchsorted(part[order], part[order])
            keep = np.flatnonzero(rank < asked[part])
            asked -= np.bincount(part[keep], minlength=_PARTS)
            jets.append(batch.take(keep))
            parts.append(part[keep])
            if not asked.any():
                return Jets.concatenate(jets), np.concatenate(parts)
            idle = 0 if len(keep) else idle + 1
            if idle > _PATIENCE:
                break
        raise RunError(
            f"Pythia must give jets of the kind '{kind}' that the settings ask for",
            came=f"none in {_PATIENCE} batches of collisions",
            where="source",
            do="widen pt, eta_max or radius: a decay fits into a jet where pt is over 2 mass / radius",
        )

    def _events(self, jets: Jets, kind: Array) -> Events:
        numbers = np.array([list(ORIGINS).index(name) for name in self.config.kinds])
        size = np.abs(jets.part_pdg)
        charge = charges(jets.part_pdg, unknown=0.0)
        sign = np.where(jets.part_pdg < 0, -1, 1)
        seen = np.where(charge == 0, 130, 211 * np.sign(charge).astype(np.int64))
        seen = np.where(np.isin(size, _SEEN), sign * size, seen)
        columns = {**dict(zip(_MOMENTUM, jets.part_momentum.T, strict=True)), "charge": charge, "pdg": seen}
        whole = dict(zip(_MOMENTUM, jets.momentum.T, strict=True))
        true = jets.true
        mass = np.sqrt(np.maximum(true[:, 3] ** 2 - (true[:, :3] ** 2).sum(axis=1), 0.0))
        fields: Fields = {
            "jet_label": (
                numbers[kind], FieldInfo("int32", "", "0 gluon, 1 quark, 2 W, 3 Z, 4 Higgs boson, 5 top quark")
            ),
            "true_pdg": (jets.parton, FieldInfo("int32", "", "PDG number of what the jet comes from")),
            "true_pt": (np.hypot(true[:, 0], true[:, 1]), FieldInfo("float32", "GeV", "its transverse momentum")),
            "true_mass": (mass, FieldInfo("float32", "GeV", "its mass")),
        }  # fmt: skip
        return jet_events(jets.counts, columns, {**whole, "soft_drop_mass": jets.soft_drop_mass}, fields)
