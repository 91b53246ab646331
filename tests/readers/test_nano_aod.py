"""Jets of NanoAOD: candidates by their links, flavours, weights, and what is wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from hitforge.core.errors import DataError
from hitforge.readers import READERS
from tests.readers.jet_files import CLOUD, read_all

JETS = (2, 0, 1)
PARTS = (5, 2, 4)
LINKS = [[(0, 3), (1, 0), (0, 1), (1, 4), (-1, 2)], [], [(0, 2), (0, 0)]]  # jet and candidate


def columns(kind: str = "FatJet", table: str = "PFCand", index: str = "pfCandIdx") -> dict[str, Any]:
    """Three collisions whose jets are the sums of their candidates, told with corrections of 25 %."""
    random = np.random.default_rng(3)
    pt, eta, phi = ([random.uniform(low, high, n) for n in PARTS] for low, high in ((5, 50), (0.8, 1.2), (3.0, 3.3)))
    mass, pdg = [np.full(n, 0.14) for n in PARTS], [np.array([211, -211, 22, 13, 1])[:n] for n in PARTS]
    jets: dict[str, list[list[float]]] = {of: [] for of in ("pt", "eta", "phi", "mass", "count")}
    for event, number in enumerate(JETS):
        rows = [[part for jet, part in LINKS[event] if jet == j] for j in range(number)]
        momentum = np.stack([np.cos(phi[event]), np.sin(phi[event]), np.sinh(eta[event])]) * pt[event]
        energy = np.sqrt((momentum**2).sum(0) + mass[event] ** 2)
        sums = [(momentum[:, row].sum(1), energy[row].sum(), len(row)) for row in rows]
        whole = [np.hypot(*p[:2]) for p, _, _ in sums]
        jets["pt"].append([size / 0.8 for size in whole])
        jets["eta"].append([np.arcsinh(p[2] / size) for (p, _, _), size in zip(sums, whole, strict=True)])
        jets["phi"].append([np.arctan2(p[1], p[0]) for p, _, _ in sums])
        jets["mass"].append([np.sqrt(e**2 - (p**2).sum()) / 0.8 for p, e, _ in sums])
        jets["count"].append([count for _, _, count in sums])
    result = {f"{kind}_{of}": jets[of] for of in ("pt", "eta", "phi", "mass")}
    result |= {f"{kind}_rawFactor": [[0.2] * n for n in JETS], f"{kind}_nConstituents": jets["count"]}
    result |= {f"{kind}_hadronFlavour": [[5, 0], [], [0]], f"{kind}_partonFlavour": [[5, 21], [], [-2]]}
    result |= {
        f"{table}_{of}": values
        for of, values in zip(("pt", "eta", "phi", "mass", "pdgId"), (pt, eta, phi, mass, pdg), strict=True)
    }
    result |= {f"{kind}{table}_jetIdx": [[jet for jet, _ in of] for of in LINKS]}
    result |= {f"{kind}{table}_{index}": [[part for _, part in of] for of in LINKS]}
    generated, match = ("GenJetAK8", "genJetAK8Idx") if kind == "FatJet" else ("GenJet", "genJetIdx")
    return result | {
        f"{generated}_pt": [[77.0, 88.0], [], []],
        f"{kind}_{match}": [[1, -1], [], [0]],
        "event": [11, 12, 13],
    }


def write(path: Path, values: dict[str, Any]) -> Path:
    arrays = {}
    for name, of in values.items():
        whole = name.endswith(("Idx", "Id", "Flavour", "nConstituents", "event"))
        arrays[name] = ak.values_astype(ak.Array(of), np.int32 if whole else np.float32)
    with uproot.recreate(path) as file:
        file.mktree("Events", {name: ak.type(of).content for name, of in arrays.items()}).extend(arrays)
    return path


def build(path: Path, **values: Any) -> Any:
    return READERS.build({"name": "nano_aod", "path": str(path), **values}, CLOUD, where="test")


def test_candidates_belong_to_the_jets_of_their_links(tmp_path: Path) -> None:
    values = columns()
    events = read_all(build(write(tmp_path / "a.root", values)))
    parts, jets = events.constituents, events.jets
    assert parts.counts.tolist() == [2, 2, 2]
    expected = [values["PFCand_pt"][event][part] for event, part in ((0, 3), (0, 1), (0, 0), (0, 4), (2, 2), (2, 0))]
    np.testing.assert_allclose(np.hypot(parts["px"], parts["py"]), expected, rtol=1e-6)
    assert parts["pdg"].tolist() == [13, -211, 211, 130, 22, 211]
    assert parts["charge"].tolist() == [-1, -1, 1, 0, 0, 1]
    for name in ("px", "py", "pz", "energy"):
        np.testing.assert_allclose(parts.sum(parts[name].astype(float)), jets[name], rtol=1e-5)
    assert events.field("jet_flavour").tolist() == [5, 21, 1]
    assert events.field("true_pt").tolist() == [88, 0, 0]
    assert events.field("unmatched_jets").tolist() == [0, 1, 1]
    assert events.field("event_number").tolist() == [11, 11, 13]
    assert not events.field("missing_candidates").any()
    corrected = read_all(build(tmp_path / "a.root", corrected=True)).jets
    for name in ("px", "pz", "energy"):
        np.testing.assert_allclose(corrected[name], jets[name] / 0.8, rtol=1e-5)


def test_jets_of_one_collision_stay_together_and_soft_ones_are_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.root", columns())
    for seed in range(6):
        reader = build(path, test=0.5, seed=seed)
        numbers = [set(reader.shard(split, 0).field("event_number")) for split, n in reader.splits().items() if n]
        assert len(set.union(*numbers)) == sum(map(len, numbers))
    raw = np.hypot(*(read_all(build(path)).jets[of] for of in ("px", "py")))
    kept = read_all(build(path, min_pt=float(np.sort(raw)[1]) - 0.01))
    np.testing.assert_allclose(np.hypot(kept.jets["px"], kept.jets["py"]), raw[raw > raw.min()])


def test_pfnano_has_tracks_and_weights(tmp_path: Path) -> None:
    values = columns("Jet", "PFCands", "pFCandsIdx")
    values["PFCands_charge"] = [[1, -1, 0, -1, 0], [1, -1], [1, -1, 0, -1]]
    values |= {
        f"PFCands_{of}": [np.full(n, value) for n in PARTS]
        for of, value in (("d0", 0.01), ("dz", -0.2), ("dzErr", 0.05))
    }
    values["PFCands_d0Err"] = [[0.002, -1.0, -1.0, 0.002, -1.0], [0.002] * 2, [0.002] * 4]
    values["PFCands_puppiWeight"] = [np.full(n, 0.5) for n in PARTS]
    path = write(tmp_path / "a.root", values)
    parts = read_all(build(path, jets="Jet")).constituents
    np.testing.assert_allclose(
        parts["d0"], [0.1, 0, 0.1, 0, 0, 0.1], rtol=1e-5
    )  # none for neutral ones and a poor track
    np.testing.assert_allclose(parts["z0"][:3], [-2, 0, -2], rtol=1e-5)
    np.testing.assert_allclose(parts["z0_error"][:3], [0.5, 0, 0.5], rtol=1e-5)
    weighted = read_all(build(path, jets="Jet", puppi=True)).constituents
    for name in ("px", "pz", "energy"):
        np.testing.assert_allclose(weighted[name], parts[name] / 2, rtol=1e-5)


def test_candidates_that_the_file_dropped_are_counted(tmp_path: Path) -> None:
    values = columns()
    values["FatJetPFCand_jetIdx"][2] = [-1, -1]
    events = read_all(build(write(tmp_path / "a.root", values)))
    assert events.constituents.counts.tolist() == [2, 2, 0]
    assert events.field("missing_candidates").tolist() == [0, 0, 2]
    assert events.field("empty_events").tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda v: v["FatJetPFCand_jetIdx"][2].__setitem__(0, 1), "jet 1 of 1 and candidate 2 of 4.*event 2"),
        (lambda v: v["FatJetPFCand_pfCandIdx"][2].__setitem__(0, 4), "jet 0 of 1 and candidate 4 of 4.*event 2"),
        (lambda v: v["FatJetPFCand_pfCandIdx"][2].__setitem__(0, -1), "candidate -1 of 4"),
        (lambda v: v["FatJetPFCand_pfCandIdx"][2].append(0), "one value for each of its rows"),
        (lambda v: v["FatJet_pt"][0].__setitem__(1, np.nan), "'pt' must be finite and >= 0.*event 1"),
        (lambda v: v["FatJet_eta"][2].__setitem__(0, np.inf), "'eta' must be finite.*event 2"),
        (lambda v: v["PFCand_pt"][0].__setitem__(3, -1), "'pt' must be finite and >= 0; got: -1.0.*event 0"),
        (lambda v: v["PFCand_phi"][2].__setitem__(0, np.nan), "'phi' must be finite.*event 2"),
        (lambda v: v.pop("FatJetPFCand_jetIdx"), "must hold the candidates of 'FatJet'.*since version 15"),
        (lambda v: v.pop("FatJet_rawFactor"), "FatJet_rawFactor"),
    ],
)  # fmt: skip
def test_wrong_files_are_refused(tmp_path: Path, change: Any, error: str) -> None:
    values = columns()
    change(values)
    with pytest.raises(DataError, match=error):
        read_all(build(write(tmp_path / "a.root", values)))


def public(name: str) -> Path:
    path = Path(os.environ.get("HITFORGE_DATA", "")) / name
    if not path.is_file():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    return path


@pytest.mark.parametrize(
    ("name", "settings", "jets"),
    [
        ("jets/nano_tt_v15.root", {}, 64),
        ("root_samples/pfnano.root", {}, 24),
        ("root_samples/pfnano.root", {"jets": "Jet", "min_pt": 15}, 60),
    ],
)
def test_candidates_of_real_jets_add_up_to_them(name: str, settings: dict[str, Any], jets: int) -> None:
    events = read_all(build(public(name), **settings))
    assert len(events) == jets
    parts = events.constituents
    some = parts.counts > 0
    assert some.sum() > 0.6 * jets
    for column in ("px", "py", "pz", "energy"):
        total = parts.sum(parts[column].astype(float))[some]
        size = events.jets["energy"][some]
        assert np.abs((total - events.jets[column][some]) / size).max() < 0.01


def test_weights_that_real_jets_were_not_made_with_are_refused() -> None:
    with pytest.raises(DataError, match=r"add up to the uncorrected momentum.*0\.8658 of it.*'puppi'"):
        read_all(build(public("root_samples/pfnano.root"), jets="Jet", puppi=True))
