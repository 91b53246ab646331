from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.detectors import DETECTORS
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Events
from hitforge.readers._clusters import incidence
from hitforge.readers._sensors import sensor_distance
from hitforge.readers.trackml import Trackml
from tests.readers.mutations import mutations

TRACKER = DETECTORS.build("silicon_barrel_endcap", where="test")
assert isinstance(TRACKER, SiliconBarrelEndcap)
MODULES = TRACKER.modules
ROWS = np.linspace(len(MODULES) - 1, 0, 12).astype(int)  # of each hit's sensor, through all volumes, falling
ROWS[5] = ROWS[4]
U = np.linspace(-5, 5, 12)
V = np.linspace(20, -20, 12)
Table = dict[str, Any]


def tables(rows: np.ndarray = ROWS) -> dict[str, Table]:
    """Twelve hits of three particles; the last two are noise, and hit 40 has three cells."""
    xyz = TRACKER.to_global(MODULES.number[rows], U, V)
    volume, layer, module = TRACKER.names_of(MODULES.number[rows])
    hit = np.arange(10, 130, 10)
    ids = np.array([4503668346847232, 9007199254740993, 2**63 + 5], np.uint64)
    owner = np.array([*np.repeat(ids, [4, 4, 2]), 0, 0], np.uint64)
    return {
        "hits": {"hit_id": hit, **dict(zip("xyz", xyz.T, strict=True)), "volume_id": volume, "layer_id": layer}
        | {"module_id": module},
        "cells": {
            "hit_id": [40, 10, 40, 40, *range(20, 40, 10), *range(50, 130, 10)],
            "ch0": [7, 1, 9, 8, *range(10)],
            "ch1": [5, 1, 5, 6, *range(10)],
            "value": [0.25, 0.5, 0.5, 0.25, *[1.0] * 10],
        },
        "particles": {
            "particle_id": ids,
            "particle_type": [211, -13, 4242],
            **dict(zip(("vx", "vy", "vz"), np.eye(3) * 0.5, strict=True)),
            "px": [3.0, 0, 0],
            "py": [0.0, 1, 0],
            "pz": [4.0, 0, 2],
            "q": [1, 1, -1],
            "nhits": [4, 4, 2],
        },
        "truth": {"hit_id": hit[::-1], "particle_id": owner[::-1], "weight": np.arange(11, -1, -1) / 66},
    }


def save(folder: Path, event: str = "event000000007", ending: str = ".csv", **changed: Table | None) -> Path:
    """Write an event; a table that is None is left out."""
    for name, table in {**tables(), **changed}.items():
        if table is not None:
            table = table | {"run": [event] * len(table["hit_id"])} if name == "hits" else table  # no two are equal
            path = folder / f"{event}-{name}{ending}"
            content = pa.table({key: pa.array(value) for key, value in table.items()})
            if ending == ".parquet":
                pq.write_table(content, path)
                continue
            pc.write_csv(content, path.with_suffix("") if ending == ".csv.gz" else path)
            if ending == ".csv.gz":
                plain = path.with_suffix("")
                path.write_bytes(gzip.compress(plain.read_bytes()))
                plain.unlink()
    return folder / event


def build(*paths: Path, **values: Any) -> Trackml:
    return Trackml(Trackml.Config.read({"path": tuple(map(str, paths)), **values}, where="test"), TRACKER)


