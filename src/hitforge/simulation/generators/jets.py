"""Jets of known origin from proton collisions at 14 TeV: Pythia 8, clustered by FastJet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, Literal

import numpy as np

from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require
from hitforge.simulation.generators.pythia import prepared

JetKind = Literal["gluon", "quark", "w", "z", "higgs", "top", "scalar"]
_BATCH = 50  # collisions that Pythia hands over at a time
_HADRONIC = "1 2 3 4 5"
_NEUTRINOS = (12, 14, 16)
_BELOW, _ABOVE = 0.8, 1.4  # momenta of the hard process over the ends of the range: radiation and recoil change them
_POWER = 4.5  # of the momentum in the hard process, by which hard ones are made more often than nature makes them
_HEAVIEST = 1.5  # weight from which on all jets are taken: more would cost more collisions for each jet
_SOFTEST = 5.0  # [GeV] jets of cells are not looked for below
_GROOMED = {"beta": 0.0, "symmetry_cut": 0.1}  # soft drop (arXiv 1402.2657)


@dataclass(frozen=True)
class _Origin:
    """A kind of jets.

    Attributes:
        lines: Settings of Pythia.
        parton: Absolute PDG numbers of what the jet comes from.
        status: Pythia's status of it, absolute.
        quarks: Number of quarks of its decay.
    """

    lines: tuple[str, ...]
    parton: tuple[int, ...]
    status: int
    quarks: int


def _decaying(process: tuple[str, ...], resonance: int, to: str, parton: int, quarks: int) -> _Origin:
    return _Origin((*process, f"{resonance}:onMode = off", f"{resonance}:onIfAny = {to}"), (parton,), 62, quarks)


ORIGINS: dict[JetKind, _Origin] = {
    "gluon": _Origin(("HardQCD:gg2gg = on", "HardQCD:qg2qg = on", "HardQCD:qqbar2gg = on"), (21,), 23, 0),
    "quark": _Origin(
        (
            *("HardQCD:qg2qg = on", "HardQCD:qq2qq = on", "HardQCD:gg2qqbar = on", "HardQCD:qqbar2qqbarNew = on"),
            "HardQCD:nQuarkNew = 5",
        ),
        (1, 2, 3, 4, 5),
        23,
        0,
    ),
    "w": _decaying(("WeakDoubleBoson:ffbar2WW = on",), 24, _HADRONIC, 24, 2),
    "z": _decaying(("WeakDoubleBoson:ffbar2gmZgmZ = on", "WeakZ0:gmZmode = 2"), 23, _HADRONIC, 23, 2),
    "higgs": _decaying(("HiggsSM:ffbar2HZ = on", "HiggsSM:ffbar2HW = on"), 25, "5", 25, 2),
    "top": _decaying(("Top:gg2ttbar = on", "Top:qqbar2ttbar = on"), 24, _HADRONIC, 6, 3),
    "scalar": _Origin(
        (
            *("HiggsSM:ffbar2HZ = on", "23:onMode = off", "23:onIfAny = 12 14 16"),
            *("25:doForceWidth = on", "25:mWidth = 300.", "25:oneChannel = 1 0.2 100 1 -1"),
            *(f"25:addChannel = 1 0.2 100 {quark} -{quark}" for quark in (2, 3, 4, 5)),
        ),
        (25,),
        62,
        2,
    ),
}
"""Kinds of jets in the order of their numbers."""


@dataclass(frozen=True)
class JetParticles:
    """Particles of jets, jet by jet.

    Attributes:
        counts: Of each jet, (N,).
        momentum: px, py, pz, energy, (rows, 4) [GeV].
        pdg: (rows,) int64.
        vertex: Where they were made, and when, (rows, 4) [mm, mm / c].
    """

    counts: Array
    momentum: Array
    pdg: Array
    vertex: Array

    def take(self, rows: Array) -> JetParticles:
        """Return those of some of the jets."""
        starts = np.cumsum(self.counts) - self.counts
        counts = self.counts[rows]
        part = np.repeat(starts[rows] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        return JetParticles(counts, self.momentum[part], self.pdg[part], self.vertex[part])


@dataclass(frozen=True)
class Jets:
    """Jets with what they were clustered from.

    Attributes:
        collision: Number of each jet's collision, (N,) int64.
        momentum: px, py, pz, energy of the jets, (N, 4) [GeV].
        soft_drop_mass: (N,) [GeV].
        parton: PDG number of what each comes from, (N,) int64.
        true: px, py, pz, energy of it, (N, 4) [GeV]: of a parton in the hard process, before what the collision
            radiates turns it aside; of a boson or top quark where it decays.
        parts: Constituents.
        near: All stable particles about the jets' axes, constituents among them; none where they are not asked for.
    """

    collision: Array
    momentum: Array
    soft_drop_mass: Array
    parton: Array
    true: Array
    parts: JetParticles
    near: JetParticles

    @property
    def pt(self) -> Array:
        """Transverse momenta, (N,) [GeV]."""
        return kinematics.pt(self.momentum[:, 0], self.momentum[:, 1])

    @property
    def place(self) -> tuple[Array, Array]:
        """Transverse momenta [GeV] and abs(pseudorapidity), (N,) each."""
        return self.pt, np.abs(kinematics.eta(*self.momentum[:, :3].T))

    def take(self, rows: Array) -> Jets:
        """Return some of the jets."""
        return Jets(
            self.collision[rows], self.momentum[rows], self.soft_drop_mass[rows], self.parton[rows], self.true[rows],
            self.parts.take(rows), self.near.take(rows),
        )  # fmt: skip

    @classmethod
    def concatenate(cls, some: list[Jets]) -> Jets:
        """Append jets."""

        def joined(name: str) -> Array:
            return np.concatenate([getattr(jets, name) for jets in some])

        def lists(name: str) -> JetParticles:
            of = JetParticles.__dataclass_fields__
            return JetParticles(*(np.concatenate([getattr(getattr(jets, name), one) for jets in some]) for one in of))

        momentum, mass = joined("momentum"), joined("soft_drop_mass")
        return cls(joined("collision"), momentum, mass, joined("parton"), joined("true"), lists("parts"), lists("near"))


def generate(
    kind: JetKind, seed: int, pt: tuple[float, float], eta_max: float, radius: float, decay_length: float,
    reach: float = 0.0, mass: tuple[float, float] = (40.0, 200.0),
    within: tuple[float, float] | None = None,
) -> Iterator[Jets]:  # fmt: skip
    """Generate jets without end, a batch of collisions at a time.

    Stable particles but neutrinos, with abs(pseudorapidity) up to 5, are clustered by anti-kt (arXiv 0802.1189).
    A jet belongs to the parton of the hard process, or to the boson or top quark, that is nearest within ``radius``;
    within ``radius`` of the axis there must be as many hard quarks as the decay has.

    Hard processes of much momentum are made more often than nature makes them; jets are drawn so that those of one pT
    come from processes as nature mixes them, but those of over 1.1 times the momentum of their process stand too
    rarely, and those of processes beyond 0.8 and 1.4 times the ends of the range are absent.

    Args:
        kind: Where the jets come from.
        seed: Of Pythia's random numbers.
        pt: Range of the jets' transverse momentum [GeV].
        eta_max: Largest abs(pseudorapidity) of the jets.
        radius: Of the jets.
        decay_length: Particles with a c tau below it decay [mm].
        reach: Particles as near to a jet's axis, in pseudorapidity and in azimuth, are told in ``near``.
        mass: Range of masses of the kind 'scalar', which has the production of a Higgs boson beside a Z boson, a broad
            spectrum of masses, and decays to a pair of any quarks but top, equally often [GeV].
        within: Radius and abs(z) of the cylinder beyond which nothing decays [mm]; none where no detector stops it.

    Raises:
        MissingExtraError: pythia8mc or fastjet is not installed.
        RunError: Pythia cannot be started or gives no events.
    """
    origin, rng = ORIGINS[kind], np.random.default_rng(seed)
    lines = (
        *origin.lines, f"PhaseSpace:pTHatMin = {_BELOW * pt[0]}", f"PhaseSpace:pTHatMax = {_ABOVE * pt[1]}",
        "PhaseSpace:bias2Selection = on", f"PhaseSpace:bias2SelectionPow = {_POWER}",
    )  # fmt: skip
    if within is not None:
        limits = (f"ParticleDecays:xyMax = {within[0]}", f"ParticleDecays:zMax = {within[1]}")
        lines += ("ParticleDecays:limitCylinder = on", *limits)
    if kind == "scalar":
        low, high = mass
        lines += (f"25:m0 = {(low * high) ** 0.5}", f"25:mMin = {low}", f"25:mMax = {high}")
    generator = prepared(kind, lines, seed, decay_length, "source.kinds")
    for first in count(0, _BATCH):
        events = generator.nextBatch(_BATCH)
        if not len(events):
            raise RunError("Pythia must give events", came="none", where="source.kinds")
        jets = _jets(events.prt, np.sqrt(events.info.pT2Hat.to_numpy()), origin, rng, pt, eta_max, radius, reach)
        yield replace(jets, collision=jets.collision + first)


def _jets(
    record: Any,
    hard: Array,
    origin: _Origin,
    rng: np.random.Generator,
    pt: tuple[float, float],
    eta_max: float,
    radius: float,
    reach: float,
) -> Jets:
    """The jets of a batch of collisions, of which ``hard``, (collisions,) [GeV], is the hard process's momentum."""
    import awkward as ak  # half a second that only collisions should pay

    fastjet = _fastjet()
    status, pdg = abs(record.status), abs(record.id)
    stable = record.status > 0
    for neutrino in _NEUTRINOS:
        stable = stable & (pdg != neutrino)
    stable = stable & (abs(record.p.pz) < np.sinh(5.0) * np.hypot(record.p.px, record.p.py))
    particles = ak.zip({name: record.p[of][stable] for name, of in _AXES.items()})
    kinds = record.id[stable]
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    found, members = sequence.inclusive_jets(pt[0]), sequence.constituent_index(pt[0])

    event = np.repeat(np.arange(len(record)), ak.num(found.px).to_numpy())
    momentum = _flat(found)
    sources = _some(record, (status == origin.status) & _is_one_of(pdg, origin.parton))
    quarks = _some(record, (status == 23) & (pdg <= 5))
    parton = _nearest(event, momentum, sources, radius)
    inside = _within(event, momentum, quarks, radius)
    size = kinematics.pt(momentum[:, 0], momentum[:, 1])
    good = (parton >= 0) & (inside >= origin.quarks) & (size >= pt[0]) & (size < pt[1])
    good &= np.abs(kinematics.eta(*momentum[:, :3].T)) <= eta_max
    # hard processes were made by this power too often: among jets of one pT that is undone
    good &= rng.random(len(good)) * _HEAVIEST < (size / hard[event]) ** _POWER
    rows = np.flatnonzero(good)
    local = np.arange(len(event)) - np.searchsorted(event, event)  # place of each jet in its collision
    at, which = event[rows].tolist(), local[rows].tolist()
    chosen = [np.asarray(members[one][place]) for one, place in zip(at, which, strict=True)]
    stables = _stables(record, stable, _flat(particles), ak.num(kinds).to_numpy())
    first_particle = np.cumsum(stables.counts) - stables.counts
    part = np.concatenate([first_particle[one] + of for one, of in zip(at, chosen, strict=True)] or [np.zeros(0, int)])
    counts = np.array([len(of) for of in chosen], int)
    parts = JetParticles(counts, stables.momentum[part], stables.pdg[part], stables.vertex[part])
    return Jets(
        event[rows], momentum[rows], _soft_drop_mass(fastjet, counts, parts.momentum, radius),
        sources.pdg[parton[rows]], sources.momentum[parton[rows]], parts,
        _near(stables, event[rows], momentum[rows], reach),
    )  # fmt: skip


