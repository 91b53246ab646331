"""DeepNTuples: places about the axis become momenta, jets of a collision stay together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Events
from hitforge.events.jets import lifetime_signed
from hitforge.readers import READERS
from tests.readers.jet_files import CLOUD, read_all, write_root


def columns(jets: int = 4) -> dict[str, Any]:
    """Jets of 50 GeV at eta 1, with two charged candidates and one neutral one each; two jets a collision."""
    one = np.ones(jets)
    lists = {
        "Cpfcan_pt": [30.0, 10.0], "Cpfcan_etarel": [0.1, -0.2], "Cpfcan_phirel": [0.05, -0.1],
        "Cpfcan_dxy": [0.01, -0.2], "Cpfcan_dz": [0.3, 0.0], "Cpfcan_isMu": [0.0, 1.0], "Cpfcan_isEl": [0.0, 0.0],
        "Npfcan_pt": [10.0], "Npfcan_etarel": [0.0], "Npfcan_phirel": [0.0], "Npfcan_isGamma": [1.0],
    }  # fmt: skip
    found: dict[str, Any] = {name: ak.Array([values] * jets) for name, values in lists.items()}
    found |= {"jet_pt": 50.0 * one, "jet_eta": 1.0 * one, "gen_pt": 48.0 * one}
    found["event_no"] = np.arange(jets) // 2
    for i, name in enumerate(("isB", "isC", "isUDS", "isG")):
        found[name] = (np.arange(jets) % 4 == i).astype(int)
    return found | {"npv": np.full(jets, 20)}


def build(path: Path, **values: Any) -> Any:
    return READERS.build({"name": "deep_ntuple", "path": str(path), **values}, CLOUD, where="test")


def save(path: Path, **changed: Any) -> Path:
    found = {name: value for name, value in {**columns(), **changed}.items() if value is not None}
    return write_root(path, "deepntuplizer/tree", found)


def test_candidates_are_momenta_about_the_axis(tmp_path: Path) -> None:
    events = read_all(build(save(tmp_path / "a.root"), repeated="keep"))
    parts, jets = events.constituents, events.jets
    assert parts.counts.tolist() == [3] * 4
    assert parts["pdg"][:3].tolist() == [211, 13, 22]
    assert not parts["charge"].any()
    px, py, pz = (parts[name][:3].astype(float) for name in ("px", "py", "pz"))
    np.testing.assert_allclose(np.hypot(px, py), [30, 10, 10], rtol=1e-6)
    np.testing.assert_allclose(np.arcsinh(pz / np.hypot(px, py)), [1.1, 0.8, 1.0], rtol=1e-5)
    np.testing.assert_allclose(np.arctan2(py, px), [0.05, -0.1, 0.0], atol=1e-6)
    np.testing.assert_allclose(parts["d0"][:3], [0.1, -2.0, 0.0], rtol=1e-6)  # cm to mm
    np.testing.assert_allclose(parts["z0"][:3], [3.0, 0.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(np.hypot(jets["px"], jets["py"]), 50.0, rtol=1e-6)
    mass = np.sqrt(jets["energy"] ** 2 - jets["px"] ** 2 - jets["py"] ** 2 - jets["pz"] ** 2)
    energy = parts["energy"][:3].astype(float)
    own = np.sqrt(energy.sum() ** 2 - px.sum() ** 2 - py.sum() ** 2 - pz.sum() ** 2)
    np.testing.assert_allclose(mass, own, rtol=1e-2)
    assert events.field("jet_flavour").tolist() == [5, 4, 1, 21]
    assert events.field("event_number").tolist() == [0, 0, 1, 1]
    assert events.field("vertices").tolist() == [20] * 4
    assert not events.field("known_azimuth").any()


def test_jets_at_negative_eta_are_mirrored(tmp_path: Path) -> None:
    there, here = (
        read_all(build(save(tmp_path / f"{name}.root", jet_eta=eta * np.ones(4)), repeated="keep"))
        for name, eta in (("a", -1.0), ("b", 1.0))
    )
    for name, values in here.constituents.columns.items():
        np.testing.assert_allclose(there.constituents[name], -values if name == "z0" else values, err_msg=name)
    np.testing.assert_array_equal(there.jets["pz"], here.jets["pz"])


def test_flavours_of_other_versions_are_taken_in_and_others_counted(tmp_path: Path) -> None:
    none = np.zeros(4, int)
    more = {"isLeptonicB": np.array([1, 0, 0, 0]), "isGCC": np.array([0, 1, 0, 0])}
    events = read_all(build(save(tmp_path / "a.root", isB=none, isC=none, **more), repeated="keep"))
    assert events.field("jet_flavour").tolist() == [5, 4, 1, 21]
    assert not events.field("unknown_flavours").any()
    events = read_all(build(save(tmp_path / "b.root", isB=none), repeated="keep"))
    assert events.field("unknown_flavours").tolist() == [1, 0, 0, 0]


def test_a_limit_takes_the_beginning_of_each_split(tmp_path: Path) -> None:
    found = columns(600)
    found["event_no"] = np.random.default_rng(2).permutation(300)[found["event_no"]]
    path = write_root(tmp_path / "a.root", "deepntuplizer/tree", found)
    whole, part = (build(path, test=0.4, repeated="keep", **more) for more in ({}, {"limit": 200}))
    numbers = [reader.shard("test", 0).field("event") for reader in (whole, part)]
    np.testing.assert_array_equal(numbers[1], numbers[0][numbers[0] < 200])


def test_jets_of_a_collision_are_never_divided(tmp_path: Path) -> None:
    found = columns(600)
    found["jet_pt"] = 40.0 + 20.0 * np.random.default_rng(1).random(600)
    reader = build(
        write_root(tmp_path / "a.root", "deepntuplizer/tree", found), validation=0.2, test=0.3, repeated="keep"
    )
    numbers = {
        split: {n for i in range(count) for n in reader.shard(split, i).field("event_number").tolist()}
        for split, count in reader.splits().items()
    }
    assert not numbers["train"] & numbers["test"]
    assert not numbers["train"] & numbers["validation"]
    assert not numbers["validation"] & numbers["test"]
    assert sum(map(len, numbers.values())) == 300
    assert 60 < len(numbers["test"]) < 120


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Cpfcan_dz": None}, "must have the branches.*Cpfcan_dz"),
        ({"Cpfcan_dz": ak.Array([[0.1]] * 4)}, "one value for each of its rows.*event 0"),
        ({"isB": np.ones(4, int)}, "isB, isC, isUDS, isG must be 0 or 1, and one of them 1 at most.*event 1"),
        ({"Cpfcan_isEl": ak.Array([[0.0, 1.0]] * 4)}, "isMu, isEl must be 0 or 1.*event 0"),
        ({"jet_pt": np.array([50.0, 0.0, 50.0, 50.0])}, "a jet must have pT > 0.*event 1"),
        ({"jet_eta": np.array([1.0, 1.0, np.nan, 1.0])}, "finite eta.*event 2"),
        ({"Cpfcan_pt": ak.Array([[30.0, -10.0]] * 4)}, "'Cpfcan_pt' must be finite and >= 0.*event 0"),
        ({"Npfcan_pt": ak.Array([[np.inf]] * 4)}, "'Npfcan_pt' must be finite; got: inf.*event 0"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_all(build(save(tmp_path / "a.root", **changed)))


def test_real_jets() -> None:
    path = Path(os.environ.get("HITFORGE_DATA", "")) / "jets" / "ntuple_ttbar.root"
    if not path.is_file():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = read_all(build(path))
    assert len(events) == 7199
    assert np.unique(events.field("jet_flavour")).tolist() == [1, 4, 5, 21]
    parts, jets = events.constituents, events.jets
    ratio = np.hypot(parts.sum(parts["px"]), parts.sum(parts["py"])) / np.hypot(jets["px"], jets["py"])
    assert 0.95 < np.median(ratio) < 1.05
    b, light = (positive_share(events.take(events.field("jet_flavour") == number)) for number in (5, 1))
    assert b > 0.7
    assert 0.45 < light < 0.6


def positive_share(events: Events) -> float:
    """Share of displaced tracks that pass the vertex on the jet's side, which tells the sign of d0."""
    parts = events.constituents
    dphi = np.arctan2(parts["py"], parts["px"])  # jets stand at azimuth 0
    far = (np.abs(parts["d0"]) > 0.1) & (np.abs(parts["d0"]) < 2) & (np.abs(parts["z0"]) < 2) & (np.abs(dphi) > 0.02)
    return float((lifetime_signed(parts["d0"], dphi)[far] > 0).mean())
