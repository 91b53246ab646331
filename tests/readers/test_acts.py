from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError
from hitforge.core.units import C_LIGHT
from hitforge.detectors import DETECTORS, TrackerDetector
from hitforge.events import Events
from hitforge.readers._surfaces import read_surfaces
from hitforge.readers.acts import Acts
from tests.readers.mutations import mutations

CLOUD = DETECTORS.build("point_cloud", where="test")
TRACKER = DETECTORS.build("silicon_barrel_endcap", where="test")
assert isinstance(TRACKER, TrackerDetector)
MODULES = TRACKER.modules
ROWS = np.array([4000, 9000, 9000, 17, 12000])  # of each measurement's sensor
U, V = np.array([1.0, 3.0, -2.0, 0.5, 4.0]), np.array([5.0, -6.0, 7.0, 0.0, 9.0])
Table = dict[str, Any]
_KEYS = [f"particle_id_{part}" for part in ("pv", "sv", "part", "gen", "subpart")]


def tables(five: bool = True) -> dict[str, Table]:
    """Measurements of one particle, of two, of none (noise: hit 5 has no row), of a known and an unknown one."""
    key = np.array([[1, 0, 1, 0, 0], [1, 0, 2, 0, 0], [1, 0, 2, 1, 0]])

    def named(rows: list[int]) -> Table:
        if five:
            return dict(zip(_KEYS, key[rows].T, strict=True))
        return {"particle_id": np.array([2**52 + 7, 2**52 + 9, 2**63 + 1], np.uint64)[rows]}

    cells = {"geometry_id": MODULES.number[ROWS[[1, 1, 0]]], "channel0": [4, 6, 1], "channel1": [2, 2, 1]}
    return {
        "measurements": {
            "measurement_id": [7, 8, 9, 10, 11],
            "geometry_id": MODULES.number[ROWS],
            "local_key": [6] * 5,
            "local0": U,
            "local1": V,
            "var_local0": [0.0004, 0.0, -1.0, 0.01, 0.01],
            "var_local1": [0.0009, 0.0, -1.0, 0.01, 0.01],
        },
        "measurement-simhit-map": {"measurement_id": [7, 8, 8, 9, 10, 10], "hit_id": [0, 1, 2, 5, 3, 4]},
        "hits": {**named([0, 0, 1, 1, 1, 2]), "tx": np.zeros(6)},
        "cells": {**cells, ("measurement_id" if five else "hit_id"): [8, 8, 7], "value": [0.5, 0.25, 1.0]},
        "particles_simulated": {
            **named([0, 1]),
            "particle_type": [13, -211],
            **dict(zip(("vx", "vy", "vz"), np.arange(6.0).reshape(3, 2), strict=True)),
            "vt": [C_LIGHT, 0.0],
            "px": [3.0, 0],
            "py": [0.0, 1],
            "pz": [4.0, 0],
            "m": [0.105658, 0.13957],
            "q": [-1, -1],
        },
    }


def save(folder: Path, event: str = "event000000003", ending: str = ".csv", **changed: Any) -> Path:
    """Write an event; a table that is None is left out."""
    folder.mkdir(exist_ok=True)
    changed = {name.replace("_simhit_", "-simhit-"): table for name, table in changed.items()}
    for name, table in {**tables(), **changed}.items():
        if table is not None:
            content = pa.table({key: pa.array(value) for key, value in table.items()})
            write = pq.write_table if ending == ".parquet" else pc.write_csv
            write(content, folder / f"{event}-{name}{ending}")
    return folder / event


def build(path: Path | str, detector: Any = TRACKER, **values: Any) -> Acts:
    return Acts(Acts.Config.read({"path": str(path), **values}, where="test"), detector)


def read(path: Path | str, detector: Any = TRACKER, **values: Any) -> Events:
    return build(path, detector, **values).shard("test", 0).check()


