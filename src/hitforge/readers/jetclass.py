"""Jets of JetClass (ROOT, arXiv 2202.03772) and JetClass-II (Parquet, arXiv 2405.12972)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._foreign import foreign
from hitforge.readers._jets import (
    JetConfig,
    JetReader,
    momenta,
    one_of,
    refuse_other_momenta,
    refuse_values,
)
from hitforge.readers._list_tables import columns_of_table, flat_lists
from hitforge.readers._root import Tree, whole

JETCLASS_LABELS = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
"""Classes of JetClass in the order of their numbers in ``jet_label``."""
_TREE = "tree"
_MOMENTUM = ("px", "py", "pz", "energy")
_KINDS = {11: "Electron", 13: "Muon", 22: "Photon", 211: "ChargedHadron", 130: "NeutralHadron"}
_TRACK = {"charge": "charge", "d0": "d0val", "d0_error": "d0err", "z0": "dzval", "z0_error": "dzerr"}
_LISTS = [f"part_{name}" for name in (*_MOMENTUM, *_TRACK.values())] + [f"part_is{kind}" for kind in _KINDS.values()]
_JET = ("jet_pt", "jet_eta", "jet_phi", "jet_energy", "jet_sdmass")
_COUNT = "jet_nparticles"
_TAUS = tuple(f"jet_tau{number}" for number in range(1, 5))
_TRUE = {
    "true_pt": ("genjet_pt", "GeV", "transverse momentum of the generated jet"),
    "true_eta": ("genjet_eta", "", "pseudorapidity of the generated jet"),
    "true_phi": ("genjet_phi", "rad", "azimuth of the generated jet"),
    "true_energy": ("genjet_energy", "GeV", "energy of the generated jet"),
    "true_soft_drop_mass": ("genjet_sdmass", "GeV", "soft-drop mass of the generated jet"),
}


class Jetclass(JetReader):
    """Jets with their constituents, from Parquet or ROOT, whatever a file is called.

    Event fields: ``jet_label``, in JetClass-II the file's own number of the class, in JetClass its place in
    ``JETCLASS_LABELS``; ``tau_1`` to ``tau_4`` (N-subjettiness); where the file has them those of the generated jet:
    ``true_pt``, ``true_eta``, ``true_phi``, ``true_energy``, ``true_soft_drop_mass``. Impact parameters are in mm, and
    ``d0`` has the sign of the event model, not that of Delphes. Each constituent is an electron, a muon, a photon, a
    charged hadron (211 or -211) or a neutral one (130), or else 0, which ``unidentified_constituents`` counts; a jet
    without a generated one has zeros in these fields, which ``unmatched_jets`` counts.
    Generated particles are not read.
    """

    class Config(JetConfig):
        """Files, splits and limits."""

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        names, rows = _contents(path)
        missing = [name for name in (*_LISTS, *_JET) if name not in names]
        if missing or not (_labels(names) or "jet_label" in names):
            came = f"none named {', '.join(missing) or 'jet_label, nor label_QCD and the like'}"
            raise DataError("the file must have the columns of JetClass", came=came, where=path)
        return rows

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        names, _ = _contents(path)
        more = [name for name in (*_TAUS, _COUNT, *(of for of, _, _ in _TRUE.values())) if name in names]
        labels = ["jet_label"] if "jet_label" in names else _labels(names)
        with foreign(path):
            parts, counts, jets = _columns(path, first, last, [*_JET, *more, *labels])
        _refuse_other_count(jets, counts, path, first)
        offsets = np.concatenate([[0], np.cumsum(counts)])
        charge = np.asarray(parts["part_charge"], np.float64)
        kinds = {pdg: parts[f"part_is{kind}"] for pdg, kind in _KINDS.items()}
        kind = one_of(kinds, "isElectron, isMuon, isPhoton, isChargedHadron, isNeutralHadron", path, first, offsets)
        self._refuse_other_charges(kind, charge, offsets, path, first)
        sign = np.where(np.isin(kind, (11, 13)), -charge, np.where(kind == 211, charge, 1.0)).astype(np.int64)
        columns = {name: parts[f"part_{name}"] for name in _MOMENTUM}
        columns |= {ours: parts[f"part_{theirs}"] for ours, theirs in _TRACK.items()}
        columns["d0"] = -columns["d0"]  # Delphes has it as x sin(phi) - y cos(phi)
        pt, eta, phi, energy, mass = (jets[name] for name in _JET)
        refuse_values({"jet_pt": pt}, np.arange(len(pt) + 1), path, first, low=0.0)
        fields: Fields = {
            "jet_label": (self._label(jets, path, first), FieldInfo("int32", "", "number of the jet's class")),
            "unidentified_constituents": (
                np.bincount(np.repeat(np.arange(len(counts)), counts), kind == 0, len(counts)),
                FieldInfo("int32", "", "constituents of no kind that the file knows", "sum"),
            ),
        }
        for number, name in enumerate(_TAUS, 1):
            if name in jets:
                fields[f"tau_{number}"] = (jets[name], FieldInfo("float32", "", f"{number}-subjettiness"))
        for name, (of, unit, text) in _TRUE.items():
            if of in jets:
                fields[name] = (jets[of], FieldInfo("float32", unit, text))
        if "true_pt" in fields:
            text = "1 for a jet without a generated one, whose numbers are 0"
            fields["unmatched_jets"] = (jets["genjet_pt"] == 0, FieldInfo("int8", "", text, "sum"))
        whole_jet = {**momenta(pt, eta, phi), "energy": energy, "soft_drop_mass": mass}
        events = jet_events(counts, {**columns, "pdg": sign * kind}, whole_jet, fields)
        refuse_other_momenta(events, path, first)
        return events

    @staticmethod
    def _refuse_other_charges(kind: Array, charge: Array, offsets: Array, path: Path, first: int) -> None:
        """Refuse charges that are no whole charge of a constituent's kind."""
        charged = np.isin(kind, (11, 13, 211))
        wrong = np.flatnonzero(np.where(charged, np.abs(charge) != 1, (kind != 0) & (charge != 0)))
        if len(wrong):
            event = int(np.searchsorted(offsets, wrong[0], side="right") - 1)
            raise DataError(
                "electrons, muons and charged hadrons must have charge 1 or -1, photons and neutral hadrons 0",
                came=f"{charge[wrong[0]]:g} of a kind {kind[wrong[0]]}, and {len(wrong) - 1} more such constituents",
                where=f"{path}, event {first + event}",
            )

    @staticmethod
    def _label(jets: dict[str, Array], path: Path, first: int) -> Array:
        if "jet_label" in jets:
            return whole(jets["jet_label"], "jet_label", path)
        names = [f"label_{name}" for name in JETCLASS_LABELS]
        flags = {number: jets[name] for number, name in enumerate(names, 1)}
        found = one_of(flags, "the labels", path, first)
        none = np.flatnonzero(found == 0)
        if len(none):
            where = f"{path}, event {first + int(none[0])}"
            raise DataError("each jet must have a label", came=f"none in {len(none)} jets", where=where)
        return found - 1


