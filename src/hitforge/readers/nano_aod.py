"""Jets of CMS's NanoAOD (ROOT, tree ``Events``) with their candidates: version 15 and PFNano."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._jets import JetConfig, JetReader, momenta, refuse_other_momenta, refuse_values
from hitforge.readers._root import Tree, whole

_TREE = "Events"
_MM = 10.0  # the files are in cm
_CANDIDATES = (("PFCand", "pfCandIdx"), ("PFCands", "pFCandsIdx"))  # of NanoAOD, of PFNano
_PLACE = ("pt", "eta", "phi", "mass")
_TRACK = {"d0": ("d0", _MM), "d0_error": ("d0Err", _MM), "z0": ("dz", _MM), "z0_error": ("dzErr", _MM)}
_FORWARD = {1: 130, 2: 22}  # hadronic and electromagnetic candidates of the forward calorimeter
_GENERATED = {"FatJet": ("GenJetAK8", "genJetAK8Idx"), "Jet": ("GenJet", "genJetIdx")}
_CLOSE = 0.05  # of jets' momenta, to which their candidates must add up
_ENOUGH = 20  # jets that tell it


class _Index(NamedTuple):
    """Where the jets of a file stand."""

    entry: Array
    """Collision of each jet, (N,) int64."""
    place: Array
    """Its place among that collision's jets, (N,) int64."""


