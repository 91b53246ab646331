from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hitforge.core import kinematics
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import DETECTORS, require_layered
from hitforge.readers.cms_hgcal import CmsHgcal

HGCAL = require_layered(DETECTORS.build("hgcal", where="test"), "test")
PLANES = HGCAL.layers.z


def table(**changed: Any) -> dict[str, Any]:
    """Six hits of events 3 and 5, at cell centres of both sides, in cm."""
    layer = np.array([0, 10, 30, 0, 5, 20])
    side = np.array([1, 1, -1, 1, -1, 1])
    cell = HGCAL.cell_in(layer, np.linspace(500, 700, 6), np.linspace(-300, 300, 6), side)
    x, y, z = HGCAL.position(cell).T / 10
    values = {
        "event": np.array([3, 3, 3, 5, 5, 5], np.int16),
        "recHitEnergy": np.linspace(0.1, 0.6, 6),
        "recHitX": x,
        "recHitY": y,
        "recHitZ": z,
        "recHitTime": np.array([5.0, -1, -1, 6, -1, -1]),
    }
    return {**values, **changed}


def save(path: Path, **changed: Any) -> Path:
    pq.write_table(pa.table({k: v for k, v in table(**changed).items() if v is not None}), path, row_group_size=2)
    return path


def ntuple(path: Path, layer: list[Any] | None = None, **changed: Any) -> Path:
    """The same hits as an ntuple, without truth."""
    values = table()
    counts = [3, 3]
    columns = {name.lower().replace("rechit", "rechit_"): ak.unflatten(values[name], counts) for name in values}
    columns["rechit_layer"] = ak.unflatten(np.array(layer or [1, 11, 31, 1, 6, 21], np.int32), counts)
    columns |= changed
    with uproot.recreate(path) as file:
        columns = {k: v for k, v in columns.items() if k != "event" and v is not None}
        file.mktree("ana/hgc", {k: v.type for k, v in columns.items()}).extend(columns)
    return path


def build(path: Path | str, **values: Any) -> CmsHgcal:
    return CmsHgcal(CmsHgcal.Config.read({"path": str(path), **values}, where="test"), HGCAL)


def rntuple(path: Path) -> Path:
    """The same hits as an RNTuple."""
    with uproot.open(ntuple(path)) as file:
        arrays = {
            key: file["ana/hgc"][key].array()
            for key in file["ana/hgc"].keys(recursive=False)
            if not key.startswith("n")
        }
    with uproot.recreate(path) as file:
        made = file.mkrntuple("ana/hgc", {key: str(values.type).split(" * ", 1)[1] for key, values in arrays.items()})
        made.extend(arrays)
    return path


@pytest.mark.parametrize("write", [save, ntuple, rntuple])
def test_hits_are_found_again_in_our_cells_and_units(tmp_path: Path, write: Any) -> None:
    events = build(write(tmp_path / "a.file")).shard("test", 0).check()
    hits = events.hits
    assert hits.counts.tolist() == [3, 3]
    assert hits["layer"].tolist() == [0, 10, 30, 0, 5, 20]
    np.testing.assert_allclose(hits["x"], table()["recHitX"] * 10, atol=1e-3)
    np.testing.assert_allclose(hits["z"], table()["recHitZ"] * 10, atol=1e-3)
    np.testing.assert_allclose(hits["energy"], table()["recHitEnergy"], rtol=1e-6)
    np.testing.assert_array_equal(hits["subsystem"], HGCAL.layers.section[hits["layer"]])
    assert events.field("untimed_hits").tolist() == [2, 2]
    flight = np.linalg.norm([hits["x"][0], hits["y"][0], hits["z"][0]]) / C_LIGHT
    assert hits["time"][0] == pytest.approx(flight, rel=1e-5)  # 5 ns in the file is light from the origin
    assert hits["time"][1] == 0
    for name in ("dropped_hits", "far_hits"):
        assert events.field(name).tolist() == [0, 0]