def read(path: Path, **values: Any) -> Events:
    return build(path, **values).shard("test", 0).check()


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet"])
def test_hits_clusters_and_truth_are_found_again(tmp_path: Path, ending: str) -> None:
    events = read(save(tmp_path, ending=ending))
    order = np.lexsort((U, ROWS))
    hits, clusters = events.hits, events.clusters
    np.testing.assert_array_equal(hits["cell"], MODULES.number[ROWS[order]])
    np.testing.assert_array_equal(hits["layer"], MODULES.layer[ROWS[order]])
    np.testing.assert_array_equal(hits["subsystem"], MODULES.volume[ROWS[order]])
    np.testing.assert_allclose(clusters["u"], U[order], atol=1e-4)
    np.testing.assert_allclose(clusters["v"], V[order], atol=1e-4)
    np.testing.assert_allclose(clusters["sigma_u"], MODULES.pitch_u[ROWS[order]] / 12**0.5, rtol=1e-6)
    np.testing.assert_allclose(clusters["sigma_v"], MODULES.pitch_v[ROWS[order]] / 12**0.5, rtol=1e-6)
    fourth = order.tolist().index(3)
    assert [clusters[name][fourth] for name in ("size_u", "size_v", "cells", "charge")] == [3, 2, 3, 1]
    np.testing.assert_allclose(clusters["weight"], order / 66, rtol=1e-6)
    assert clusters["weight"].sum() == pytest.approx(1)
    owner = np.full(12, -1)
    owner[order[events.links["hit"]]] = events.links["particle"]
    assert owner.tolist() == [0] * 4 + [1] * 4 + [2] * 2 + [-1] * 2
    assert (events.links["weight"] == 1).all()
    assert events.particles["pdg"].tolist() == [211, -13, 4242]
    np.testing.assert_allclose(events.particles["energy"], [5.001947, 1.005567, 2.0], rtol=1e-6)  # mass unknown: 2
    assert events.particles["charge"].tolist() == [1, 1, -1]
    assert {name: values.tolist() for name, values in events.fields.items() if "dropped" not in name} == {
        "empty_events": [0],
        "hits_without_cells": [0],
        "truth": [2],
        "hits_without_truth": [0],
        "far_hits": [0],
        "repeated_cells": [0],
        "other_charges": [0],
        "event_number": [7],
        "file": [0],
        "event": [0],
    }