def _labels(names: list[str]) -> list[str]:
    """The ten columns of JetClass's labels, if they are there."""
    found = [f"label_{name}" for name in JETCLASS_LABELS]
    return found if set(found) <= set(names) else []


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _contents(path: Path) -> tuple[list[str], int]:
    """Names of the columns, and the number of jets."""
    if _is_parquet(path):
        return columns_of_table(path)
    with Tree(path, _TREE) as tree:
        return list(tree.types()), len(tree)


def _columns(path: Path, first: int, last: int, numbers: list[str]) -> tuple[dict[str, Array], Array, dict[str, Array]]:
    """Columns of constituents, how many each jet has, and columns of jets."""
    if _is_parquet(path):
        return flat_lists(path, first, last, _LISTS, numbers)
    with Tree(path, _TREE, first, last) as tree:
        parts, counts = tree.columns(*_LISTS)
        return parts, counts, {name: tree.scalar(name) for name in numbers}


def _refuse_other_count(jets: dict[str, Array], counts: Array, path: Path, first: int) -> None:
    """Refuse jets that do not have as many constituents as the file says."""
    if _COUNT not in jets:
        return
    wrong = np.flatnonzero(jets[_COUNT] != counts)
    if len(wrong):
        came = f"{counts[wrong[0]]} for {jets[_COUNT][wrong[0]]}, and {len(wrong) - 1} more such jets"
        must = f"a jet must have the constituents that '{_COUNT}' says"
        raise DataError(must, came=came, where=f"{path}, event {first + int(wrong[0])}")
