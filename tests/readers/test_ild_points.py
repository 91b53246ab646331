from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS, require_layered
from hitforge.readers.ild_points import IldPoints

ILD = require_layered(DETECTORS.build("ild_ecal", where="test"), "test")
LAYERS = ILD.layers


def points(transposed: bool = False) -> np.ndarray:
    """Three events: two points in one cell and one in another layer; nothing; a point beside all layers."""
    rows = np.zeros((3, 5, 4), np.float32)
    depth = 1811.6 + LAYERS.z - LAYERS.z[0]
    rows[0, 0] = [12.4, depth[3], -27.4, 1e-3]
    rows[0, 1] = [12.6, depth[3], -27.6, 2e-3]
    rows[0, 2] = [12.5, depth[25], -27.5, 1e-3]
    rows[2, 0] = [0, depth[3] + 1.7, 0, 5e-3]
    rows[2, 1] = [1e6, depth[4], 0, 7e-3]
    return rows.transpose(0, 2, 1) if transposed else rows


def save(path: Path, **changed: Any) -> Path:
    content = {"events": points(), "energy": np.array([[10.0], [20], [30]]), **changed}
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            if value is not None:
                file[name] = value
    return path


def build(path: Path | str, **values: Any) -> IldPoints:
    return IldPoints(IldPoints.Config.read({"path": str(path), **values}, where="test"), ILD)


@pytest.mark.parametrize("transposed", [False, True])
def test_points_of_a_cell_become_one_weighted_hit_with_depth_along_z(tmp_path: Path, transposed: bool) -> None:
    events = build(save(tmp_path / "a.h5", events=points(transposed))).shard("test", 0).check()
    hits = events.hits
    assert hits.counts.tolist() == [2, 0, 0]
    assert hits["layer"].tolist() == [3, 25]
    np.testing.assert_allclose(hits["energy"], LAYERS.weight[[3, 25]] * [3e-3, 1e-3], rtol=1e-5)
    np.testing.assert_allclose(hits["z"], LAYERS.z[[3, 25]], rtol=1e-6)
    assert (np.abs(hits["x"] - 12.5) <= 2.6).all()
    assert (np.abs(hits["y"] - 27.5) <= 2.6).all()  # y = -z of the file
    assert ILD.is_cell(hits["cell"]).all()


def test_points_beside_the_layers_are_counted(tmp_path: Path) -> None:
    events = build(save(tmp_path / "a.h5")).shard("test", 0)
    assert events.field("dropped_unknown_layer").tolist() == [0, 0, 1]
    assert events.field("dropped_outside").tolist() == [0, 0, 1]
    assert events.field("dropped_hits").tolist() == [0, 0, 2]
    np.testing.assert_allclose(events.field("dropped_energy"), [0, 0, 12e-3], rtol=1e-5)


def test_a_depth_in_layers_is_told_by_its_points(tmp_path: Path) -> None:
    rows = np.zeros((1, 3, 4), np.float32)
    rows[0, :, 1], rows[0, :, 3] = [0.2, 7.9, 29.5], 1e-3
    path = save(tmp_path / "a.h5", events=rows, energy=np.array([[10.0]]))
    assert build(path).shard("test", 0).hits["layer"].tolist() == [0, 7, 29]
    assert build(path).shard("test", 0).field("depth_is_position").tolist() == [0]
    with pytest.raises(DataError, match=r"lie in the detector.*none of 3 hits: .*depth from 0\.2 to 29\.5"):
        build(path, depth="position").shard("test", 0)