def check(events: Events, lengths: bool) -> None:
    order = np.lexsort((U, ROWS))
    np.testing.assert_array_equal(events.hits["cell"], MODULES.number[ROWS[order]])
    np.testing.assert_array_equal(events.hits["layer"], MODULES.layer[ROWS[order]])
    xyz = np.stack([events.hits[name] for name in "xyz"], axis=1)
    np.testing.assert_allclose(xyz, TRACKER.to_global(MODULES.number[ROWS], U, V)[order], atol=1e-3)
    clusters = events.clusters
    np.testing.assert_array_equal(clusters["u"], U[order].astype(np.float32))
    np.testing.assert_allclose(clusters["sigma_u"], np.array([0.02, 0, 0, 0.1, 0.1])[order], rtol=1e-6)
    assert clusters["size_u"].tolist() == np.array([1, 3, 0, 0, 0])[order].tolist()
    assert clusters["charge"].tolist() == np.array([1, 0.75, 0, 0, 0])[order].tolist()
    links = events.links
    found = {
        (int(order[h]), int(p)): w for h, p, w in zip(links["hit"], links["particle"], links["weight"], strict=True)
    }
    assert found == {(0, 0): 1.0, (1, 0): 0.5, (1, 1): 0.5, (3, 1): 1.0}
    assert events.field("unlinked_hits").tolist() == [1]
    assert events.field("hits_without_truth").tolist() == [1]
    assert events.field("hits_without_cells").tolist() == [3]
    assert events.field("unmeasured_v").tolist() == [0]
    assert events.particles["time"].tolist() == pytest.approx([1.0 if lengths else C_LIGHT, 0])
    np.testing.assert_allclose(events.particles["energy"], [5.001116, 1.009693], rtol=1e-5)
    assert events.particles["pdg"].tolist() == [13, -211]


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
@pytest.mark.parametrize("five", [True, False])
def test_measurements_and_truth_are_found_again(tmp_path: Path, ending: str, five: bool) -> None:
    changed = tables(five)
    changed["simhits"] = changed.pop("hits")  # the name in other versions
    check(read(save(tmp_path, ending=ending, hits=None, **changed)), lengths=five)


def test_truth_may_stand_under_another_prefix(tmp_path: Path) -> None:
    shared = ("hits", "particles_simulated")
    save(tmp_path, "exact_event000000003")
    save(tmp_path, "geometric_event000000003", **dict.fromkeys(shared))
    check(read(tmp_path / "geometric_event000000003"), lengths=True)
    before = build(tmp_path / "geometric_event000000003").inputs()
    assert len(before) == 5
    with (tmp_path / "exact_event000000003-hits.csv").open("a") as file:
        file.write(",".join("000000") + "\n")
    assert build(tmp_path / "geometric_event000000003").inputs() != before  # so that it is another sample
    save(tmp_path, "other_event000000003")
    with pytest.raises(DataError, match=r"one table .hits. must belong to the event; got: exact_.*, other_"):
        read(tmp_path / "geometric_event000000003")


def test_particles_of_another_simulation_are_not_taken(tmp_path: Path) -> None:
    """Another prefix with other simulated hits of its own is another simulation."""
    mine = tables()
    others = mine["particles_simulated"] | {"particle_type": [211, 13]}
    save(tmp_path, "b_event000000003", particles_simulated=others, hits=mine["hits"] | {"tx": np.ones(6)})
    path = save(tmp_path, "a_event000000003", particles_simulated=None)
    with pytest.raises(DataError, match="must have the table 'particles_simulated'"):
        read(path)
    save(tmp_path, "a_event000000003", particles_simulated=None, particles_initial=mine["particles_simulated"])
    check(read(path), lengths=True)


def test_hits_and_maps_of_another_prefix_are_not_taken(tmp_path: Path) -> None:
    """An event's own table goes before another's, whatever its name; a map speaks of its own measurements."""
    save(tmp_path, "b_event000000003", hits=tables()["hits"] | {"particle_id_part": [2] * 6})
    path = save(tmp_path, "a_event000000003", hits=None, simhits=tables()["hits"])
    check(read(path), lengths=True)
    Path(f"{path}-measurement-simhit-map.csv").unlink()
    with pytest.raises(DataError, match="must have the table 'measurement-simhit-map'"):
        read(path)


def test_particles_beside_the_same_simulated_hits_are_taken(tmp_path: Path) -> None:
    path = save(tmp_path, "a_event000000003", particles_simulated=None)
    save(tmp_path, "b_event000000003")
    check(read(path), lengths=True)


def test_events_without_truth_are_read_on_demand(tmp_path: Path) -> None:
    save(tmp_path, measurement_simhit_map=None, hits=None, particles_simulated=None)
    with pytest.raises(DataError, match=r"must have the table 'measurement-simhit-map'.*truth: none"):
        read(tmp_path)
    events = read(tmp_path, truth="optional")
    assert (events.field("truth").tolist(), events.links.rows, events.hits.rows) == ([0], 0, 5)
    assert sorted(read(tmp_path, truth="none").collections) == ["clusters", "hits"]


