from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.detectors import DETECTORS
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Events
from hitforge.readers.acorn import Acorn
from tests.readers.mutations import mutations

CLOUD = DETECTORS.build("point_cloud", where="test")
TRACKER = DETECTORS.build("silicon_barrel_endcap", where="test")
assert isinstance(TRACKER, SiliconBarrelEndcap)
MODULES = TRACKER.modules
ROWS = np.array([9000, 4000, 100, 100, 17000])  # of each hit's sensor
U, V = np.array([1.0, 3.0, -2.0, -2.0, 4.0]), np.array([5.0, -6.0, 7.0, 7.0, 9.0])
Table = dict[str, Any]


def tables(geometry: str = "names") -> dict[str, Table]:
    """Hits 1, 2, 3 (twice, of two particles) and noise; regions are words."""
    number = MODULES.number[ROWS]
    xyz = TRACKER.to_global(number, U, V)
    names = dict(zip(("volume_id", "layer_id", "module_id"), TRACKER.names_of(number), strict=True))
    where = {"names": names, "ids": {"geometry_id": number}, "none": {}}[geometry]
    truth = {"hit_id": [1, 2, 3, 3, 4], **dict(zip("xyz", xyz.T, strict=True)), **where}
    truth |= {"particle_id": [70, 70, 70, 80, 0], "cell_count": [1, 2, 3, 3, 4], "cell_val": [0.5, 1, 1.5, 1.5, 2]}
    truth |= {"weight": [0.25, 0.5, 0.25, 0.25, 0], "region": ["barrel"] * 5}
    particles = {"particle_id": [70, 80], "vx": [0.1, 0.2], "vy": [0.3, 0.4], "vz": [0.5, 0.6], "px": [3.0, 0]}
    particles |= {"py": [0.0, 1], "pz": [4.0, 0], "q": [1, -1], "particle_type": [211, 13], "pt": [3.0, 1]}
    return {"truth": truth, "particles": particles}


def save(folder: Path, event: str = "event000000005", geometry: str = "names", **changed: Table | None) -> Path:
    for name, table in {**tables(geometry), **changed}.items():
        if table is not None:
            pc.write_csv(
                pa.table({key: pa.array(value) for key, value in table.items()}), folder / f"{event}-{name}.csv"
            )
    return folder


def read(path: Path, detector: Any = TRACKER, **values: Any) -> Events:
    reader = Acorn(Acorn.Config.read({"path": str(path), **values}, where="test"), detector)
    return reader.shard("test", 0).check()


@pytest.mark.parametrize("geometry", ["names", "ids"])
def test_hits_on_sensors_and_their_particles_are_found_again(tmp_path: Path, geometry: str) -> None:
    events = read(save(tmp_path, geometry=geometry))
    assert events.hits["cell"].tolist() == MODULES.number[[100, 4000, 9000, 17000]].tolist()
    assert events.hits["layer"].tolist() == MODULES.layer[[100, 4000, 9000, 17000]].tolist()
    np.testing.assert_allclose(events.clusters["u"], U[[2, 1, 0, 4]], atol=1e-3)
    assert events.clusters["cells"].tolist() == [3, 2, 1, 4]
    assert events.clusters["charge"].tolist() == [1.5, 1, 0.5, 2]
    assert events.clusters["weight"].tolist() == [0.25, 0.5, 0.25, 0]
    check_truth(events, [0, 0, 1, 2])


def check_truth(events: Events, hits: list[int]) -> None:
    assert events.links["hit"].tolist() == hits
    first = events.links["hit"] == hits[0]
    shared = np.bincount(events.links["hit"])[events.links["hit"]] == 2
    assert first.any()
    assert events.links["particle"][shared].tolist() == [0, 1]
    assert events.links["weight"][shared].tolist() == [0.5, 0.5]
    assert (events.links["weight"][~shared] == 1).all()
    assert events.particles["pdg"].tolist() == [211, 13]
    assert events.particles["charge"].tolist() == [1, -1]
    np.testing.assert_allclose(events.particles["energy"], [5.001947, 1.005567], rtol=1e-6)
    np.testing.assert_allclose(events.particles["vz"], [0.5, 0.6], rtol=1e-6)
    assert events.field("truth").tolist() == [2]
    assert events.field("event_number").tolist() == [5]


def test_hits_without_a_known_geometry_are_points(tmp_path: Path) -> None:
    events = read(save(tmp_path), CLOUD)
    check_truth(events, [0, 1, 2, 2])
    volume, layer, module = TRACKER.names_of(MODULES.number[ROWS[[0, 1, 2, 4]]])
    assert events.hits["subsystem"].tolist() == volume.tolist()
    assert events.hits["layer"].tolist() == layer.tolist()
    assert events.hits["cell"].tolist() == module.tolist()
    save(tmp_path, geometry="none")
    assert (read(tmp_path, CLOUD).hits["cell"] == 0).all()
    with pytest.raises(DataError, match=r"must have the columns geometry_id or volume_id.*point_cloud"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["particle_type", "pdgId", "pdg_id", "pdg"])