def _stables(record: Any, stable: Any, momentum: Array, counts: Array) -> JetParticles:
    """The stable particles of a batch, collision by collision."""
    import awkward as ak

    number = ak.flatten(record.id[stable]).to_numpy().astype(np.int64)
    nowhere = dict.fromkeys(("px", "py", "pz", "e"), 0.0)
    made = ak.fill_none(ak.flatten(record.vProd[stable]), nowhere)
    vertex = np.stack([ak.to_numpy(made[of]) for of in nowhere], axis=1)
    return JetParticles(counts, momentum, number, vertex)


def _near(stables: JetParticles, event: Array, axis: Array, reach: float) -> JetParticles:
    """The particles of each jet's collision that lie within ``reach`` of its axis in either direction."""
    all_of = stables.take(event if reach > 0 else event[:0])
    owner = np.repeat(np.arange(len(all_of.counts)), all_of.counts)
    deta = kinematics.eta(*all_of.momentum[:, :3].T) - kinematics.eta(*axis[:, :3].T)[owner]
    dphi = kinematics.phi(*all_of.momentum[:, :2].T) - kinematics.phi(*axis[:, :2].T)[owner]
    near = (np.abs(deta) < reach) & (np.abs(kinematics.wrap_phi(dphi)) < reach)
    counts = np.bincount(owner[near], minlength=len(event))
    return JetParticles(counts, all_of.momentum[near], all_of.pdg[near], all_of.vertex[near])


