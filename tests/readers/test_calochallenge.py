from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.readers.calochallenge import Calochallenge

CLOUD = DETECTORS.build("point_cloud", where="test")
SMALL = {"layers": 5, "angular": 4, "radial": 3, "validation": 0.0, "test": 1.0}


def showers(count: int = 20) -> np.ndarray:
    random = np.random.default_rng(1)
    return (random.exponential(30, (count, 60)) * (random.random((count, 60)) < 0.3)).astype(np.float32)


def save(path: Path, **changed: Any) -> Path:
    content = {"showers": showers(), "incident_energies": np.linspace(1e3, 1e5, 20)[:, None], **changed}
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            if value is not None:
                file[name] = value
    return path


def build(path: Path, **values: Any) -> Calochallenge:
    return Calochallenge(Calochallenge.Config.read({"path": str(path), **SMALL, **values}, where="test"), CLOUD)


def test_voxels_become_hits_at_their_centres_in_gev(tmp_path: Path) -> None:
    events = build(save(tmp_path / "a.h5")).shard("test", 0).check()
    hits = events.hits
    dense = np.zeros((20, 60))
    dense[hits.event, hits["cell"]] = hits["energy"]
    np.testing.assert_allclose(dense, showers() * 1e-3, rtol=1e-6)
    np.testing.assert_allclose(events.field("energy"), np.linspace(1, 100, 20), rtol=1e-6)
    np.testing.assert_allclose(hits["z"], 800 + (hits["layer"] + 0.5) * 3.4, rtol=1e-6)
    assert set(events.field("primary_pdg")) == {11}
    # the radius runs fastest, then the angle, then the layer
    layer, angle, ring = np.unravel_index(hits["cell"], (5, 4, 3))
    np.testing.assert_array_equal(hits["layer"], layer)
    np.testing.assert_allclose(np.hypot(hits["x"], hits["y"]), (ring + 0.5) * 4.65, rtol=1e-5)
    np.testing.assert_allclose(np.arctan2(hits["y"], hits["x"]) % (2 * np.pi), (angle + 0.5) * np.pi / 2, rtol=1e-5)


def test_what_the_threshold_leaves_out_is_told(tmp_path: Path) -> None:
    events = build(save(tmp_path / "a.h5"), threshold=0.02).shard("test", 0)
    assert events.hits["energy"].min() > 0.02
    total = events.hits.sum(events.hits["energy"]) + events.field("dropped_energy")
    np.testing.assert_allclose(total, showers().sum(axis=1) * 1e-3, rtol=1e-5)


def test_empty_showers_stay_as_empty_events(tmp_path: Path) -> None:
    empty = showers()
    empty[[0, 19]] = 0
    events = build(save(tmp_path / "a.h5", showers=empty)).shard("test", 0).check()
    assert len(events) == 20
    assert (events.hits.counts == 0).sum() == 2


def changed_value(value: float) -> np.ndarray:
    changed = showers()
    changed[7, 3] = value
    return changed


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"showers": None}, r"array 'showers'; got: incident_energies"),
        ({"showers": np.zeros((20, 59))}, r"shape \(N, 60\), which is 5 x 4 x 3; got: \(20, 59\)"),
        ({"showers": np.zeros((20, 60), int)}, "'showers' must hold floating-point numbers"),
        ({"showers": np.zeros((0, 60)), "incident_energies": np.zeros((0, 1))}, "must hold events; got: 0"),
        ({"incident_energies": np.zeros((19, 1))}, r"shape \(N, 1\); got: \(19, 1\) for 20 showers"),
        ({"incident_energies": np.full((20, 1), np.nan)}, "finite and positive; got: nan.*event 0"),
        ({"incident_energies": np.zeros((20, 1))}, "finite and positive; got: 0.0.*event 0"),
        ({"showers": changed_value(np.nan)}, "must be finite; got: nan.*event 7"),
        ({"showers": changed_value(-1)}, "must be >= 0; got: -0.001.*event 7"),
    ],
)
def test_bad_arrays_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(save(tmp_path / "a.h5", **changed)).shard("test", 0)
    assert "a.h5" in str(caught.value)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = save(tmp_path / "a.h5").read_bytes()
    for content in [b"", b"nonsense", *(whole[: int(n)] for n in np.linspace(10, len(whole) - 100, 8))]:
        (tmp_path / "a.h5").write_bytes(content)
        with pytest.raises(DataError, match=r"a\.h5"):
            build(tmp_path / "a.h5").shard("test", 0)


def test_another_detector_is_refused(tmp_path: Path) -> None:
    config = Calochallenge.Config.read({"path": "a"}, where="test")
    with pytest.raises(ConfigError, match="point_cloud"):
        Calochallenge(config, DETECTORS.build("pixel_grid", where="test"))


def test_events_without_a_hit_or_with_too_much_energy_are_counted(tmp_path: Path) -> None:
    rows = showers()
    rows[7:9] = 0  # a job that left a hole
    rows[3] *= 1e3
    events = build(save(tmp_path / "a.h5", showers=rows)).shard("test", 0)
    assert np.flatnonzero(events.field("empty_events")).tolist() == [7, 8]
    assert np.flatnonzero(events.field("excess_events")).tolist() == [3]
    assert events.info["empty_events"].loss == events.info["excess_events"].loss == "sum"
    other = save(tmp_path / "b.h5", incident_energies=np.linspace(1, 3, 20)[:, None])  # in GeV
    with pytest.raises(DataError, match=r"not have more energy than its particle; got: .* times as much"):
        build(other).shard("test", 0)


def test_energies_far_below_the_true_ones_are_counted_or_refused(tmp_path: Path) -> None:
    rows = showers()
    rows[:10] *= 1e-4
    events = build(save(tmp_path / "a.h5", showers=rows)).shard("test", 0)
    assert np.flatnonzero(events.field("deficit_events")).tolist() == list(range(10))
    assert events.info["deficit_events"].loss == "sum"
    other = save(tmp_path / "b.h5", showers=showers() * 1e-3)  # in GeV
    with pytest.raises(DataError, match=r"must have a part of its particle's energy; got: .* times as much"):
        build(other).shard("test", 0)
    build(other, pdg=-13).shard("test", 0)
    rows = showers() * 1e-3
    rows[4] = 0
    build(save(tmp_path / "c.h5", showers=rows)).shard("test", 0)  # too few to be sure


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("units", np.array(["GeV"], dtype=h5py.string_dtype())),
        ("units", np.array([b"GeV"])),
        ("Units", "GeV"),
        ("unit", "E [GeV]"),
        ("UNITS", np.void(b"GeV")),
    ],
)
def test_a_unit_is_understood_in_each_form(key: str, told: Any, tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["showers"].attrs[key] = told
    with pytest.raises(DataError, match=rf"'showers' must be in MeV; got: the attribute {key} = .*GeV"):
        build(path).splits()
    with h5py.File(path, "a") as file:
        file["showers"].attrs[key] = "MeV, 1000 of which are a GeV"
    assert build(path).splits()["test"] == 1


def test_an_array_that_says_itself_that_it_is_in_another_unit_is_refused(tmp_path: Path) -> None:
    for name in ("showers", "incident_energies"):
        path = save(tmp_path / f"{name}.h5")
        for told, wrong in (("MeV", False), ("voxel", False), ("GeV", True), (b"[keV]", True)):
            with h5py.File(path, "a") as file:
                file[name].attrs["units"] = told
            if wrong:
                with pytest.raises(DataError, match=rf"'{name}' must be in MeV; got: the attribute units = [Gk]eV"):
                    build(path).splits()
            else:
                assert build(path).splits()["test"] == 1