def test_a_charge_that_no_column_tells_is_that_of_the_kind(tmp_path: Path, name: str) -> None:
    kept = {key: value for key, value in tables()["particles"].items() if key not in ("q", "particle_type")}
    events = read(save(tmp_path, particles=kept | {name: [-211, 99]}))
    assert events.particles["charge"].tolist() == [-1, 0]
    assert events.particles["pdg"].tolist() == [-211, 99]
    counts = {"unknown_charges": 1, "unknown_kinds": 0, "unknown_vertices": 0}
    assert {key: int(events.field(key)[0]) for key in counts} == counts
    assert all(events.info[key].loss == "sum" for key in counts)
    message = r"must have a charge \(q, charge\) or a kind \(particle_type, .*; got: only particle_id, .*particles\.csv"
    with pytest.raises(DataError, match=message):
        read(save(tmp_path, particles=kept))


def test_particles_without_kind_or_vertex_are_counted(tmp_path: Path) -> None:
    kept = {key: value for key, value in tables()["particles"].items() if key not in ("vx", "particle_type")}
    events = read(save(tmp_path, particles=kept))
    assert events.field("unknown_kinds").tolist() == events.field("unknown_vertices").tolist() == [2]
    assert events.field("unknown_charges").tolist() == [0]
    assert read(save(tmp_path)).field("unknown_vertices").tolist() == [0]


def test_noise_takes_its_share(tmp_path: Path) -> None:
    truth = tables()["truth"]
    truth["particle_id"][3] = 0
    events = read(save(tmp_path, truth=truth))
    assert events.links["particle"].tolist() == [0, 0, 0]
    assert events.links["weight"].tolist() == [0.5, 1, 1]
    assert events.field("hits_without_cells").tolist() == [0]


def test_ids_of_both_signs_are_one_number(tmp_path: Path) -> None:
    """One tool writes an id without a sign, another with one."""
    truth, particles = tables()["truth"], tables()["particles"]
    truth["particle_id"] = np.array([2**64 - 5, 70, 70, 70, 0], np.uint64)
    particles["particle_id"] = [70, -5]
    assert read(save(tmp_path, truth=truth, particles=particles)).links["particle"].tolist() == [0, 0, 1]


def test_momenta_in_other_coordinates_and_units(tmp_path: Path) -> None:
    particles = tables()["particles"]
    for name in ("px", "py", "pz"):
        del particles[name]
    with pytest.raises(DataError, match="must have the columns px, py, pz or pt, eta, phi"):
        read(save(tmp_path, particles=particles))
    particles |= {"pt": [3000.0, 1000], "eta": [np.arcsinh(4 / 3), 0], "phi": [0, np.pi / 2]}
    check_truth(read(save(tmp_path, particles=particles), momentum_scale=1e-3), [0, 0, 1, 2])


def test_events_without_particles_are_read_on_demand(tmp_path: Path) -> None:
    save(tmp_path, particles=None)
    with pytest.raises(DataError, match="must have the table 'particles'"):
        read(tmp_path)
    events = read(tmp_path, truth="optional")
    assert (events.field("truth").tolist(), events.links.rows, events.hits.rows) == ([0], 0, 4)
    assert sorted(read(tmp_path, truth="none").collections) == ["clusters", "hits"]


