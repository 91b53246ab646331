"""Jets of CMS's DeepNTuples (ROOT, tree ``deepntuplizer/tree``): charged and neutral candidates, and the flavour."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Events, FieldInfo
from hitforge.events.jets import Fields, jet_events
from hitforge.readers._jets import (
    JetConfig,
    JetReader,
    momenta,
    one_of,
    refuse_other_momenta,
    refuse_values,
)
from hitforge.readers._root import Tree, whole

_TREE = "deepntuplizer/tree"
_MM = 10.0  # the files are in cm
_FLAVOURS = ("isB", "isC", "isUDS", "isG")
_MORE_FLAVOURS = {
    "isBB": 5, "isGBB": 5, "isLeptonicB": 5, "isLeptonicB_C": 5, "isCC": 4, "isGCC": 4, "isUD": 1, "isU": 1, "isD": 1,
    "isS": 1, "isUndefined": 0,
}  # fmt: skip
"""Flags of other versions, of which one is set in place of one of the four -> flavour."""
_NUMBERS = dict(zip(_FLAVOURS, (5, 4, 1, 21), strict=True)) | _MORE_FLAVOURS
_CHARGED = ("pt", "etarel", "phirel", "dxy", "dz", "isMu", "isEl")
_NEUTRAL = ("pt", "etarel", "phirel", "isGamma")
_PION, _KAON, _MUON = 0.13957, 0.49761, 0.10566  # [GeV] of charged and neutral hadrons those that CMS takes


class DeepNtuple(JetReader):
    """Charged candidates of each jet, then neutral ones. The files keep 30 charged ones of a jet at most.

    The files give places about the jet's axis, with eta counted away from the middle of the detector, and no azimuth:
    jets stand at positive eta and azimuth 0, which ``known_azimuth`` tells. ``z0`` is mirrored with a jet whose eta the
    file gives as negative; where a file gives abs(eta), its sign means nothing. Charges are not in the files either: an
    electron is 11, a muon 13, another charged candidate 211, all of charge 0, which stands for an unknown one.
    Candidates without measured mass have that of a pion or of a neutral kaon. Impact parameters are turned from cm to
    mm and have no errors. The jet's momentum is that of ``jet_pt`` and ``jet_eta``, its energy such that its mass is
    that of its candidates.

    Event fields: ``jet_flavour`` (5 b, 4 c, 1 light quark, 21 gluon; 0 where the file has none, which
    ``unknown_flavours`` counts; flags of other versions, such as ``isLeptonicB``, are taken into these), ``vertices``
    (primary vertices of the collision), ``event_number`` (collision) and ``true_pt`` (generated jet). Jets of one
    collision stand in one split. Secondary vertices are not read.
    """

    class Config(JetConfig):
        """Files, splits and limits."""

    def count(self, path: Path) -> int:
        """Return the number of jets in a file."""
        with Tree(path, _TREE) as tree:
            tree.need("jet_pt", "jet_eta", "event_no", *_FLAVOURS)
            tree.need(*(f"Cpfcan_{name}" for name in _CHARGED), *(f"Npfcan_{name}" for name in _NEUTRAL))
            return len(tree)

    def groups(self, path: Path, count: int) -> Array:
        """Return a number of each jet's collision, (count,) int64: the jets of one are never divided."""
        with Tree(path, _TREE, 0, count) as tree:
            return whole(tree.scalar("event_no"), "event_no", path)

    def read(self, path: Path, first: int, last: int) -> Events:
        """Return the jets ``first`` to ``last - 1`` of a file."""
        with Tree(path, _TREE, first, last) as tree:
            charged, many = tree.columns(*(f"Cpfcan_{name}" for name in _CHARGED))
            neutral, few = tree.columns(*(f"Npfcan_{name}" for name in _NEUTRAL))
            pt, eta = (tree.scalar(f"jet_{name}").astype(np.float64) for name in ("pt", "eta"))
            flavours = {name: tree.scalar(name) for name in _NUMBERS if name in tree}
            vertices = tree.scalar("npv") if "npv" in tree else None
            true = tree.scalar("gen_pt") if "gen_pt" in tree else None
            collision = whole(tree.scalar("event_no"), "event_no", path)
        self._refuse_wrong_axis(pt, eta, path, first)
        side, eta = np.where(eta < 0, -1.0, 1.0), np.abs(eta)  # etarel counts away from the middle on either side
        ends = [np.concatenate([[0], np.cumsum(of)]) for of in (many, few)]
        for candidates, rows, name in ((charged, ends[0], "Cpfcan_pt"), (neutral, ends[1], "Npfcan_pt")):
            refuse_values(candidates, rows, path, first)
            refuse_values({name: candidates[name]}, rows, path, first, low=0.0)
        lepton = one_of({13: charged["Cpfcan_isMu"], 11: charged["Cpfcan_isEl"]}, "isMu, isEl", path, first, ends[0])
        photon = one_of({22: neutral["Npfcan_isGamma"]}, "isGamma", path, first, ends[1])
        pdg = np.concatenate([np.where(lepton == 0, 211, lepton), np.where(photon == 0, 130, photon)])
        both = {
            name: np.concatenate([charged[f"Cpfcan_{name}"], neutral[f"Npfcan_{name}"]]).astype(np.float64)
            for name in ("pt", "etarel", "phirel")
        }
        owner = np.concatenate([np.repeat(np.arange(len(of)), of) for of in (many, few)])
        order = np.argsort(owner, kind="stable")  # charged ones stay before neutral ones
        owner, pdg = owner[order], pdg[order]
        place = momenta(both["pt"][order], eta[owner] + both["etarel"][order], both["phirel"][order])
        mass = np.select([pdg == 211, pdg == 130, pdg == 13], [_PION, _KAON, _MUON], 0.0)
        place["energy"] = np.sqrt(sum(of**2 for of in place.values()) + mass**2)
        none = np.zeros(len(neutral["Npfcan_pt"]))
        for ours, theirs in (("d0", "dxy"), ("z0", "dz")):
            place[ours] = np.concatenate([_MM * charged[f"Cpfcan_{theirs}"].astype(np.float64), none])[order]
        place["z0"] = place["z0"] * side[owner]
        jet = self._jets(place, owner, pt, eta)
        which = one_of(dict(enumerate(flavours.values(), 1)), ", ".join(flavours), path, first)
        flavour = np.array([0, *(_NUMBERS[name] for name in flavours)])[which]
        fields: Fields = {
            "jet_flavour": (
                flavour,
                FieldInfo("int32", "", "flavour: 5 b, 4 c, 1 light quark, 21 gluon, 0 none of these"),
            ),
            "unknown_flavours": (flavour == 0, FieldInfo("int8", "", "1 for a jet without a flavour", "sum")),
            "event_number": (collision, FieldInfo("int64", "", "number that the file gives the collision")),
            "known_azimuth": (
                np.zeros(len(pt)),
                FieldInfo("int8", "", "0: the file has no azimuth, jets stand at azimuth 0 and positive eta", "flag"),
            ),
        }
        if vertices is not None:
            fields["vertices"] = vertices, FieldInfo("int32", "", "primary vertices of the collision")
        if true is not None:
            fields["true_pt"] = true, FieldInfo("float32", "GeV", "transverse momentum of the generated jet")
        events = jet_events(many + few, {**place, "pdg": pdg}, jet, fields)
        refuse_other_momenta(events, path, first)
        return events

    @staticmethod
    def _jets(place: dict[str, Array], owner: Array, pt: Array, eta: Array) -> dict[str, Array]:
        """Momenta of the jets, with the mass of all their candidates."""
        total = {name: np.bincount(owner, place[name], len(pt)) for name in ("px", "py", "pz", "energy")}
        square = total["energy"] ** 2 - total["px"] ** 2 - total["py"] ** 2 - total["pz"] ** 2
        jet = momenta(pt, eta, np.zeros(len(pt)))
        momentum = sum(of**2 for of in jet.values())
        return {**jet, "energy": np.sqrt(momentum + np.maximum(square, 0.0))}

    @staticmethod
    def _refuse_wrong_axis(pt: Array, eta: Array, path: Path, first: int) -> None:
        wrong = np.flatnonzero(~(np.isfinite(pt) & (pt > 0) & (np.abs(eta) < 10)))
        if len(wrong):
            came = f"pT {pt[wrong[0]]:.6g} GeV and eta {eta[wrong[0]]:.6g}, and {len(wrong) - 1} more such jets"
            where = f"{path}, event {first + int(wrong[0])}"
            raise DataError("a jet must have pT > 0 and a finite eta", came=came, where=where)