def test_hits_of_time_0_have_none_and_early_ones_are_counted(tmp_path: Path) -> None:
    """Light has 5 ns in the file: 0 is no measurement but for settings where light has 0."""
    path = save(tmp_path / "a.parquet", recHitTime=np.array([5.0, 0, 5, 5, 3.5, -0.5]))
    events = build(path).shard("test", 0)
    assert events.field("untimed_hits").tolist() == [1, 0]
    assert events.field("early_hits").tolist() == [0, 2]
    assert events.hits["time"][1] == 0
    path = save(tmp_path / "b.parquet", recHitTime=np.array([0.0, 0, 0.5, 0, 0, 0]))
    events = build(path, time_offset=0).shard("test", 0)
    assert events.field("untimed_hits").tolist() == events.field("early_hits").tolist() == [0, 0]


def test_each_side_can_be_an_event(tmp_path: Path) -> None:
    events = build(save(tmp_path / "a.parquet"), endcaps="split").shard("test", 0).check()
    assert events.hits.counts.tolist() == [2, 1, 2, 1]
    sides = [np.sign(events.hits["z"][events.hits.event == i]).tolist() for i in range(4)]
    assert sides == [[1, 1], [-1], [1, 1], [-1]]
    assert events.field("event").tolist() == [0, 0, 1, 1]
    assert events.field("part").tolist() == [0, 1, 0, 1]
    assert events.field("event_number").tolist() == [3, 3, 5, 5]  # those of the file


@pytest.mark.parametrize("endcaps", ["both", "split"])
def test_events_of_one_number_that_a_column_alone_tells_apart_are_counted(tmp_path: Path, endcaps: str) -> None:
    path = save(tmp_path / "a.parquet", event=[3] * 6, job=[0, 0, 1, 1, 2, 2])
    events = build(path, endcaps=endcaps).shard("test", 0)
    assert events.field("same_numbers").tolist() == np.repeat([0, 1, 1], 2 if endcaps == "split" else 1).tolist()
    assert build(save(tmp_path / "b.parquet")).shard("test", 0).field("same_numbers").tolist() == [0, 0]


def test_unknown_layers_and_hits_beside_the_detector_are_counted(tmp_path: Path) -> None:
    z, x = table()["recHitZ"], table()["recHitX"]
    z[1] += 0.4
    x[4] = 900
    events = build(save(tmp_path / "a.parquet", recHitZ=z, recHitX=x)).shard("test", 0).check()
    assert events.hits.counts.tolist() == [2, 2]
    assert events.field("dropped_unknown_layer").tolist() == [1, 0]
    assert events.field("dropped_outside").tolist() == [0, 1]
    np.testing.assert_allclose(events.field("dropped_energy"), [0.2, 0.5], rtol=1e-6)
    events = build(ntuple(tmp_path / "a.root", layer=[1, 51, 0, 1, 6, 21])).shard("test", 0)
    assert events.field("dropped_unknown_layer").tolist() == [2, 0]


def test_a_hit_off_its_centre_is_kept_and_counted(tmp_path: Path) -> None:
    x = table()["recHitX"]
    x[2] += 0.1
    path = save(tmp_path / "a.parquet", recHitX=x)
    for positions, off in (("cell", 0.0), ("file", 1.0)):
        events = build(path, positions=positions).shard("test", 0)
        assert events.field("far_hits").tolist() == [1, 0]
        moved = np.abs(events.hits["x"] - table()["recHitX"] * 10)
        np.testing.assert_allclose(moved, [0, 0, off, 0, 0, 0], atol=1e-3)


def test_branches_of_unequal_length_are_refused_with_event_and_names(tmp_path: Path) -> None:
    """The totals are equal: only the events tell."""
    energy = ak.unflatten(np.linspace(0.1, 0.6, 6), [2, 4])
    with pytest.raises(DataError, match=r"3 values of 'rechit_x', 2 of 'rechit_energy'.*a\.root, event 0"):
        build(ntuple(tmp_path / "a.root", rechit_energy=energy)).shard("test", 0)
    eta = ak.unflatten(np.zeros(7), [3, 4])
    with pytest.raises(DataError, match=r"3 values of 'rechit_x', 4 of 'rechit_eta'.*a\.root, event 1"):
        build(ntuple(tmp_path / "a.root", rechit_eta=eta)).shard("test", 0)