def test_the_depth_is_decided_once_a_file(tmp_path: Path) -> None:
    """The first block alone could be numbers of layers."""
    layer = np.r_[np.tile([0, 1, 2], 30), np.tile([5, 17, 29], 20)]
    rows = np.zeros((150, 2, 4), np.float32)
    rows[:, 0, 1], rows[:, 0, 3] = (LAYERS.z - LAYERS.z[0])[layer], 1e-3
    path = save(tmp_path / "a.h5", events=rows, energy=np.full((150, 1), 10.0))
    source = build(path, first_layer=0.0)
    for events in (source.shard("test", 0), pickle.loads(pickle.dumps(source)).shard("test", 0)):
        np.testing.assert_array_equal(events.hits["layer"], layer)
        assert set(events.field("depth_is_position")) == {1}
    shallow = save(tmp_path / "b.h5", events=rows[:90], energy=np.full((90, 1), 10.0))
    with pytest.raises(DataError, match=r"y from 0 to \S+: 100% near a layer .*, 100% numbers.*set 'depth'"):
        build(shallow, first_layer=0.0).shard("test", 0)
    events = build(shallow, first_layer=0.0, depth="position").shard("test", 0)
    np.testing.assert_array_equal(events.hits["layer"], layer[:90])
    rows[:, 0, 1] += 500
    with pytest.raises(DataError, match=r"0% near a layer as positions, 0% numbers of layers.*first_layer"):
        build(save(tmp_path / "c.h5", events=rows, energy=np.full((150, 1), 10.0))).shard("test", 0)


@pytest.mark.parametrize("order", ["points", "columns"])
def test_the_order_of_columns_is_told_by_the_points_where_there_are_four(tmp_path: Path, order: str) -> None:
    rows = np.zeros((2, 4, 4), np.float32)
    rows[:, :, 1] = (1811.6 + LAYERS.z - LAYERS.z[0])[[0, 4, 9, 20]]
    rows[:, :, [0, 2]], rows[:, :, 3] = [[-12.5, 7.5]], 1e-3
    rows[1, :, 3] = 2e-3
    written = rows if order == "points" else rows.transpose(0, 2, 1)
    path = save(tmp_path / "a.h5", events=written, energy=np.full((2, 1), 10.0))
    assert build(path).shard("test", 0).hits["layer"].tolist() == [0, 4, 9, 20] * 2
    assert build(path, order=order).shard("test", 0).hits["layer"].tolist() == [0, 4, 9, 20] * 2
    alike = np.full((1, 4, 4), 2.0)
    path = save(tmp_path / "b.h5", events=alike, energy=np.array([[10.0]]))
    with pytest.raises(DataError, match=r"P is 4, either order could be.*'order' to points or columns"):
        build(path, depth="layer").shard("test", 0)
    assert build(path, depth="layer", order=order).shard("test", 0).hits.counts.tolist() == [1]


@pytest.mark.parametrize("depth", ["auto", "layer"])
def test_many_events_without_a_point_in_layer_0_are_told(tmp_path: Path, depth: str) -> None:
    """Layers may be counted from 1 and the last one never hit."""
    rows = np.zeros((20, 3, 4), np.float32)
    rows[:, :, 1], rows[:, :, 3] = [1.0, 7.0, 28.0], 1e-3
    rows[:, 0, 3] += 1e-4 * np.arange(20)  # no event twice
    energy = np.full((20, 1), 10.0)
    events = build(save(tmp_path / "a.h5", events=rows, energy=energy), depth=depth).shard("test", 0)
    assert events.field("first_layer_hit").tolist() == [0] * 20
    assert events.info["first_layer_hit"].loss == "flag"
    few = build(save(tmp_path / "b.h5", events=rows[:15], energy=energy[:15]), depth=depth).shard("test", 0)
    assert few.field("first_layer_hit").tolist() == [1] * 15
    rows[3, 0, 1] = 0.0
    hit = build(save(tmp_path / "c.h5", events=rows, energy=energy), depth=depth).shard("test", 0)
    assert hit.field("first_layer_hit").tolist() == [1] * 20


def test_layers_that_are_counted_from_1_are_refused(tmp_path: Path) -> None:
    rows = np.zeros((1, 30, 4), np.float32)
    rows[0, :, 1], rows[0, :, 3] = np.arange(30), 1e-3
    assert build(save(tmp_path / "a.h5", events=rows, energy=np.array([[10.0]]))).shard("test", 0).hits.rows == 30
    rows[0, :, 1] += 1
    path = save(tmp_path / "b.h5", events=rows, energy=np.array([[10.0]]))
    for depth in ("auto", "layer"):
        with pytest.raises(DataError, match=r"must be counted from 0; got: y from 1 to 30, for 30 layers"):
            build(path, depth=depth).shard("test", 0)