def test_another_table_of_particles_can_be_named(tmp_path: Path) -> None:
    one = {name: values[1:] for name, values in tables()["particles_simulated"].items()}
    events = read(save(tmp_path, particles_selected=one), particles="particles_selected")
    assert events.particles["pdg"].tolist() == [-211]
    assert events.field("unlinked_hits").tolist() == [3]
    save(tmp_path, particles_simulated=None)
    (tmp_path / "event000000003-particles_simulated.csv").unlink()
    with pytest.raises(DataError, match="must have the table 'particles_simulated'"):
        read(tmp_path)


def replaced(table: str, column: str, row: int, value: Any) -> dict[str, Table]:
    content = tables()[table]
    values = np.array(content[column])
    values = values.astype(np.float64) if isinstance(value, float) else values
    values[row] = value
    return {table.replace("-simhit-", "_simhit_"): {**content, column: values}}


def test_strips_that_measure_one_coordinate_are_counted(tmp_path: Path) -> None:
    one = tables()["measurements"] | {"local1": [0.0] * 5}
    events = read(save(tmp_path, measurements=one))
    assert events.field("unmeasured_v").tolist() == [1]  # of the others a variance is given


def test_measurements_on_unknown_sensors_are_counted(tmp_path: Path) -> None:
    events = read(save(tmp_path, cells=None, **replaced("measurements", "geometry_id", 1, 5)))
    assert events.field("dropped_unknown_module").tolist() == [1]
    assert (events.hits.rows, events.links.rows) == (4, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (replaced("measurements", "local0", 1, np.nan), "'local0' must (be finite|hold a number)"),
        (replaced("measurements", "measurement_id", 1, 7), "each 'measurement_id' must stand once; got: 7 twice"),
        (
            {"measurements": {k: v[:0] for k, v in tables()["measurements"].items()}},
            "must have measurements; got: none",
        ),
        (replaced("measurement-simhit-map", "hit_id", 1, 6), "'hit_id' must be a row of .*hits.csv; got: 6"),
        (replaced("measurement-simhit-map", "hit_id", 1, -1), "'hit_id' must be a row of .*hits.csv; got: -1"),
        (
            replaced("measurement-simhit-map", "measurement_id", 1, 99),
            "must speak of measurements of the event; got: 99",
        ),
        (
            replaced("cells", "measurement_id", 1, 99),
            "each cell must name a measurement .* in 'measurement_id'; got: 99",
        ),
        (replaced("particles_simulated", "m", 1, np.inf), "'m' must be finite; got: inf"),
        (replaced("particles_simulated", "particle_id_part", 1, 1), "each 'particle_id' must stand once"),
        ({"particles_simulated": tables(False)["particles_simulated"]}, "hits and particles must name particles alike"),
        (replaced("particles_simulated", "q", 1, 255), "'q' must be a charge, -120 to 120 e; got: 255 in row 1"),
        (
            replaced("cells", "geometry_id", 1, int(MODULES.number[0])),
            "a cell and its measurement must have one 'geometry_id'; got: others in 1 of 3 rows, the first is row 1",
        ),
        (replaced("cells", "channel0", 1, -1), "'channel0' must be finite and >= 0; got: -1"),
        (replaced("measurement-simhit-map", "hit_id", 1, 2), "each row of the map must stand once; got: .*8 and hit 2"),
        (
            {"hits": {**tables()["hits"], "geometry_id": MODULES.number[ROWS[[0, 1, 1, 3, 4, 2]]]}},
            "must have one 'geometry_id'; got: others in 1 of 6 rows, the first is row 5",
        ),
        (
            {"measurements": {**tables()["measurements"], "geometry_id": [5] * 5}, "cells": None},
            "a hit of the file must lie in the detector .*none of 5 hits: volume from 0 to 0",
        ),
        (
            {"hits": {**tables()["hits"], "particle_id_sv": [7] * 6}},
            "must name the particle of a hit; got: none of any hit",
        ),
        ({"hits": {"tx": [1.0] * 6}}, "must have the columns particle_id or particle_id_pv"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(save(tmp_path, **content))
    assert "event000000003" in str(caught.value)


def complaint(path: Path) -> str:
    """What is said of an event; nothing if it can be read."""
    try:
        read(path)
    except HitforgeError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("table", list(tables()))
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_damaged_files_are_refused_or_physical(tmp_path: Path, table: str, ending: str) -> None:
    path = Path(f"{save(tmp_path, ending=ending)}-{table}{ending}")
    whole, refused = path.read_bytes(), 0
    for content in mutations(whole, 20, seed=len(whole)):
        path.write_bytes(content)
        text = complaint(tmp_path)
        assert not text or "event000000003" in text
        refused += bool(text)
    assert refused > 4


def hashes(hits: list[int], table: list[int]) -> dict[str, Table]:
    """Numbers beside the five columns."""
    content = tables()
    return {
        "hits": content["hits"] | {"particle_id": hits},
        "particles_simulated": content["particles_simulated"] | {"particle_id": table},
    }


def test_particles_are_found_by_whichever_key_matches(tmp_path: Path) -> None:
    """Versions make other numbers of the same five columns."""
    check(read(save(tmp_path, **hashes([95, 95, 96, 96, 96, 97], [5, 6]))), lengths=True)
    check(read(save(tmp_path, **hashes([5, 5, 6, 6, 6, 7], [5, 6]))), lengths=True)
    only = hashes([5, 5, 6, 6, 6, 7], [5, 6])
    only["hits"] |= {"particle_id_pv": [9] * 6}
    check(read(save(tmp_path, **only)), lengths=True)
    message = r"'particle_id' and the columns .* must name one particle; got: rows 0 and 1 of .* for row 0"
    with pytest.raises(DataError, match=message):
        read(save(tmp_path, **hashes([6, 6, 5, 5, 5, 7], [5, 6])))


def test_ids_are_those_of_their_columns_or_else_rows(tmp_path: Path) -> None:
    turned = {name: np.asarray(values)[::-1] for name, values in tables()["hits"].items()}
    check(read(save(tmp_path, hits=turned | {"hit_id": np.arange(6)[::-1]})), lengths=True)
    far = tables()["measurement-simhit-map"]
    check(
        read(
            save(
                tmp_path,
                hits=turned | {"hit_id": np.arange(6)[::-1] + 100},
                measurement_simhit_map=far | {"hit_id": np.array(far["hit_id"]) + 100},
            )
        ),
        lengths=True,
    )
    with pytest.raises(DataError, match=r"'hit_id' must be one of the column 'hit_id' of .*hits\.csv; got: 100"):
        read(
            save(
                tmp_path,
                hits=turned | {"hit_id": np.arange(6)[::-1]},
                measurement_simhit_map={
                    "measurement_id": far["measurement_id"],
                    "hit_id": np.array(far["hit_id"]) + 100,
                },
            )
        )
    with pytest.raises(DataError, match="each 'hit_id' must stand once"):
        read(save(tmp_path, hits=turned | {"hit_id": [1] * 6}))
    rows = {name: values for name, values in tables()["measurements"].items() if name != "measurement_id"}
    cells = tables()["cells"]
    by_row = {
        name: {**table, "measurement_id": np.array(table["measurement_id"]) - 7}
        for name, table in (("cells", cells), ("measurement_simhit_map", far))
    }
    check(read(save(tmp_path, measurements=rows, **by_row)), lengths=True)


def test_volumes_above_127_are_volumes(tmp_path: Path) -> None:
    """An id is a number without a sign; some write it with one."""
    number = np.array([volume << 56 | 2 << 36 | 1 << 8 for volume in (130, 1, 127, 255)], np.uint64)
    table = {name: np.asarray(values)[[0] * 4] for name, values in surfaces().items()}
    table |= {"geometry_id": number, "cz": np.arange(4.0) * 10, "volume_id": [130, 1, 127, 255]}
    pc.write_csv(pa.table(table), tmp_path / "surfaces.csv")
    flat = {"local0": [1.0] * 4, "local1": [2.0] * 4, "var_local0": [1.0] * 4, "var_local1": [1.0] * 4}
    path = save(
        tmp_path / "events",
        measurements={"measurement_id": [7, 8, 9, 10], "geometry_id": number.view(np.int64), **flat},
        cells=None,
    )
    (tmp_path / "events" / "event000000003-cells.csv").unlink(missing_ok=True)
    events = read(path, CLOUD, surfaces=str(tmp_path / "surfaces.csv"))
    assert events.hits["subsystem"].tolist() == [1, 127, 130, 255]
    assert events.hits["layer"].tolist() == [0, 1, 2, 3]
    assert events.hits["z"].tolist() == [10, 20, 0, 30]
    assert CLOUD.is_cell(events.hits["cell"]).all()
    pc.write_csv(pa.table(table | {"volume_id": [2, 1, 127, 255]}), tmp_path / "surfaces.csv")
    with pytest.raises(
        DataError, match=r"'volume_id' must be that of 'geometry_id'; got: 2 for 93\d*, which holds 130"
    ):
        read(path, CLOUD, surfaces=str(tmp_path / "surfaces.csv"))


@pytest.mark.parametrize("ending", [".csv.xz", ".PARQUET.gz"])
@pytest.mark.parametrize("table", ["cells", "measurement-simhit-map", "hits", "particles_simulated"])
def test_a_table_that_cannot_be_read_is_not_an_absent_one(tmp_path: Path, table: str, ending: str) -> None:
    path = save(tmp_path)
    Path(f"{path}-{table}.csv").rename(f"{path}-{table}{ending}")
    with pytest.raises(DataError, match=rf"'{table}' of an event must end in one of .*event000000003-{table}"):
        read(tmp_path, truth="optional")
    Path(f"{path}-{table}{ending}").rename(tmp_path / f"other_event000000003-{table}{ending}")
    if table != "cells":  # which belong to one digitisation
        with pytest.raises(
            DataError, match=rf"'{table}' of an event must end in one of .*other_event000000003-{table}"
        ):
            read(path, truth="optional")


def test_a_name_is_never_a_pattern(tmp_path: Path) -> None:
    save(tmp_path, "a?_event000000003")
    save(tmp_path, "ab_event000000003")
    check(read(tmp_path / "a?_event000000003"), lengths=True)
    assert len(build(tmp_path / "a?_event000000003").inputs()) == 5


def test_other_detectors_are_refused() -> None:
    for detector, values in ((CLOUD, {}), (TRACKER, {"surfaces": "a.csv"})):
        with pytest.raises(ConfigError, match="acts needs point_cloud with 'surfaces', or a tracker"):
            build("a", detector, **values)


def surfaces() -> Table:
    """A rectangle, a trapezoid and a surface that is not sensitive."""
    return {
        "geometry_id": [8 << 56 | 4 << 36 | 1 << 8, 7 << 56 | 2 << 36 | 9 << 8, 8 << 56 | 4 << 36],
        **dict(zip(("cx", "cy", "cz"), np.arange(9.0).reshape(3, 3), strict=True)),
        **{f"rot_{a}{b}": [float(i == j)] * 3 for i, a in enumerate("xyz") for j, b in enumerate("uvw")},
        "bounds_type": [6, 7, 1],
        "bound_param0": [-8.4, 10.0, 0],
        "bound_param1": [-36.0, 12.0, 0],
        "bound_param2": [8.4, 30.0, 0],
        "bound_param3": [36.0, -1.0, 0],
        **{name: [-1.0, 0.05, -1.0] for name in ("module_t", "pitch_u", "pitch_v")},
    }


def test_surfaces_become_sensors(tmp_path: Path) -> None:
    pc.write_csv(pa.table(surfaces()), tmp_path / "detectors.csv")
    modules = read_surfaces(tmp_path / "detectors.csv")
    assert modules.volume.tolist() == [7, 8]
    assert modules.layer.tolist() == [0, 1]
    assert modules.half_u_low.tolist() == [10, 8.4]
    assert modules.half_u_high.tolist() == [12, 8.4]
    assert modules.half_v.tolist() == [30, 36]
    assert modules.pitch_u.tolist() == [0.05, 0]
    assert modules.centre.tolist() == [[1, 4, 7], [0, 3, 6]]
    for change, message in (
        ({"geometry_id": [1, 2, 3]}, "must have sensitive surfaces; got: none of 3"),
        ({"geometry_id": [256, 256, 3]}, "each 'geometry_id' must stand once"),
        ({"cx": [0.0, np.inf, 0]}, "'cx' must be finite"),
    ):
        pc.write_csv(pa.table(surfaces() | change), tmp_path / "bad.csv")
        with pytest.raises(DataError, match=message):
            read_surfaces(tmp_path / "bad.csv")


@pytest.mark.parametrize(
    ("kind", "hits", "cells", "far"), [("exact", 11_862, 0, 2e-4), ("geometric", 10_907, 22_928, 0.8)]
)
def test_the_public_muons_of_the_open_data_detector(
    public_data: Path, kind: str, hits: int, cells: int, far: float
) -> None:
    folder = public_data / "acts_odd"
    if not (folder / "detectors.parquet").exists():
        pytest.skip("acts_odd is not below HITFORGE_DATA")
    path = folder / f"{kind}_event000000000"
    events = read(path, CLOUD, surfaces=str(folder / "detectors.parquet"))
    assert events.hits.rows == events.links.rows == hits
    assert events.particles.rows == 1000
    assert events.clusters["cells"].sum() == cells
    assert np.unique(events.hits["layer"]).tolist() == list(range(48))
    assert set(np.abs(events.particles["pdg"])) == {13}
    # the hits lie where the simulated ones do, in any order: by sensor and place
    truth = pq.read_table(folder / "exact_event000000000-hits.parquet")
    row = pq.read_table(f"{path}-measurement-simhit-map.parquet")["hit_id"].to_numpy()
    true = np.stack([truth[f"t{axis}"].to_numpy()[row] for axis in "xyz"], axis=1)
    owner = truth["particle_id"].to_numpy()[row]
    table = pq.read_table(f"{path}-measurements.parquet")
    geometry, u = table["geometry_id"].to_numpy(), table["local0"].to_numpy()
    order = np.lexsort((table["local1"].to_numpy(), u, geometry))
    xyz = np.stack([events.hits[axis] for axis in "xyz"], axis=1)
    assert np.linalg.norm(xyz - true[order], axis=1).max() < far
    ids = pq.read_table(folder / "exact_event000000000-particles_initial.parquet")["particle_id"].to_numpy()
    np.testing.assert_array_equal(ids[events.links["particle"]], owner[order])


def test_what_acts_itself_writes_is_read(tmp_path: Path) -> None:
    import json

    import acts
    from acts import examples
    from acts.examples import simulation as steps

    error = [
        {"index": 0, "mean": 0.0, "stddev": 0.02, "type": "Gauss"},
        {"index": 1, "mean": 0.0, "stddev": 0.3, "type": "Gauss"},
    ]
    smear = {
        "acts-geometry-hierarchy-map": {"format-version": 0, "value-identifier": "digitization-configuration"},
        "entries": [{"volume": v, "value": {"smearing": error}} for v in (7, 8, 9, 12, 13, 14, 16, 17, 18)],
    }
    (tmp_path / "smear.json").write_text(json.dumps(smear))
    unit, folder = acts.UnitConstants, tmp_path / "events"
    folder.mkdir()
    geometry, field = TRACKER.tracking_geometry, acts.ConstantBField(acts.Vector3(0, 0, 2 * unit.T))
    random = examples.RandomNumbers(seed=5)
    sequence = examples.Sequencer(events=2, numThreads=1, logLevel=acts.logging.WARNING, trackFpes=False)
    vertex = examples.GaussianVertexGenerator(stddev=acts.Vector4(0, 0, 0, 0), mean=acts.Vector4(0, 0, 3, 1 * unit.ns))
    steps.addParticleGun(
        sequence,
        steps.MomentumConfig(1 * unit.GeV, 10 * unit.GeV, transverse=True),
        steps.EtaConfig(-2.5, 2.5, True),
        steps.ParticleConfig(1, acts.PdgParticle.eMuon, randomizeCharge=True),
        multiplicity=5,
        vtxGen=vertex,
        rnd=random,
    )
    steps.addFatras(sequence, geometry, field, random, outputDirCsv=str(folder))
    steps.addDigitization(
        sequence, geometry, field, digiConfigFile=str(tmp_path / "smear.json"), rnd=random, outputDirCsv=str(folder)
    )
    sequence.run()
    events = read(folder)
    assert events.field("event_number").tolist() == [0, 1]
    assert events.particles.counts.tolist() == [5, 5]
    assert (events.links.counts == events.hits.counts).all()
    assert (events.hits.counts > 40).all()
    np.testing.assert_allclose(events.particles["time"], 1.0, rtol=1e-5)
    np.testing.assert_allclose(events.particles["vz"], 3.0, rtol=1e-5)
    np.testing.assert_allclose(events.clusters["sigma_u"], 0.02, rtol=1e-5)
    written = [pc.read_csv(folder / f"event00000000{n}-measurements.csv") for n in (0, 1)]
    for number, table in enumerate(written):  # ACTS wrote the place as well
        order = np.lexsort([table[name].to_numpy() for name in ("local1", "local0", "geometry_id")])
        start, stop = events.hits.offsets[number : number + 2]
        for axis in "xyz":
            place = table[f"global_{axis}"].to_numpy()[order]
            np.testing.assert_allclose(events.hits[axis][start:stop], place, atol=1e-2)


def test_two_digitisations_of_one_simulation_are_not_divided(tmp_path: Path) -> None:
    save(tmp_path, "exact_event000000003")
    other = tables()["measurements"] | {"local0": U + 0.1}
    save(tmp_path, "geometric_event000000003", measurements=other, hits=None, particles_simulated=None)
    assert len(read(tmp_path)) == 2  # of one split
    with pytest.raises(DataError, match=r"must not be divided.*exact_event000000003' and '.*geometric_.*'test: 1'"):
        build(tmp_path, test=0.5).splits()
    assert sum(build(tmp_path / "exact_event*", test=0.5).splits().values()) == 1


def test_what_is_not_measured_or_not_read_is_counted(tmp_path: Path) -> None:
    strips = tables()["measurements"] | {"local0": [0.0] * 5, "var_local0": [0.0] * 5}
    events = read(save(tmp_path, measurements=strips | {"time": [3.0] * 5, "var_time": [0.1, 0, 0.1, 0, 0]}))
    assert events.field("unmeasured_u").tolist() == [5]
    assert events.field("unread_times").tolist() == [2]
    assert events.field("far_hits").tolist() == [0]
    assert events.field("hits_without_errors").tolist() == [2]  # two of v
    tiny = tables()["measurements"] | {"var_local0": [1e-20] * 5}
    assert read(save(tmp_path, measurements=tiny)).field("hits_without_errors").tolist() == [5]
    events = read(save(tmp_path, **replaced("measurements", "local1", 1, 900.0)))
    assert events.field("far_hits").tolist() == [1]


def test_charges_of_other_particles_and_cells_that_stand_again_are_counted(tmp_path: Path) -> None:
    twice = {name: np.tile(values, 2) for name, values in tables()["cells"].items()}
    events = read(save(tmp_path, cells=twice, **particle("q", -1)))
    assert events.field("other_charges").tolist() == [2]
    assert events.field("repeated_cells").tolist() == [3]


def particle(column: str, scale: float) -> dict[str, Table]:
    content = tables()["particles_simulated"]
    return {"particles_simulated": content | {column: scale * np.array(content[column])}}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            {"measurements": tables()["measurements"] | {"local0": 1000 * U, "local1": 1000 * V}},
            r"must lie on their sensors; got: farther than 1 mm in 5 of 5 rows.*check the unit of local0",
        ),
        (particle("m", 1000), r"masses must be those of the particles \[GeV\]; got: 105.658 for 13 in row 0"),
    ],
)
def test_other_units_and_contradictions_are_refused(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(save(tmp_path, **content))


def test_measurements_lie_near_their_simulated_hits(tmp_path: Path) -> None:
    place = TRACKER.to_global(MODULES.number[ROWS], U, V)[[0, 1, 1, 3, 4, 2]]

    def hits(where: np.ndarray) -> Table:
        return tables()["hits"] | dict(zip(("tx", "ty", "tz"), where.T, strict=True))

    check(read(save(tmp_path, hits=hits(place + 5.0))), lengths=True)
    for wrong in (place[::-1], place / 10):  # of other hits; in cm
        assert read(save(tmp_path, hits=hits(wrong))).field("far_hits").tolist() == [4]


def test_keys_that_match_nothing_are_refused_also_where_truth_is_optional(tmp_path: Path) -> None:
    save(tmp_path, hits={**tables()["hits"], "particle_id_sv": [7] * 6})
    with pytest.raises(DataError, match=r"must name the particle of a hit; got: none of any hit.*truth: none"):
        read(tmp_path, truth="optional")
    save(tmp_path, hits=dict.fromkeys(_KEYS, [0] * 6))  # noise alone
    assert read(tmp_path, truth="optional").field("unlinked_hits").tolist() == [6]