def test_layers_counted_from_another_number_are_refused_until_they_are_set(tmp_path: Path) -> None:
    path = ntuple(tmp_path / "a.root", layer=[0, 10, 30, 0, 5, 20])
    message = "counted from 1, as 'first_layer' says; got: 6 of 6 hits.* plane \\+1 layers.*do: set first_layer=0"
    with pytest.raises(DataError, match=message):
        build(path).shard("test", 0)
    events = build(path, first_layer=0).shard("test", 0).check()
    assert events.hits["layer"].tolist() == [0, 10, 30, 0, 5, 20]
    assert events.field("far_hits").tolist() == [0, 0]
    with pytest.raises(
        DataError, match=r"counted from 0, as 'first_layer' says; got: .* plane -1 layers.*first_layer=1"
    ):
        build(ntuple(tmp_path / "a.root"), first_layer=0).shard("test", 0)


def test_hits_that_contradict_their_cell_are_counted(tmp_path: Path) -> None:
    values = table()
    place = [values[f"recHit{name}"] for name in "XYZ"]
    wafer = HGCAL.indices(
        HGCAL.cell_in(np.array([0, 10, 30, 0, 5, 20]), place[0] * 10, place[1] * 10, np.sign(place[2]))
    )
    angles = {"rechit_eta": kinematics.eta(*place), "rechit_phi": kinematics.phi(*place[:2])}
    angles |= {"rechit_wafer_u": wafer[:, 0], "rechit_wafer_v": wafer[:, 1]}

    def counted(layer: list[int] | None = None, **changed: tuple[int, float]) -> list[list[int]]:
        columns = {key: values.copy() for key, values in angles.items()}
        for name, (row, value) in changed.items():
            columns[name][row] += value
        path = ntuple(tmp_path / "a.root", layer, **{key: ak.unflatten(of, [3, 3]) for key, of in columns.items()})
        events = build(path).shard("test", 0)
        return [events.field(name).tolist() for name in ("far_hits", "far_hits_z")]

    assert counted() == [[0, 0], [0, 0]]
    assert counted(layer=[1, 11, 31, 2, 6, 21]) == [[0, 1], [0, 1]]  # z is that of layer 1
    assert counted(rechit_eta=(1, 0.1)) == [[1, 0], [0, 0]]
    assert counted(rechit_phi=(4, -0.1)) == [[0, 1], [0, 0]]
    assert counted(rechit_phi=(4, 2 * np.pi)) == [[0, 0], [0, 0]]
    assert counted(rechit_wafer_u=(2, 1)) == [[1, 0], [0, 0]]
    assert counted(rechit_wafer_v=(3, -1)) == [[0, 1], [0, 0]]


def test_a_file_in_another_unit_is_refused(tmp_path: Path) -> None:
    values = table()
    far = {name: values[f"recHit{name}"] * 10 for name in "XYZ"}
    message = "x, y and z must be in cm; got: abs.z. from .* 6 of 6 hits fit in mm.*do: convert"
    with pytest.raises(DataError, match=message):
        build(save(tmp_path / "a.parquet", **{f"recHit{name}": of for name, of in far.items()})).shard("test", 0)
    lists = {f"rechit_{name.lower()}": ak.unflatten(of, [3, 3]) for name, of in far.items()}
    with pytest.raises(DataError, match=message):
        build(ntuple(tmp_path / "a.root", **lists)).shard("test", 0)
    lists["rechit_z"] = ak.unflatten(values["recHitZ"], [3, 3])  # only x and y are: beside the detector, all of them
    with pytest.raises(DataError, match="a hit of the file must lie in the detector 'hgcal'; got: none of 6 hits"):
        build(ntuple(tmp_path / "a.root", **lists)).shard("test", 0)


def truth(**changed: Any) -> dict[str, Any]:
    """One cluster an event, of the first two hits."""
    columns = {f"simcluster_{name}": ak.Array([[2.0], [2.0]]) for name in ("eta", "phi", "pt", "energy")}
    columns |= {
        "simcluster_hits_indices": ak.Array([[[0, 1]], [[0, 1]]]),
        "simcluster_fractions": ak.ones_like(ak.Array([[[0.0, 1]], [[0.0, 1]]])),
        "vtx_x": np.array([0.1, 0.2]),
    }
    return {**columns, **changed}