def changed_value(column: int, value: float) -> np.ndarray:
    changed = points()
    changed[0, 1, column] = value
    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"events": None}, "array 'events'; got: energy"),
        ({"events": np.zeros((3, 5, 3))}, r"shape \(N, P, 4\) or \(N, 4, P\); got: \(3, 5, 3\)"),
        ({"energy": np.zeros((2, 1))}, r"shape \(N, 1\); got: \(2, 1\) for 3 events"),
        ({"energy": np.array([[1.0], [np.inf], [1]])}, "finite and positive; got: inf.*event 1"),
        ({"events": changed_value(3, -1e-3)}, "'energy' of a hit must be >= 0.*event 0"),
        ({"events": changed_value(0, np.nan)}, "'x' of a hit must be finite.*event 0"),
        ({"events": changed_value(3, np.nan)}, "'energy' of a hit must be finite.*event 0"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(save(tmp_path / "a.h5", **changed)).shard("test", 0)
    assert "a.h5" in str(caught.value)


def test_damaged_files_and_other_detectors_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.h5").read_bytes()
    for content in (b"", whole[:100], whole[: len(whole) // 2]):
        (tmp_path / "a.h5").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.h5"):
            build(tmp_path / "a.h5").shard("test", 0)
    with pytest.raises(ConfigError, match="ild_points needs one of the detectors"):
        IldPoints(IldPoints.Config.read({"path": "a"}, where="test"), DETECTORS.build("point_cloud", where="test"))


def test_the_public_showers_have_their_energy(public_data: Path) -> None:
    path = public_data / "ild_showers" / "mini_data_sample_50GeV.hdf5"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    events = build(path).shard("test", 0).check()
    assert events.hits.counts.tolist() == [912, 958]
    assert events.field("dropped_hits").tolist() == [0, 0]
    np.testing.assert_allclose(events.hits.sum(events.hits["energy"]), 50, rtol=0.05)  # GeV: the weights are right
    assert events.hits["layer"].max() == 29


@pytest.mark.parametrize(("unit", "factor"), [("cm", 10), ("m", 1000)])
def test_lengths_in_another_unit_are_no_numbers_of_layers(tmp_path: Path, unit: str, factor: int) -> None:
    depth = 20.0 if unit == "cm" else 1811.6  # from the front, or the file's own place
    rows = np.zeros((2, 30, 4))
    rows[..., 1], rows[..., 3] = (depth + LAYERS.z - LAYERS.z[0]), 1e-3
    rows[1, :, 3] = 2e-3
    settings = {"first_layer": depth}
    path = save(tmp_path / "a.h5", events=rows, energy=np.full((2, 1), 10.0))
    assert build(path, **settings).shard("test", 0).hits.rows == 60
    rows[..., :3] /= factor
    path = save(tmp_path / "b.h5", events=rows, energy=np.full((2, 1), 10.0))
    with pytest.raises(DataError, match=rf"must be in mm; got: y from .* 100% near a layer in {unit}; .*convert"):
        build(path, **settings).shard("test", 0)
    assert build(path, depth="layer").shard("test", 0).hits.rows > 0  # as it was asked for


def test_points_that_were_never_written_or_lie_beyond_all_integers_are_seen(tmp_path: Path) -> None:
    rows = points()
    rows[0, 3:] = 9.96921e36
    with h5py.File(save(tmp_path / "a.h5", events=None), "a") as file:
        file.create_dataset("events", data=rows, fillvalue=9.96921e36)
    with pytest.raises(DataError, match=r"'events' must have been written for each event.*a.h5, event 0"):
        build(tmp_path / "a.h5").shard("test", 0)
    rows[0, 0, 1] = 3
    events = build(save(tmp_path / "b.h5", events=rows), depth="layer").shard("test", 0)
    assert events.field("dropped_unknown_layer")[0] == 4


def test_points_that_say_themselves_to_be_in_another_unit_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5")
    for told, wrong in ((["mm", "mm", "mm", "GeV"], False), (["mm", "mm", "mm", "MeV"], True)):
        with h5py.File(path, "a") as file:
            file["events"].attrs["units"] = told
        if wrong:
            with pytest.raises(DataError, match="'events' must be in GeV; got: the attribute units = mm, mm, mm, MeV"):
                build(path).splits()
        else:
            assert build(path).splits()["test"] == 1