def test_a_folder_and_several_events_are_split(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        save(tmp_path, f"event00000000{number}")
    assert read(tmp_path, repeated="keep").field("event_number").tolist() == [1, 2, 3]
    assert read(tmp_path, limit=2, repeated="keep").field("event_number").tolist() == [1, 2]
    both = build(tmp_path / "event000000003", tmp_path / "event000000001-hits.csv", repeated="keep")
    assert sorted(both.shard("test", 0).field("event_number").tolist()) == [1, 3]
    assert len(build(tmp_path).inputs()) == 12
    parts = build(tmp_path, test=0.4, validation=0.2, seed=3, repeated="keep")
    numbers = [parts.shard(name, 0).field("event_number").tolist() for name, n in parts.splits().items() if n]
    assert sorted(number for part in numbers for number in part) == [1, 2, 3]


def test_pixels_alone(tmp_path: Path) -> None:
    save(tmp_path)
    events = read(tmp_path, subsystems="pixel")
    pixel = np.isin(MODULES.volume[ROWS], (7, 8, 9))
    assert 0 < pixel.sum() < 12
    assert events.hits.rows == pixel.sum()
    assert events.links.rows == (pixel & (np.arange(12) < 10)).sum()


def test_truth_of_the_pixels(tmp_path: Path) -> None:
    truth = tables()["truth"]
    some = {key: value[2:6] for key, value in truth.items() if key != "weight"}
    save(tmp_path, truth=None, pixeltruth={**some, "pt": [1.0] * 4})
    events = read(tmp_path, truth="optional")
    assert (events.links.rows, events.field("truth")[0], events.field("hits_without_truth")[0]) == (4, 1, 8)
    assert (events.clusters["weight"] == 0).all()
    pixels = read(tmp_path, subsystems="pixel")
    assert pixels.field("truth").tolist() == [1]
    assert read(tmp_path, truth="none").field("truth").tolist() == [0]
    with pytest.raises(DataError, match=r"silent about strips.*pixeltruth.*subsystems: pixel.*truth: optional"):
        read(tmp_path)


def test_events_without_truth_are_read_on_demand(tmp_path: Path) -> None:
    save(tmp_path, "event000000001")
    save(tmp_path, "event000000002", truth=None, particles=None)
    with pytest.raises(DataError, match=r"must have the table 'truth'.*event000000002.*truth: optional"):
        read(tmp_path)
    events = read(tmp_path, truth="optional", repeated="keep")
    assert events.field("truth").tolist() == [2, 0]
    assert events.links.counts.tolist() == [10, 0]
    blind = read(tmp_path, truth="none", repeated="keep")
    assert sorted(blind.collections) == ["clusters", "hits"]
    np.testing.assert_array_equal(blind.hits["x"], events.hits["x"])
    save(tmp_path, "event000000003", cells=None, particles=None, truth=None)
    events = read(tmp_path / "event000000003", truth="none")
    assert events.field("hits_without_cells").tolist() == [12]
    assert (events.clusters["size_u"] == 0).all()


def changed(table: str, column: str, row: int, value: Any) -> dict[str, Table]:
    """One value of a table replaced."""
    content = tables()[table]
    values = np.array(content[column])
    values = values.astype(np.float64) if isinstance(value, float) else values
    values[row] = value
    return {table: {**content, column: values}}


def without(table: str, column: str) -> dict[str, Table]:
    return {table: {key: value for key, value in tables()[table].items() if key != column}}


def rows_of(table: str, part: slice) -> dict[str, Table]:
    return {table: {key: value[part] for key, value in tables()[table].items()}}


def test_hits_off_every_sensor_are_counted(tmp_path: Path) -> None:
    content = tables()["hits"]
    content["module_id"][1] = 9000
    content["volume_id"][2] = 130
    content["layer_id"][3] = -1
    for axis, step in zip("xyz", MODULES.axes[ROWS[4], 2], strict=True):
        content[axis][4] += step  # 1 mm across its sensor
    events = read(save(tmp_path, hits=content))
    assert events.field("dropped_unknown_module").tolist() == [3]
    assert events.field("dropped_off_module").tolist() == [1]
    assert events.hits.rows == 8
    assert events.links.rows == 6
    wide = read(tmp_path, tolerance=1.5)
    assert wide.field("dropped_off_module").tolist() == [0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            changed("hits", "x", 3, np.nan),
            r"'x' must hold a number in each row.*1 rows.*row 3|'x' must be finite.*row 3",
        ),
        (changed("hits", "z", 5, np.inf), "'z' must be finite; got: inf in row 5"),
        (changed("hits", "hit_id", 5, 10), "each 'hit_id' must stand once; got: 10 twice"),
        (changed("hits", "hit_id", 5, 5.5), "readable; got: .*5.5|must hold whole numbers"),
        (without("hits", "module_id"), "must have the columns .*; got: none named module_id"),
        (rows_of("hits", slice(0, 0)), "the event must have hits; got: none"),
        (rows_of("hits", slice(0, 9)), "hit of the event|hits of the event"),
        (rows_of("truth", slice(0, 9)), "each hit must have a row of truth; got: none for 10 and 2 more"),
        (changed("truth", "hit_id", 0, 77), "the truth must speak of hits of the event; got: 77"),
        (changed("truth", "hit_id", 1, 120), "each 'hit_id' must stand once; got: 120 twice"),
        (changed("truth", "particle_id", 4, 99), "a particle of the truth must stand in .*particles.csv; got: 99"),
        (changed("truth", "weight", 4, -0.1), "'weight' must be finite and >= 0; got: -0.1 in row 4"),
        (changed("cells", "hit_id", 4, 11), "each cell must name a hit of the event in 'hit_id'; got: 11"),
        (changed("cells", "value", 4, -1.0), "'value' must be finite and >= 0; got: -1"),
        (changed("cells", "ch1", 4, -1), "'ch1' must be finite and >= 0; got: -1 in row 4"),
        (changed("cells", "ch0", 0, 2**40), "clusters.size_u must fit int32"),
        (changed("truth", "weight", 4, 0.5), "the weights of an event must sum to at most 1; got: 1.3"),
        (changed("particles", "q", 2, 255), "'q' must be a charge, -120 to 120 e; got: 255 in row 2"),
        (changed("particles", "particle_id", 1, 0), "no 'particle_id' may be 0: 0 means noise; got: 0 in row 1"),
        (changed("particles", "particle_type", 1, 9999999999), "particles.pdg must fit int32.*; got: 9999999999"),
        (
            {"truth": tables()["truth"] | {"particle_id": [0] * 12}},
            "must name the particle of a hit; got: none of any hit",
        ),
        (
            {"hits": tables()["hits"] | {axis: tables()["hits"][axis] / 10 for axis in "xyz"}},  # cm
            "a hit of the file must lie in the detector .*none of 12 hits",
        ),
        (changed("particles", "px", 1, np.inf), "'px' must be finite; got: inf in row 1"),
        (changed("particles", "particle_id", 1, 4503668346847232), "each 'particle_id' must stand once"),
        ({"particles": None}, "must have the table 'particles'"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(save(tmp_path, **content))
    assert "event000000007" in str(caught.value)


def test_missing_files_and_other_detectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the folder or event must exist.*event000000009"):
        build(tmp_path / "event000000009").splits()
    with pytest.raises(DataError, match=r"the folder must hold files <event>-hits\.csv"):
        build(tmp_path).splits()
    with pytest.raises(DataError, match="at most 5 hits"):
        read(save(tmp_path), max_hits=5)
    with pytest.raises(ConfigError, match="trackml needs the detector silicon_barrel_endcap"):
        Trackml(Trackml.Config.read({"path": "a"}, where="test"), DETECTORS.build("point_cloud", where="test"))


def complaint(path: Path) -> str:
    """What is said of an event; nothing if it can be read."""
    try:
        read(path)
    except HitforgeError as error:
        return str(error)
    return ""


def test_numbers_of_modules_that_do_not_fit_their_bits_are_no_others(tmp_path: Path) -> None:
    """Volume 264 is not volume 8, nor does a large module reach into the layer."""
    content = tables()["hits"]
    content["volume_id"][0] += 256
    content["layer_id"][1] += 4096
    content["module_id"][2] += 1 << 20
    content["volume_id"][3] -= 256
    events = read(save(tmp_path, hits=content))
    assert events.field("dropped_unknown_module").tolist() == [4]


@pytest.mark.parametrize("codec", ["bz2", "zstd", "lz4"])
def test_no_table_is_lost_by_its_compression(tmp_path: Path, codec: str) -> None:
    path = save(tmp_path)
    ending = {"bz2": "bz2", "zstd": "ZST", "lz4": "lz4"}[codec]
    for name in tables():
        plain = Path(f"{path}-{name}.csv")
        with pa.output_stream(f"{plain}.{ending}", compression=codec) as file:
            file.write(plain.read_bytes())
        plain.unlink()
    events = read(tmp_path)
    assert events.clusters["charge"].sum() == pytest.approx(11.5)
    assert events.links.rows == 10
    assert len(build(tmp_path).inputs()) == 4


@pytest.mark.parametrize("table", ["cells", "truth", "particles", "pixeltruth"])
def test_a_table_that_cannot_be_read_is_not_an_absent_one(tmp_path: Path, table: str) -> None:
    path = save(tmp_path, **({"truth": None} if table == "pixeltruth" else {}))
    plain = Path(f"{path}-{table}.csv")
    plain.unlink(missing_ok=True)
    plain.with_suffix(".csv.xz").touch()
    with pytest.raises(DataError, match=rf"'{table}' of an event must end in one of .*event000000007-{table}\.csv\.xz"):
        read(tmp_path, truth="optional")


@pytest.mark.parametrize("table", ["hits", "cells", "particles", "truth"])
@pytest.mark.parametrize("ending", [".csv", ".csv.gz"])
def test_damaged_files_are_refused_or_physical(tmp_path: Path, table: str, ending: str) -> None:
    path = Path(f"{save(tmp_path, ending=ending)}-{table}{ending}")
    whole, refused = path.read_bytes(), 0
    for content in mutations(whole, 40, seed=len(whole)):
        path.write_bytes(content)
        text = complaint(tmp_path)
        assert not text or "event000000007" in text
        refused += bool(text)
    assert refused > 12
    for end in (1, 9, len(whole) // 2):  # a compressed file that is cut anywhere
        path.write_bytes(whole[:-end])
        if ending == ".csv.gz":
            with pytest.raises(DataError, match=rf"whole and readable; got: .*{path.name}"):
                read(tmp_path)


def real(public_data: Path, event: str) -> Path:
    if not (public_data / "trackml" / f"{event}-hits.csv.gz").exists():
        pytest.skip(f"trackml/{event} is not below HITFORGE_DATA")
    return public_data / "trackml" / event


def check_sensors(events: Events) -> None:
    """Hits lie on their sensors, and u and v bring them back."""
    hits, clusters = events.hits, events.clusters
    row = TRACKER.row(hits["cell"])
    xyz = np.stack([hits[name] for name in "xyz"], axis=1).astype(np.float64)
    at = MODULES.local(row, xyz)
    assert np.abs(at[:, 2]).max() < 0.01
    assert sensor_distance(MODULES, row, at).max() < 0.1  # mm; few clusters end beyond the edge
    back = TRACKER.to_global(hits["cell"], clusters["u"].astype(np.float64), clusters["v"].astype(np.float64))
    np.testing.assert_allclose(back, xyz, atol=0.01)
    assert (np.diff(row) >= 0).all()
    assert np.unique(hits["layer"]).tolist() == list(range(np.unique(hits["layer"]).size))


def test_the_public_small_event(public_data: Path) -> None:
    events = read(real(public_data, "event000000001"))
    check_sensors(events)
    assert events.hits.rows == 5527
    assert events.particles.rows == 548
    assert events.links.rows == 5527 - 829
    assert events.field("dropped_hits").tolist() == [0]
    assert events.clusters["cells"].sum() == 18_564
    assert events.clusters["weight"].sum() == pytest.approx(0.0512628, rel=1e-5)  # a part of an event


def test_cluster_sizes_follow_the_true_direction(public_data: Path) -> None:
    """Channels along u and v are those of the sensor's axes; in end caps sizes are those of twice the thickness."""
    path = real(public_data, "event000000001")
    events = read(path)
    links, hits, clusters = events.links, events.hits, events.clusters
    row = TRACKER.row(hits["cell"][links["hit"]])
    truth, plain = pc.read_csv(f"{path}-truth.csv.gz"), pc.read_csv(f"{path}-hits.csv.gz")
    place = {xyz: i for i, xyz in enumerate(zip(*(np.float32(plain[name]).tolist() for name in "xyz"), strict=True))}
    mine = zip(*(hits[name][links["hit"]].tolist() for name in "xyz"), strict=True)
    index = np.array([place[xyz] for xyz in mine])
    p = np.stack([truth[f"tp{axis}"].to_numpy()[index] for axis in "xyz"], axis=1)
    slope = np.abs(np.einsum("nij,nj->in", MODULES.axes[row], p))
    slope = slope[:2] / slope[2]
    fast = (np.linalg.norm(p, axis=1) > 1.0) & (slope < 8).all(axis=0)
    for volumes, axis, ratio in (((8,), 1, 1.0), ((13,), 1, 0.9), ((7, 9), 1, 1.9), ((12, 14), 0, 1.9)):
        use = fast & np.isin(MODULES.volume[row], volumes)
        pitch = (MODULES.pitch_u, MODULES.pitch_v)[axis][row]
        guess = incidence(clusters[("size_u", "size_v")[axis]][links["hit"]], pitch, MODULES.thickness[row])
        assert (guess * slope[axis])[use].sum() / (slope[axis] ** 2)[use].sum() == pytest.approx(ratio, abs=0.15)


def test_the_public_event_with_pile_up(public_data: Path) -> None:
    events = read(real(public_data, "event000021000"), truth="optional")
    check_sensors(events)
    assert events.hits.rows == 125_576
    assert events.particles.rows == 12_670
    assert events.clusters["cells"].sum() == 431_521
    assert np.isin(events.hits["subsystem"], TRACKER.pixel_volumes).sum() == 66_114
    assert events.links.rows == 66_112 - 3762
    assert events.field("hits_without_truth").tolist() == [125_576 - 66_112]
    assert events.field("truth").tolist() == [1]


def test_module_names_are_those_of_the_public_table(public_data: Path) -> None:
    path = public_data / "trackml" / "detectors.csv.gz"
    if not path.exists():
        pytest.skip("trackml/detectors.csv.gz is not below HITFORGE_DATA")
    content = pc.read_csv(path)
    table = {name: content[name].to_numpy() for name in content.column_names}
    row = TRACKER.row(TRACKER.number_of(*(table[f"{name}_id"] for name in ("volume", "layer", "module"))))
    centre = np.stack([table[f"c{axis}"] for axis in "xyz"], axis=1)
    assert np.linalg.norm(MODULES.centre[row] - centre, axis=1).max() < 0.01


def test_tables_may_be_mixed(tmp_path: Path) -> None:
    save(tmp_path, ending=".csv.gz")
    other = tmp_path / "other"
    other.mkdir()
    save(other, ending=".parquet")
    (tmp_path / "event000000007-truth.csv.gz").unlink()
    shutil.copy(other / "event000000007-truth.parquet", tmp_path)
    assert read(tmp_path).links.rows == 10


def test_true_places_that_are_those_of_other_hits_are_seen(tmp_path: Path) -> None:
    content = tables()
    hits, truth = content["hits"], content["truth"]
    place = {f"t{axis}": hits[axis][::-1].copy() for axis in "xyz"}
    assert read(save(tmp_path, truth=truth | place)).field("far_hits").tolist() == [0]
    one = {name: values + 30.0 * (np.arange(12) == 4) for name, values in place.items()}
    assert read(save(tmp_path, truth=truth | one)).field("far_hits").tolist() == [1]
    others = {name: np.roll(values, 1) for name, values in place.items()}
    assert read(save(tmp_path, truth=truth | others)).field("far_hits").tolist() == [11]  # two lie on one sensor


def test_charges_of_other_particles_and_cells_that_stand_again_are_counted(tmp_path: Path) -> None:
    assert read(save(tmp_path)).field("repeated_cells").tolist() == [0]
    twice = {name: [*values, *values[:4]] for name, values in tables()["cells"].items()}
    events = read(save(tmp_path, cells=twice, **changed("particles", "q", 0, -1)))
    assert events.field("repeated_cells").tolist() == [4]
    assert events.field("other_charges").tolist() == [1]


def test_copies_in_other_formats_are_the_same_events(tmp_path: Path) -> None:
    for name, ending in (("a", ".csv"), ("b", ".csv.gz"), ("c", ".parquet")):
        (tmp_path / name).mkdir()
        save(tmp_path / name, ending=ending)
    for name in "bc":
        with pytest.raises(DataError, match=r"event 0 of '.*/a' and event 0 of '.*', which hold the same hits"):
            read_all(build(tmp_path / "a", tmp_path / name))


def read_all(source: Trackml) -> list[Events]:
    return [source.shard(split, index) for split, shards in source.splits().items() for index in range(shards)]