def test_hits_off_every_sensor_are_counted(tmp_path: Path) -> None:
    truth = tables()["truth"]
    truth["module_id"][0] = 9000
    truth["x"][1] += 40
    events = read(save(tmp_path, truth=truth))
    assert events.field("dropped_unknown_module").tolist() == [1]
    assert events.field("dropped_off_module").tolist() == [1]
    assert (events.hits.rows, events.links.rows) == (2, 2)
    with pytest.raises(DataError, match=r"a hit of the file must lie in the detector .*none of 4 hits: x from 0 to 0"):
        read(save(tmp_path, truth=truth | {"x": [0.0] * 5}))


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("ending", [".pyg", ".pt", ".pkl"])
def test_pickles_are_refused_and_never_opened(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    path = folder / f"event000000005-graph{ending}"
    path.write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    for place in (path, folder):
        with pytest.raises(DataError, match=r"a pickle can run code.*event000000005-graph.*event>-truth\.csv"):
            read(place)
    assert read(save(folder)).hits.rows == 4  # tables beside it are read
    assert not (tmp_path / "sprung").exists()


def replaced(table: str, column: str, row: int, value: Any) -> dict[str, Table]:
    content = tables()[table]
    values = np.array(content[column])
    values = values.astype(np.float64) if isinstance(value, float) else values
    values[row] = value
    return {table: {**content, column: values}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (replaced("truth", "x", 1, np.nan), "'x' must (be finite|hold a number)"),
        (
            replaced("truth", "x", 3, 1.0),
            "all rows of a hit must have one place and one cluster; got: another x of hit 3 in row 3",
        ),
        (replaced("truth", "particle_id", 3, 81), r"a particle of the truth must stand in .*particles\.csv; got: 81"),
        (replaced("particles", "particle_id", 1, 70), "each 'particle_id' must stand once"),
        (replaced("particles", "vx", 1, np.inf), "'vx' must be finite; got: inf"),
        (replaced("particles", "q", 1, 255), "'q' must be a charge, -120 to 120 e; got: 255 in row 1"),
        (replaced("particles", "particle_id", 1, 0), "no 'particle_id' may be 0: 0 means noise; got: 0 in row 1"),
        (replaced("particles", "particle_type", 1, 9999999999), "particles.pdg must fit int32.*; got: 9999999999"),
        (replaced("truth", "particle_id", 1, -1), r"must stand in .*particles\.csv; got: -1 and 0 more"),
        (replaced("particles", "pt", 0, 3000.0), "px, py and pt must agree, in one unit; got: 3 and 3000 in row 0"),
        (replaced("truth", "cell_count", 3, 4), "all rows of a hit must have one place and one cluster; .*cell_count"),
        (replaced("truth", "cell_count", 0, -1), "'cell_count' must be finite and >= 0; got: -1 in row 0"),
        (
            {"particles": tables()["particles"] | {"pdgId": [211, 11]}},
            "'particle_type' and 'pdgId' must be the same; got: 13 and 11 in row 1",
        ),
        ({"truth": tables()["truth"] | {"particle_id": [0] * 5}}, "name the particle of a hit; got: none of any hit"),
        (
            {"truth": tables("ids")["truth"] | {"volume_id": [8, 8, 8, 8, 8]}},
            "'volume_id' must be that of 'geometry_id'; got: 8 for 936749272248959744, which holds 13",
        ),
        ({"truth": {key: values[:0] for key, values in tables()["truth"].items()}}, "the event must have hits"),
        ({"truth": {"hit_id": [1], "x": [0.0]}}, "got: none named y, z, particle_id"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(save(tmp_path, **content))
    assert "event000000005" in str(caught.value)


def complaint(path: Path) -> str:
    """What is said of an event; nothing if it can be read."""
    try:
        read(path)
    except HitforgeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("table", ["truth", "particles"])
def test_damaged_files_are_refused_or_physical(tmp_path: Path, table: str) -> None:
    path = save(tmp_path) / f"event000000005-{table}.csv"
    whole, refused = path.read_bytes(), 0
    for content in mutations(whole, 60, seed=len(whole)):
        path.write_bytes(content)
        text = complaint(tmp_path)
        assert not text or "event000000005" in text
        refused += bool(text)
    assert refused > 15


def test_missing_files_and_other_detectors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder or event must exist"):
        read(tmp_path / "event000000009")
    with pytest.raises(DataError, match=r"the folder must hold files <event>-truth\.csv"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="acorn needs the detector silicon_barrel_endcap or point_cloud"):
        read(tmp_path, DETECTORS.build("pixel_grid", where="test"))


def test_columns_of_particles_that_contradict_each_other_are_counted(tmp_path: Path) -> None:
    right = {"eta": np.arcsinh([4 / 3, 0.0]), "phi": [2 * np.pi, np.pi / 2]}
    for change, directions, charges in (
        (right, 0, 0),
        (right | {"q": [-1, 1]}, 0, 2),
        (right | {"eta": [-1.0, 0.0]}, 1, 0),
        (right | {"phi": [0.0, 0.1]}, 1, 0),
    ):
        events = read(save(tmp_path, particles=tables()["particles"] | change))
        assert events.field("other_directions").tolist() == [directions]
        assert events.field("other_charges").tolist() == [charges]
    degrees = tables()["particles"] | {"phi": [0.0, 90.0]}
    with pytest.raises(DataError, match=r"'phi' must be an angle \[rad\]; got: 90 in row 1, and 0 more such rows"):
        read(save(tmp_path, particles=degrees))


def test_layers_are_those_of_the_geometry_ids(tmp_path: Path) -> None:
    volume, layer, _ = TRACKER.names_of(MODULES.number[ROWS])
    names = {"volume_id": volume, "layer_id": layer}
    assert read(save(tmp_path, geometry="ids", truth=tables("ids")["truth"] | names)).hits.rows == 4
    with pytest.raises(DataError, match=r"'layer_id' must be that of 'geometry_id'; got: 10 for \d+, which holds 8"):
        read(save(tmp_path, geometry="ids", truth=tables("ids")["truth"] | {"layer_id": layer + 2}))


def test_momenta_beyond_all_numbers_are_no_warning(tmp_path: Path) -> None:
    particles = tables()["particles"] | {"px": [1e300, 0.0], "pt": [1e300, 1.0], "eta": [0.0, 0.0]}
    with pytest.raises(DataError, match=r"particles\.(px|energy) must"):
        read(save(tmp_path, particles=particles))