_AXES = {"px": "px", "py": "py", "pz": "pz", "E": "e"}
"""FastJet's names of a momentum's parts -> Pythia's."""


@dataclass(frozen=True)
class _Particles:
    event: Array
    pdg: Array
    momentum: Array


def _some(record: Any, which: Any) -> _Particles:
    """Particles of a batch: event, number, momentum."""
    import awkward as ak

    event = np.repeat(np.arange(len(record)), ak.sum(which, axis=1).to_numpy().astype(int))
    momentum = np.stack([ak.flatten(record.p[of][which]).to_numpy() for of in _AXES.values()], axis=1)
    return _Particles(event, ak.flatten(record.id[which]).to_numpy().astype(np.int64), momentum)


def _flat(momenta: Any) -> Array:
    """Momenta of all events, (rows, 4)."""
    import awkward as ak

    return np.stack([ak.flatten(momenta[name]).to_numpy() for name in _AXES], axis=1)


def _is_one_of(pdg: Any, numbers: tuple[int, ...]) -> Any:
    result = pdg == numbers[0]
    for number in numbers[1:]:
        result = result | (pdg == number)
    return result


def _pairs(event: Array, momentum: Array, others: _Particles) -> tuple[Array, Array, Array]:
    """Jet, other and distance in eta and azimuth of all pairs of an event."""
    first = np.searchsorted(others.event, event)
    counts = np.searchsorted(others.event, event, side="right") - first
    jet = np.repeat(np.arange(len(event)), counts)
    other = np.repeat(first - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
    a, b = momentum[jet], others.momentum[other]
    deta = kinematics.eta(*a[:, :3].T) - kinematics.eta(*b[:, :3].T)
    dphi = kinematics.wrap_phi(kinematics.phi(a[:, 0], a[:, 1]) - kinematics.phi(b[:, 0], b[:, 1]))
    return jet, other, np.hypot(deta, dphi)


def _nearest(event: Array, momentum: Array, sources: _Particles, radius: float) -> Array:
    """The nearest source within a distance, (jets,); -1 for none."""
    jet, source, distance = _pairs(event, momentum, sources)
    order = np.lexsort((-distance, jet))  # the last of a jet is the nearest
    order = order[distance[order] < radius]
    result = np.full(len(event), -1)
    result[jet[order]] = source[order]
    return result


def _within(event: Array, momentum: Array, quarks: _Particles, radius: float) -> Array:
    """Number of quarks within a distance, (jets,)."""
    jet, _, distance = _pairs(event, momentum, quarks)
    return np.bincount(jet[distance < radius], minlength=len(event))


def _soft_drop_mass(fastjet: Any, counts: Array, parts: Array, radius: float) -> Array:
    """Mass of what soft drop leaves of the constituents, clustered anew by Cambridge and Aachen, (N,) [GeV]."""
    import awkward as ak

    result, some = np.zeros(len(counts)), np.flatnonzero(counts)
    if not len(some):
        return result
    flat = ak.zip(dict(zip(_AXES, parts.T, strict=True)))
    whole = fastjet.JetDefinition(fastjet.cambridge_algorithm, 100.0)  # all constituents in one jet
    groomed = fastjet.ClusterSequence(ak.unflatten(flat, counts[some]), whole)
    mass: Array = groomed.exclusive_jets_softdrop_grooming(njets=1, R0=radius, **_GROOMED).msoftdrop.to_numpy()
    result[some] = np.maximum(mass, 0.0)  # of one particle, whose mass rounding may take below 0
    return result


def clustered_near(counts: Array, momentum: Array, axis: Array, radius: float) -> tuple[Array, Array, Array]:
    """Cluster particles, or cells, by anti-kt (arXiv 0802.1189), and take of each event the jet next to an axis.

    Args:
        counts: Particles of each event, (N,).
        momentum: px, py, pz, energy of the particles, (rows, 4) [GeV].
        axis: px, py, pz, energy of the axis, (N, 4).
        radius: Of the jets, and within which the jet's axis must lie.

    Returns:
        Momenta, (N, 4) [GeV]; masses of what soft drop leaves, (N,) [GeV]; and which events have such a jet, (N,) bool:
        the others have the sum of what lies within the radius.

    Raises:
        MissingExtraError: fastjet is not installed.
    """
    import awkward as ak

    fastjet = _fastjet()
    particles = ak.unflatten(ak.zip(dict(zip(_AXES, momentum.T, strict=True))), counts)
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, radius))
    found, members = sequence.inclusive_jets(_SOFTEST), sequence.constituent_index(_SOFTEST)
    number = ak.num(found.px).to_numpy()
    jets = _Particles(np.repeat(np.arange(len(counts)), number), np.zeros(number.sum(), int), _flat(found))
    nearest = _nearest(np.arange(len(counts)), axis, jets, radius)
    good = nearest >= 0
    first_jet, first = np.cumsum(number) - number, np.cumsum(counts) - counts
    rows = [
        np.asarray(members[event][int(nearest[event] - first_jet[event])]) + first[event] if good[event]
        else _inside(momentum, first[event], counts[event], axis[event], radius)
        for event in range(len(counts))
    ]  # fmt: skip
    sizes = np.array([len(of) for of in rows], int)
    chosen = momentum[np.concatenate(rows).astype(int)] if len(rows) else np.zeros((0, 4))
    owner = np.repeat(np.arange(len(counts)), sizes)
    total = np.stack([np.bincount(owner, of, len(counts)) for of in chosen.T], axis=1)
    return total, _soft_drop_mass(fastjet, sizes, chosen, radius), good


def _inside(momentum: Array, first: int, count: int, axis: Array, radius: float) -> Array:
    """Rows of an event's particles within a radius of an axis."""
    mine = momentum[first : first + count]
    deta = kinematics.eta(*mine[:, :3].T) - kinematics.eta(*axis[:3, None])
    dphi = kinematics.wrap_phi(kinematics.phi(*mine[:, :2].T) - kinematics.phi(*axis[:2, None]))
    return first + np.flatnonzero(np.hypot(deta, dphi) < radius)


def _fastjet() -> Any:
    """FastJet, which would otherwise print its banner; its authors ask to be cited (arXiv 1111.6097)."""
    fastjet: Any = require("fastjet", "gen")
    fastjet._swig.ClusterSequence.set_fastjet_banner_stream(None)
    return fastjet


__all__ = ["ORIGINS", "JetKind", "JetParticles", "Jets", "clustered_near", "generate"]