@pytest.fixture
def with_truth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function that builds a reader of the ntuple with truth, whose lists of lists uproot writes as an RNTuple."""

    def make(**changed: Any) -> CmsHgcal:
        path = ntuple(tmp_path / "a.root")
        with uproot.open(path) as file:
            arrays = {
                key: file["ana/hgc"][key].array() for key in file["ana/hgc"].keys(recursive=False) if key[0] != "n"
            }
        arrays |= truth(**changed)
        types = {key: str(ak.type(ak.Array(values))).split(" * ", 1)[1] for key, values in arrays.items()}
        with uproot.recreate(path) as file:
            file.mkrntuple("ana/hgc", types).extend(arrays)
        return build(path)

    return make


def test_truth_is_read_with_its_hits(with_truth: Any) -> None:
    events = with_truth().shard("test", 0).check()
    assert events.links.counts.tolist() == [2, 2]
    np.testing.assert_allclose(events.particles["vx"], [1.0, 2.0])
    assert events.field("unidentified_particles").tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"simcluster_hits_indices": ak.Array([[[-1, -1]], [[-1, -1]]])}, "must have a hit; got: none of 4"),
        ({"vtx_x": ak.Array([[0.1], [0.2]])}, "'vtx_x' must hold a number an event; got: var"),
        ({"simcluster_pt": ak.Array([[1.0, 2], []])}, "1 values of 'simcluster_eta', 2 of 'simcluster_pt'.*event 0"),
        ({"simcluster_fractions": ak.Array([[[1.0]], [[1.0, 1]]])}, "2 indices, 1 fractions.*event 0"),
        ({"simcluster_fractions": ak.Array([[[1.0, 1]], [[1.0, 3]]])}, "shares from 0 to 1; got: hit 1 of 3, share 3"),
    ],
)
def test_truth_that_makes_no_sense_is_refused(with_truth: Any, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        with_truth(**changed).shard("test", 0)
    assert "a.root" in str(caught.value)


def test_times_in_seconds_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.parquet", recHitTime=np.full(6, 5e-9))
    with pytest.raises(
        DataError, match=r"times must be in ns, with 5 for light from the origin; got: 6 of 6.*a\.parquet"
    ):
        build(path).shard("test", 0)


def test_a_run_tells_events_of_one_number_apart(tmp_path: Path) -> None:
    """Two jobs of one event each; blocks and row groups of two rows make no difference."""
    number = {"event": np.array([3, 3, 3, 3, 3, 3])}
    events = build(save(tmp_path / "a.parquet", **number, run=np.repeat([1, 2], 3))).shard("test", 0)
    assert events.hits.counts.tolist() == [3, 3]
    assert events.field("event_number").tolist() == [3, 3]


def test_layers_that_are_no_whole_numbers_are_refused(tmp_path: Path) -> None:
    layer = ak.unflatten(np.array([1, 11, 31, 1, 6.5, 21]), [3, 3])
    with pytest.raises(
        DataError, match=r"'rechit_layer' must hold whole numbers of 64 bits; got: 6.5 in row 4.*a\.root"
    ):
        build(ntuple(tmp_path / "a.root", rechit_layer=layer)).shard("test", 0)
    layer = ak.unflatten(np.array([1, 11, 31, 1, 2**32 + 6, 21]), [3, 3])
    events = build(ntuple(tmp_path / "a.root", rechit_layer=layer)).shard("test", 0)
    assert events.field("dropped_unknown_layer").tolist() == [0, 1]


def changed_value(name: str, value: float) -> dict[str, np.ndarray]:
    column = table()[name]
    column[4] = value
    return {name: column}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recHitX": None}, "columns of HGCalML; got: none named recHitX"),
        (changed_value("recHitEnergy", -1), "'energy' of a hit must be >= 0.*event 1"),
        (changed_value("recHitZ", np.nan), "'z' of a hit must be finite.*event 1"),
        ({"recHitEnergy": ["a"] * 6}, "column 'recHitEnergy' must hold a number"),
        ({"recHitEnergy": [None, *[1.0] * 5]}, "column 'recHitEnergy' must hold a number.*1 nulls"),
        ({name: column[:0] for name, column in table().items()}, "must hold hits"),
    ],
)
def test_bad_columns_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(save(tmp_path / "a.parquet", **changed)).shard("test", 0)
    assert "a.parquet" in str(caught.value)


def test_damaged_and_other_files_are_refused(tmp_path: Path) -> None:
    for write in (save, ntuple):
        whole = write(tmp_path / "a.file").read_bytes()
        for content in (b"", b"nonsense", *(whole[: int(n)] for n in np.linspace(4, 0.9 * len(whole), 6))):
            (tmp_path / "a.file").write_bytes(content)
            with pytest.raises(DataError, match=r"a\.file"):
                build(tmp_path / "a.file").shard("test", 0)
    with pytest.raises(DataError, match="none named rechit_time"):
        build(ntuple(tmp_path / "b.root", rechit_time=None)).splits()
    empty = ak.unflatten(np.array([], np.int32), [0, 0])
    nothing = {f"rechit_{name}": empty for name in ("x", "y", "z", "energy", "time", "layer")}
    with pytest.raises(DataError, match="must hold hits; got: 2 events without any"):
        build(ntuple(tmp_path / "b.root", **nothing)).splits()
    with pytest.raises(ConfigError, match="cms_hgcal needs one of the detectors"):
        CmsHgcal(CmsHgcal.Config.read({"path": "a"}, where="test"), DETECTORS.build("pixel_grid", where="test"))


def test_the_public_muons(public_data: Path) -> None:
    path = public_data / "hgcal" / "partGun_PDGid13_x2_E35.0To35.0_NTUP_1.root"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = build(path).shard("test", 0).check()
    assert (events.hits.counts + events.field("dropped_hits")).tolist() == [31444, 31592]
    assert (events.field("dropped_unknown_layer") > 0).all()  # this geometry has 52 layers
    assert (events.field("far_hits_z") / events.hits.counts > 0.95).all()  # and other planes
    assert (events.field("scaled_hits") == 0).all()
    assert events.particles["pdg"].tolist() == [-13, 13, -13, 13]
    assert events.particles["charge"].tolist() == [1, -1, 1, -1]
    np.testing.assert_allclose(events.particles["energy"], 35, rtol=1e-5)
    deposits = events.links.counts + events.field("unlinked_deposits")
    assert deposits.tolist() == [56 + 70, 68 + 50]
    split = build(path, endcaps="split", positions="file").shard("test", 0).check()
    assert split.field("primary_pdg").tolist() == [13, -13, 13, -13]
    hit = split.hits.offsets[split.links.event] + split.links["hit"]
    slope = split.hits["x"][hit] / split.hits["z"][hit]
    true = split.particles["px"] / split.particles["pz"]  # a muon of 35 GeV is nearly straight
    np.testing.assert_allclose(slope, true[split.links.event], atol=0.03)


def test_the_public_parquet_events(public_data: Path) -> None:
    path = public_data / "hgcal" / "hgcalml_np_feat.parquet"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = build(path, limit=3).shard("test", 0).check()
    assert (events.hits.counts + events.field("dropped_hits")).tolist() == [51177, 47253, 44477]
    assert (events.field("dropped_hits") <= 2).all()
    assert (events.field("far_hits") / events.hits.counts < 0.025).all()
    assert np.unique(events.hits["layer"]).tolist() == list(range(50))


def test_two_hits_of_an_event_in_one_cell_are_counted(tmp_path: Path) -> None:
    twice = {name: np.concatenate([values, values]) for name, values in table().items()}
    twice["recHitEnergy"][6:] *= 1.5
    order = np.argsort(twice["event"], kind="stable")  # events of two jobs, sorted by their numbers
    events = build(save(tmp_path / "a.parquet", **{name: of[order] for name, of in twice.items()})).shard("test", 0)
    assert events.field("shared_cells").tolist() == [3, 3]
    assert build(save(tmp_path / "b.parquet")).shard("test", 0).field("shared_cells").tolist() == [0, 0]