class NanoAod(JetReader):
    """Each jet of a collision becomes an event; its constituents are the particle-flow candidates linked to it.

    Momenta are uncorrected (``rawFactor``), as candidates add up to them, unless ``corrected``. Candidates of the
    forward calorimeter (1 and 2) become 130 and 22. Those that carry a weight of PUPPI are scaled by it where the jets
    were made of such: always the ``FatJet``, the ``Jet`` since Run 3 (``puppi``). NanoAOD keeps candidates of
    ``FatJet`` alone, and only their momenta and kinds; PFNano also those of ``Jet``, with impact parameters.

    Event fields: ``event_number`` (collision), ``vertices``; in simulation ``jet_flavour`` (5 b, 4 c by the hadrons in
    the jet, else 1 light quark, 21 gluon by the parton; 0 where the file has none, which ``unknown_flavours`` counts)
    and ``true_pt`` of the generated jet, 0 without one, which ``unmatched_jets`` counts; of ``FatJet`` ``tau_1`` to
    ``tau_4``. ``missing_candidates`` counts those that a jet has but the file does not: NanoAOD drops those of jets of
    low momentum, and those far forward. Soft-drop masses are those of corrected subjets. Charged candidates without
    details of their track have no impact parameters, as neutral ones. Jets of one collision stand in one split.
    """

    class Config(JetConfig):
        """Files, splits and which jets."""

        jets: Literal["FatJet", "Jet"] = Field("FatJet", description="collection: radius 0.8 or 0.4")
        min_pt: float = Field(0.0, ge=0, description="jets of less uncorrected transverse momentum are not read [GeV]")
        corrected: bool = Field(False, description="jets have the corrections of the file")
        puppi: bool | None = Field(None, description="scale candidates by their weights; absent: those of FatJet alone")

    @cached_property
    def _indices(self) -> dict[Path, _Index]:
        return {}

    def _index(self, path: Path) -> _Index:
        """Jets of a file that pass ``min_pt``."""
        if path not in self._indices:
            name = self.config.jets
            with Tree(path, _TREE) as tree:
                self._names(tree, path)
                found, counts = tree.columns(f"{name}_pt", f"{name}_rawFactor")
            entry = np.repeat(np.arange(len(counts)), counts)
            place = np.arange(len(entry)) - (np.cumsum(counts) - counts)[entry]
            raw = found[f"{name}_pt"] * (1.0 - found[f"{name}_rawFactor"].astype(np.float64))
            keep = ~(raw < self.config.min_pt)  # what is not a number is refused where it is read
            self._indices[path] = _Index(entry[keep], place[keep])
        return self._indices[path]

    def _names(self, tree: Tree, path: Path) -> tuple[str, str, str]:
        """Names of the table of candidates, of the links to them, and of the index in the links."""
        name = self.config.jets
        tree.need(*(f"{name}_{of}" for of in (*_PLACE, "rawFactor")))
        for table, index in _CANDIDATES:
            links = f"{name}{table}"
            if f"{links}_jetIdx" in tree and f"{links}_{index}" in tree:
                tree.need(*(f"{table}_{of}" for of in (*_PLACE, "pdgId")))
                return table, links, index
        raise DataError(
            f"the file must hold the candidates of '{name}'",
            came=f"no {name}PFCand_pfCandIdx, nor {name}PFCands_pFCandsIdx",
            where=path,
            do="read the jets FatJet of NanoAOD since version 15, or files of PFNano",
        )

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        return len(self._index(path).entry)

    def groups(self, path: Path, count: int) -> Array:
        """Return the collision of each jet, (count,) int64: the jets of one are never divided."""
        return self._index(path).entry[:count]

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        index, name = self._index(path), self.config.jets
        entry, place = index.entry[first:last], index.place[first:last]
        start, stop = int(entry[0]), int(entry[-1]) + 1
        with Tree(path, _TREE, start, stop) as tree:
            table, links, to = self._names(tree, path)
            more = [
                of for of in ("hadronFlavour", "partonFlavour", "msoftdrop", "nConstituents") if f"{name}_{of}" in tree
            ]
            taus = [of for of in ("tau1", "tau2", "tau3", "tau4") if f"{name}_{of}" in tree]
            generated, match = _GENERATED[name]
            true = f"{name}_{match}" in tree and f"{generated}_pt" in tree
            wanted = (*_PLACE, "rawFactor", *more, *taus, *([match] if true else []))
            jets, many = tree.columns(*(f"{name}_{of}" for of in wanted))
            row = (np.cumsum(many) - many)[entry - start] + place
            jet = {of: jets[f"{name}_{of}"][row] for of in wanted}
            parts, counts = self._candidates(tree, table, links, to, entry - start, place, many, path, first)
            numbers = [whole(tree.scalar("event"), "event", path)[entry - start] if "event" in tree else None]
            numbers.append(tree.scalar("PV_npvs")[entry - start] if "PV_npvs" in tree else None)
            if true:
                sizes, each = tree.flat(f"{generated}_pt")
                jet["true_pt"] = _matched(sizes, each, jet[match], entry - start)
        raw = jet["pt"].astype(np.float64) * (1 - jet["rawFactor"].astype(np.float64))
        rows = np.arange(len(row) + 1)
        refuse_values({"pt": raw, "mass": jet["mass"]}, rows, path, first, low=0.0)
        refuse_values({of: jet[of] for of in ("eta", "phi", *taus)}, rows, path, first)
        scale = 1.0 if self.config.corrected else raw / np.maximum(jet["pt"], 1e-12)
        momentum = momenta(jet["pt"] * scale, jet["eta"], jet["phi"])
        energy = np.sqrt(sum(of**2 for of in momentum.values()) + (jet["mass"] * scale) ** 2)
        told = {**momentum, "energy": energy}
        if "msoftdrop" in jet:
            told["soft_drop_mass"] = np.maximum(jet["msoftdrop"], -1.0)
        events = jet_events(counts, parts, told, self._fields(jet, taus, counts, *numbers))
        self._refuse_other_sums(events, raw, jet.get("nConstituents", counts), path, first)
        refuse_other_momenta(events, path, first)
        return events

    def _candidates(
        self,
        tree: Tree,
        table: str,
        links: str,
        to: str,
        entry: Array,
        place: Array,
        many: Array,
        path: Path,
        first: int,
    ) -> tuple[dict[str, Array], Array]:
        """Constituents of jets, jet by jet, and how many each has."""
        weighted = self.config.puppi if self.config.puppi is not None else self.config.jets == "FatJet"
        names = [*_PLACE, "pdgId", *(of for of, _ in _TRACK.values()), "charge", "puppiWeight"]
        names = [of for of in names if f"{table}_{of}" in tree]
        columns, here = tree.columns(*(f"{table}_{of}" for of in names))
        pairs, linked = tree.columns(f"{links}_jetIdx", f"{links}_{to}")
        owner = np.repeat(np.arange(len(linked)), linked)  # collision of each link
        of_jet, of_part = (whole(pairs[f"{links}_{of}"], of, path) for of in ("jetIdx", to))
        wrong = np.flatnonzero((of_jet >= many[owner]) | (of_part >= here[owner]) | ((of_part < 0) & (of_jet >= 0)))
        if len(wrong):
            at, event = int(wrong[0]), int(owner[wrong[0]])
            came = f"jet {of_jet[at]} of {many[event]} and candidate {of_part[at]} of {here[event]}"
            must = f"the links '{links}' must be to jets and candidates of the collision"
            raise DataError(must, came=came, where=tree.at(event))
        # number of each jet among those that are asked for, -1 for others
        asked = np.full(int(many.sum()), -1)
        asked[(np.cumsum(many) - many)[entry] + place] = np.arange(len(entry))
        mine = np.flatnonzero(of_jet >= 0)  # of candidates that are in no jet it is -1
        jet = asked[(np.cumsum(many) - many)[owner[mine]] + of_jet[mine]]
        mine, jet = mine[jet >= 0], jet[jet >= 0]
        order = np.argsort(jet, kind="stable")
        row = ((np.cumsum(here) - here)[owner[mine]] + of_part[mine])[order]
        counts = np.bincount(jet, minlength=len(entry))
        part = {of: columns[f"{table}_{of}"][row].astype(np.float64) for of in names}
        offsets = np.concatenate([[0], np.cumsum(counts)])
        charge = part.get("charge")
        if charge is None:  # of a kind of NanoAOD: 11 and 13 are negative
            kind = part["pdgId"]
            charge = np.where(
                np.isin(np.abs(kind), (11, 13)), -np.sign(kind), np.where(np.abs(kind) == 211, np.sign(kind), 0)
            )
        refuse_values({of: part[of] for of in ("eta", "phi")}, offsets, path, first)
        refuse_values({of: part[of] for of in ("pt", "puppiWeight") if of in part}, offsets, path, first, low=0.0)
        weight = part["puppiWeight"] if weighted and "puppiWeight" in part else np.ones(len(row))
        result = momenta(part["pt"] * weight, part["eta"], part["phi"])
        mass = np.maximum(part["mass"], 0.0) * weight
        result["energy"] = np.sqrt(sum(of**2 for of in result.values()) + mass**2)
        pdg = part["pdgId"].astype(np.int64)
        for forward, kind in _FORWARD.items():
            pdg = np.where(pdg == forward, kind, pdg)
        result |= {"pdg": pdg, "charge": charge}
        for ours, (theirs, unit) in _TRACK.items():
            if theirs in part:
                known = part.get("d0Err", charge != 0) > 0  # others have -1 in all these columns
                result[ours] = np.where(known & (charge != 0), part[theirs] * unit, 0.0)
        refuse_values({of: result[of] for of in _TRACK if of in result}, offsets, path, first)
        return result, counts

    @staticmethod
    def _fields(
        jet: dict[str, Array], taus: list[str], counts: Array, collision: Array | None, vertices: Array | None
    ) -> Fields:
        fields: Fields = {}
        if collision is not None:
            fields["event_number"] = collision, FieldInfo("int64", "", "number that the file gives the collision")
        if vertices is not None:
            fields["vertices"] = vertices, FieldInfo("int32", "", "primary vertices of the collision")
        if "hadronFlavour" in jet:
            parton = np.abs(jet.get("partonFlavour", np.zeros(len(counts))))
            light = np.select([parton == 21, (parton >= 1) & (parton <= 3)], [21, 1], 0)
            flavour = np.where(np.isin(jet["hadronFlavour"], (4, 5)), jet["hadronFlavour"], light)
            text = "flavour: 5 b, 4 c, 1 light quark, 21 gluon, 0 none of these"
            fields["jet_flavour"] = flavour, FieldInfo("int32", "", text)
            fields["unknown_flavours"] = flavour == 0, FieldInfo("int8", "", "1 for a jet without a flavour", "sum")
        if "true_pt" in jet:
            fields["true_pt"] = jet["true_pt"], FieldInfo("float32", "GeV", "transverse momentum of the generated jet")
            text = "1 for a jet without a generated one"
            fields["unmatched_jets"] = jet["true_pt"] == 0, FieldInfo("int8", "", text, "sum")
        for number, of in enumerate(taus, 1):
            fields[f"tau_{number}"] = jet[of], FieldInfo("float32", "", f"{number}-subjettiness")
        if "nConstituents" in jet:
            text = "constituents of the jet that the file does not hold"
            missing = np.maximum(jet["nConstituents"].astype(np.int64) - counts, 0)
            fields["missing_candidates"] = missing, FieldInfo("int32", "", text, "sum")
        return fields

    def _refuse_other_sums(self, events: Events, raw: Array, constituents: Array, path: Path, first: int) -> None:
        """Refuse jets whose candidates do not add up to them: weights may be missing, or too many."""
        parts = events.constituents
        whole_jets = (parts.counts == constituents) & (parts.counts > 0)
        if whole_jets.sum() < _ENOUGH:
            return
        pt = np.hypot(parts.sum(parts["px"].astype(np.float64)), parts.sum(parts["py"].astype(np.float64)))
        ratio = float(np.median(pt[whole_jets] / raw[whole_jets]))
        if abs(ratio - 1) > _CLOSE:
            raise DataError(
                "candidates must add up to the uncorrected momentum of their jet",
                came=f"{ratio:.4g} of it, in the middle of {int(whole_jets.sum())} jets",
                where=f"{path}, events from {first}",
                do="set 'puppi': true where jets are made of weighted candidates, false where they are not",
            )


def _matched(sizes: Array, each: Array, index: Array, entry: Array) -> Array:
    """Values of the generated jets that jets belong to, (N,); 0 without one."""
    at = (np.cumsum(each) - each)[entry] + index.astype(np.int64)
    found = (index >= 0) & (index < each[entry])
    result: Array = np.where(found, np.append(sizes, 0.0)[np.where(found, at, len(sizes))], 0.0)
    return result


__all__ = ["NanoAod"]
