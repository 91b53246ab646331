"""What is written for ACORN is read back, and is what ACORN's own reading needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv as pc
import pytest

from hitforge.core.errors import DataError
from hitforge.detectors import DETECTORS
from hitforge.detectors.silicon_barrel_endcap import SiliconBarrelEndcap
from hitforge.events import Collection, Events
from hitforge.readers._acorn_store import write_store
from hitforge.readers.acorn import Acorn
from tests.readers.test_acorn import CLOUD, MODULES, TRACKER, save


def source(folder: Path, detector: object = TRACKER, scale: float = 1.0) -> Events:
    reader = Acorn(Acorn.Config(path=str(folder), momentum_scale=scale), detector)  # type: ignore[arg-type]
    return reader.shard("test", 0).check(where="test")


@pytest.mark.parametrize("detector", [TRACKER, CLOUD], ids=["tracker", "cloud"])
def test_events_come_back(tmp_path: Path, detector: object) -> None:
    (tmp_path / "a").mkdir()
    events = source(save(tmp_path / "a"), detector)
    Acorn.write(tmp_path / "trainset", iter([events, events]), detector)  # type: ignore[arg-type]
    names = sorted(path.name for path in (tmp_path / "trainset").iterdir())
    assert names == [f"event00000000{i}-{table}.csv" for i in (0, 1) for table in ("particles", "truth")]
    (tmp_path / "trainset" / "event000000001-truth.csv").unlink()
    (tmp_path / "trainset" / "event000000001-particles.csv").unlink()
    back = source(tmp_path / "trainset", detector, 0.001)
    for name in ("x", "y", "z", "cell", "layer", "subsystem"):
        np.testing.assert_allclose(back.hits[name], events.hits[name], rtol=1e-6)
    for name in ("cells", "charge", "weight"):
        np.testing.assert_allclose(back.clusters[name], events.clusters[name], rtol=1e-6)
    for name in ("px", "py", "pz", "pdg", "charge", "vx", "vy", "vz", "energy"):
        np.testing.assert_allclose(back.particles[name], events.particles[name], rtol=1e-6)
    for name in ("hit", "particle", "weight"):
        np.testing.assert_allclose(back.links[name], events.links[name])


def test_the_tables_are_those_that_acorn_asks_for(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    Acorn.write(tmp_path / "set", iter([source(save(tmp_path / "a"))]), TRACKER)
    truth = pc.read_csv(tmp_path / "set" / "event000000000-truth.csv").to_pydict()
    people = pc.read_csv(tmp_path / "set" / "event000000000-particles.csv").to_pydict()
    assert sorted(set(truth["hit_id"])) == [0, 1, 2, 3]  # from 0 without a gap: ids are rows there
    assert truth["hit_id"] == sorted(truth["hit_id"])
    assert sorted(truth["particle_id"]) == [0, 1, 1, 1, 2]
    assert {"x", "y", "z", "volume_id", "layer_id", "module_id", "hardware"} <= truth.keys()
    volume, layer, module = TRACKER.names_of(np.array(truth["geometry_id"]))  # type: ignore[union-attr]
    assert (truth["volume_id"], truth["layer_id"], truth["module_id"]) == (
        volume.tolist(), layer.tolist(), module.tolist(),
    )  # fmt: skip
    assert isinstance(TRACKER, SiliconBarrelEndcap)
    pixel = np.isin(volume, TRACKER.pixel_volumes)
    assert (np.array(truth["hardware"]) == "PIXEL").tolist() == pixel.tolist()
    assert people["particle_id"] == [1, 2]
    np.testing.assert_allclose(people["pt"], [3000, 1000], rtol=1e-6)  # MeV
    np.testing.assert_allclose(people["radius"], np.hypot([0.1, 0.2], [0.3, 0.4]), rtol=1e-6)
    assert people["nhits"] == [3, 1]
    assert {"vx", "vy", "vz", "q", "particle_type"} <= people.keys()
    assert len(MODULES.number)


def test_what_acorn_cannot_use_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    events = source(save(tmp_path / "a"))
    bare = Events({name: events.collections[name] for name in ("hits", "clusters")})
    empty = events.hits.select_rows(np.zeros(events.hits.rows, bool))
    none = events.links.select_rows(np.zeros(events.links.rows, bool))
    hollow = Events({"hits": empty, "particles": events.particles, "links": none})
    cases = [(bare, "got: no links and no particles"), (hollow, "got: no hits")]
    for one, message in cases:
        with pytest.raises(DataError, match=message):
            write_store(tmp_path / "set", iter([events, one]), TRACKER)
    with pytest.raises(DataError, match="there must be events to write"):
        write_store(tmp_path / "set", iter([]), TRACKER)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    write_store(tmp_path / "set", iter([events]), TRACKER)
    with pytest.raises(DataError, match="must not be there yet"):
        write_store(tmp_path / "set", iter([events]), TRACKER)


def test_links_without_weight_are_none(tmp_path: Path) -> None:
    one = {name: np.zeros(1) for name in ("x", "y", "z", "time", "energy")}
    hits = {**one, **{name: np.array([5]) for name in ("cell", "layer", "subsystem")}}
    names = ("pdg", "charge", "px", "py", "pz", "energy", "vx", "vy", "vz", "time", "parent")
    at = np.array([0, 1])
    events = Events(
        {
            "hits": Collection(at, hits),
            "particles": Collection(at, {name: np.zeros(1) for name in names}),
            "links": Collection(at, {"hit": np.array([0]), "particle": np.array([0]), "weight": np.array([0.0])}),
        }
    )
    write_store(tmp_path / "set", iter([events]), DETECTORS.build("point_cloud", where="test"))
    truth = pc.read_csv(tmp_path / "set" / "event000000000-truth.csv").to_pydict()
    assert (truth["particle_id"], truth["module_id"]) == ([0], [5])
