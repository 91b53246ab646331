"""JetClass in both layouts: what is read, and what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.readers import READERS
from tests.readers.jet_files import (
    CLOUD,
    COUNTS,
    jetclass_columns,
    jetclass_root_columns,
    read_all,
    write_parquet,
    write_root,
)


def build(path: Path | str, **values: Any) -> Any:
    return READERS.build({"name": "jetclass", "path": str(path), **values}, CLOUD, where="test")


def test_a_parquet_file_is_read_as_it_stands(tmp_path: Path) -> None:
    columns = jetclass_columns()
    events = read_all(build(write_parquet(tmp_path / "a.parquet", columns, row_group_size=2)))
    parts, jets = events.constituents, events.jets
    assert parts.counts.tolist() == list(COUNTS)
    assert events.field("jet_label").tolist() == [0, 3, 6, 9]
    assert events.field("empty_events").tolist() == [0, 1, 0, 0]
    for ours, theirs in (
        ("px", "px"),
        ("energy", "energy"),
        ("d0", "d0val"),
        ("z0_error", "dzerr"),
        ("charge", "charge"),
    ):
        sign = -1 if ours == "d0" else 1  # Delphes counts it the other way round
        np.testing.assert_allclose(parts[ours], sign * np.concatenate(columns[f"part_{theirs}"]), rtol=1e-6)
    assert parts["pdg"][:3].tolist() == [11, -13, 22]  # an electron is negative, the muon beside it positive
    assert parts["pdg"][3:8].tolist() == [11, -13, 22, 211, 130]
    np.testing.assert_allclose(np.hypot(jets["px"], jets["py"]), columns["jet_pt"], rtol=1e-6)
    np.testing.assert_allclose(jets["px"][[0, 2, 3]], parts.sum(parts["px"])[[0, 2, 3]], rtol=1e-5)
    np.testing.assert_allclose(jets["soft_drop_mass"], [5, 6, 7, 8])
    np.testing.assert_allclose(events.field("tau_1"), [0, 0.1, 0.2, 0.3], rtol=1e-6)
    np.testing.assert_allclose(events.field("true_pt"), np.array(columns["jet_pt"]) + 1, rtol=1e-6)
    assert not events.field("unidentified_constituents").any()


def test_a_root_file_holds_the_same_jets_and_its_labels_are_numbered(tmp_path: Path) -> None:
    columns = jetclass_root_columns()
    events = read_all(build(write_root(tmp_path / "a.root", "tree", columns)))
    other = read_all(build(write_parquet(tmp_path / "a.parquet", jetclass_columns())))
    assert events.field("jet_label").tolist() == [0, 3, 6, 9]
    for name, values in events.constituents.columns.items():
        np.testing.assert_allclose(values, other.constituents[name], rtol=1e-6, err_msg=name)


def test_splits_are_the_same_whatever_the_shards(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", jetclass_columns(tuple(range(2, 52))))
    whole = read_all(build(path, validation=0.2, test=0.3))
    small = build(path, validation=0.2, test=0.3, shard_events=7)
    assert sum(small.splits().values()) > 6
    np.testing.assert_array_equal(read_all(small).constituents["px"], whole.constituents["px"])
    assert whole.field("event").tolist() == list(range(50))


def shifted(columns: dict[str, Any], name: str, change: Callable[[Any], Any]) -> dict[str, Any]:
    return {**columns, name: [change(value) for value in columns[name]]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: {k: v for k, v in c.items() if k != "part_d0err"}, "columns of JetClass.*none named part_d0err"),
        (lambda c: {k: v for k, v in c.items() if k != "jet_label"}, "none named jet_label, nor label_QCD"),
        (
            lambda c: shifted(c, "jet_nparticles", lambda n: n + 1),
            r"constituents that 'jet_nparticles' says.*3 for 4.*event 0",
        ),
        (lambda c: shifted(c, "part_isMuon", lambda v: [True] * len(v)), "one of them 1 at most.*event 0"),
        (lambda c: shifted(c, "part_px", lambda v: v[:-1]), "lists of an event must be of one length.*event 0"),
        (lambda c: shifted(c, "jet_pt", lambda v: float("nan")), "must be finite"),
        (lambda c: shifted(c, "jet_pt", lambda v: None), "'jet_pt' must be a number"),
        (lambda c: shifted(c, "jet_label", lambda v: 0.5), "'jet_label' must hold whole numbers"),
        (
            lambda c: shifted(c, "part_energy", lambda v: [-x for x in v]),
            "energy of a constituent must be at least its momentum.*event 0",
        ),
        (lambda c: shifted(c, "jet_energy", lambda v: 1.0), "energy of a jet must be at least its momentum"),
        (lambda c: shifted(c, "jet_pt", lambda v: -v), "'jet_pt' must be finite and >= 0.*event 0"),
        (
            lambda c: shifted(c, "part_charge", lambda v: [0] * len(v)),
            "charged hadrons must have charge 1 or -1.*event 0",
        ),
        (
            lambda c: shifted(c, "part_charge", lambda v: [1] * len(v)),
            "neutral hadrons 0; got: 1 of a kind 22.*event 0",
        ),
        (lambda c: shifted(c, "part_d0err", lambda v: [-1.0] * len(v)), "d0_error must be >= 0 mm"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    path = write_parquet(tmp_path / "a.parquet", change(jetclass_columns()))
    with pytest.raises(DataError, match=message) as caught:
        read_all(build(path))
    assert "a.parquet" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "factor", "message"),
    [
        ("jet_pt", 1e-3, r"add up to about its momentum.*1000 times its transverse momentum.*30 jets.*in GeV"),
        ("jet_energy", 1e3, r"add up to about.*0.001 times its energy"),
        ("jet_phi", 180 / np.pi, r"lie about its axis.*azimuths in rad"),
        ("jet_eta", -1.0, r"lie about its axis.*eta with its sign"),
    ],
)
def test_jets_in_another_unit_are_refused(tmp_path: Path, name: str, factor: float, message: str) -> None:
    columns = shifted(jetclass_columns((4,) * 30), name, lambda v: v * factor)
    with pytest.raises(DataError, match=message):
        read_all(build(write_parquet(tmp_path / "a.parquet", columns)))


def test_a_file_is_known_by_its_bytes_and_jets_without_a_generated_one_are_counted(tmp_path: Path) -> None:
    columns = shifted(jetclass_columns(), "genjet_pt", lambda v: 0.0)
    events = read_all(build(write_parquet(tmp_path / "a.pq", columns)))
    assert events.field("unmatched_jets").tolist() == [1] * 4


@pytest.mark.parametrize(("label", "message"), [(0, "each jet must have a label; got: none in 4"), (1, "1 at most")])
def test_labels_that_contradict_are_refused(tmp_path: Path, label: int, message: str) -> None:
    columns = jetclass_root_columns()
    columns |= {name: [label] * 4 for name in columns if name.startswith("label_")}
    with pytest.raises(DataError, match=message):
        read_all(build(write_root(tmp_path / "a.root", "tree", columns)))


def test_too_many_constituents_are_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", jetclass_columns())
    with pytest.raises(DataError, match=r"at most 4 constituents; got: 5.*event 2.*raise 'max_constituents'"):
        read_all(build(path, max_constituents=4))


def test_the_same_jets_twice_are_refused(tmp_path: Path) -> None:
    columns = jetclass_columns()
    write_parquet(tmp_path / "a.parquet", columns)
    write_parquet(tmp_path / "b.parquet", {**columns, "jet_label": [1, 1, 1, 1]})
    reader = build(tmp_path / "*.parquet")
    with pytest.raises(DataError, match="each event must be given once"):
        read_all(reader)


def test_another_detector_is_refused(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", jetclass_columns())
    with pytest.raises(ConfigError, match="'jetclass' needs the detector point_cloud"):
        READERS.build({"name": "jetclass", "path": str(path)}, DETECTORS.build("pixel_grid", where="t"), where="test")


def test_real_jets() -> None:
    path = Path(os.environ.get("HITFORGE_DATA", "")) / "jets" / "JetClassII_example.parquet"
    if not path.is_file():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = read_all(build(path))
    assert len(events) == 100
    parts, jets = events.constituents, events.jets
    pt = np.hypot(jets["px"].astype(float), jets["py"])
    np.testing.assert_allclose(np.hypot(parts.sum(parts["px"]), parts.sum(parts["py"])), pt, rtol=1e-5)
    np.testing.assert_allclose(np.abs(pt / events.field("true_pt") - 1).mean(), 0.1, atol=0.08)
    assert set(np.abs(parts["pdg"]).tolist()) == {11, 13, 22, 130, 211}
    assert (parts["charge"][parts["pdg"] == 11] == -1).all()
    assert not events.field("unidentified_constituents").any()
