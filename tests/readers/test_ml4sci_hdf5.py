from __future__ import annotations

import errno
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.events import Collection, Events, FieldInfo, build_dataset
from hitforge.readers import READERS
from hitforge.readers.ml4sci_hdf5 import Ml4sciHdf5

GRID = PixelGrid(PixelGrid.Config())


def make_images(number: int, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    images = np.zeros((number, 32, 32, 2), np.float32)
    lit = random.random((number, 32, 32)) < 0.05
    lit[:, 16, 16] = True
    images[..., 0][lit] = random.exponential(0.02, lit.sum()) + 1e-4
    images[..., 1][lit] = random.normal(0, 1, lit.sum())
    images[:, 0, 0, 0] = np.arange(number) * 1e-3 + 1e-3  # tells which image it is
    return images


def save(path: Path, images: Any, labels: Any = None) -> Path:
    with h5py.File(path, "w") as file:
        if images is not None:
            file["X"] = images
        if labels is not None:
            file["y"] = labels
    return path


def build(path: Path | list[Path], **values: Any) -> Ml4sciHdf5:
    paths = [str(item) for item in path] if isinstance(path, list) else str(path)
    return Ml4sciHdf5(Ml4sciHdf5.Config.read({"path": paths, **values}, where="test"), GRID)


def everything(reader: Ml4sciHdf5) -> dict[str, list[Events]]:
    return {split: [reader.shard(split, i).check() for i in range(count)] for split, count in reader.splits().items()}


def dense(events: Events) -> np.ndarray:
    images = np.zeros((len(events), 32, 32, 2), np.float32)
    row, column = GRID.grid(events.hits["cell"])
    images[events.hits.event, row, column, 0] = events.hits["energy"] / 50
    images[events.hits.event, row, column, 1] = events.hits["time"]
    return images


def test_every_image_comes_once_unchanged_with_its_label(tmp_path: Path) -> None:
    images, labels = make_images(5000), np.arange(5000) % 3 == 0
    reader = build(save(tmp_path / "a.h5", images, labels.astype(np.float32)), shard_events=700)
    splits = everything(reader)
    assert {name: len(parts) for name, parts in splits.items()} == {"train": 6, "validation": 1, "test": 1}
    events = Events.concatenate([part for parts in splits.values() for part in parts])
    number = events.field("event")
    assert sorted(number) == list(range(5000))
    np.testing.assert_allclose(dense(events), images[number], rtol=1e-6)
    np.testing.assert_array_equal(events.field("primary_pdg"), np.where(labels[number], 11, 22))
    assert set(events.field("seed_cell")) == {16 * 32 + 16}
    assert all(len(part) <= 700 for parts in splits.values() for part in parts)
    assert len(splits["validation"][0]) == pytest.approx(500, abs=70)


def test_the_seed_alone_decides_splits_and_order(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", make_images(300), np.zeros(300))
    one, two, other = (build(path, seed=seed).shard("train", 0).field("event") for seed in (1, 1, 2))
    assert one.tolist() == two.tolist() != other.tolist()
    assert one.tolist() != sorted(one)
    limited = build(path, limit=100)
    part = Events.concatenate([e for parts in everything(limited).values() for e in parts])
    assert sorted(part.field("event")) == list(range(100))


def test_classes_need_not_be_known(tmp_path: Path) -> None:
    images = make_images(20)
    bare, full = save(tmp_path / "a.h5", images), save(tmp_path / "b.h5", images, np.zeros(20))
    with pytest.raises(DataError, match="must have the array 'y'"):
        build(bare, test=1, validation=0).splits()
    for path, truth, known in ((bare, "optional", False), (full, "optional", True), (full, "none", False)):
        events = build(path, test=1, validation=0, truth=truth).shard("test", 0)
        assert ("primary_pdg" in events.fields) == known
        np.testing.assert_allclose(dense(events), images[events.field("event")], rtol=1e-6)
    with pytest.raises(ConfigError, match="labels are truth"):
        build(bare, labels=["photon"], truth="none")
    with pytest.raises(DataError, match="one class for each file; got: 1 for 2 files"):
        build(tmp_path / "*.h5", labels=["photon"]).splits()


def test_classes_in_files_of_their_own_are_mixed_in_every_shard(tmp_path: Path) -> None:
    paths = [save(tmp_path / "e.h5", make_images(400)), save(tmp_path / "p.h5", make_images(200, 1))]
    reader = build(paths, labels=["electron", "photon"], shard_events=50, test=0, validation=0)
    shards = everything(reader)["train"]
    assert len(shards) == 12
    for events in shards:
        assert len(events) == 50
        assert (events.field("primary_pdg") == 11).sum() == pytest.approx(33.3, abs=1)
        np.testing.assert_array_equal(events.field("file") == 0, events.field("primary_pdg") == 11)
    small = build(paths, labels=["electron", "photon"], shard_events=1, limit=3, test=0, validation=0)
    assert [len(events) for events in everything(small)["train"]] == [1] * 6


def test_zero_suppression_accounts_for_what_it_drops(tmp_path: Path) -> None:
    images = np.zeros((1, 32, 32, 2), np.float32)
    images[0, 16, 16], images[0, 3, 4], images[0, 5, 5], images[0, 6, 6] = (0.5, 2), (0.001, 3), (-0.002, 1), (0, 9)
    path = save(tmp_path / "a.h5", images, [1.0])
    events = build(path, test=1, validation=0, threshold=0.06, time_unit=0.5).shard("test", 0).check()
    assert events.hits["energy"].tolist() == [25.0]
    assert events.hits["time"].tolist() == [1.0]
    assert events.field("dropped_energy")[0] == pytest.approx(0.05 - 0.1, abs=1e-6)
    assert build(path, test=1, validation=0).shard("test", 0).hits.rows == 2


def test_round_trip_of_what_is_written(tmp_path: Path) -> None:
    images = make_images(300)
    first = save(tmp_path / "a.h5", images, np.arange(300) % 2)
    shard = build(first, validation=0, test=1, shard_events=64)
    events = [shard.shard("test", i) for i in range(shard.splits()["test"])]
    Ml4sciHdf5.write(tmp_path / "b.h5", iter(events), GRID)
    number = np.concatenate([part.field("event") for part in events])
    with h5py.File(tmp_path / "b.h5") as file:
        assert (file["X"].dtype, file["X"].shape, file["y"].shape) == (np.float32, (300, 32, 32, 2), (300,))
        np.testing.assert_allclose(file["X"][:], images[number], rtol=1e-6)
        np.testing.assert_array_equal(file["y"][:], number % 2)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 169), st.integers(0, 359)), max_size=8), min_size=1, max_size=4))
def test_windows_of_the_barrel_hold_the_energy_near_the_seed(
    tmp_path: Path, cells: list[list[tuple[int, int]]]
) -> None:
    barrel = CrystalBarrel(CrystalBarrel.Config())
    cell = np.array([row * 360 + column for event in cells for row, column in event], np.int64)
    energy = np.arange(1.0, len(cell) + 1)  # the last hit of an event is the seed
    zero = np.zeros(len(cell))
    hits = {"x": zero, "y": zero, "z": zero, "time": energy, "energy": energy, "cell": cell, "layer": zero,
            "subsystem": zero}  # fmt: skip
    events = Events(
        {"hits": Collection.from_counts(np.array([len(event) for event in cells]), hits)},
        {"primary_pdg": np.full(len(cells), -11)},
        {"primary_pdg": FieldInfo("int32", "", "")},
    )
    Ml4sciHdf5.write(tmp_path / "w.h5", iter([events]), barrel)
    with h5py.File(tmp_path / "w.h5") as file:
        images, labels = file["X"][:], file["y"][:]
    assert labels.tolist() == [1.0] * len(cells)
    done = 0
    for event, image in zip(cells, images, strict=True):
        expected = 0.0
        for k, (row, column) in enumerate(event):
            i, j = row - event[-1][0] + 16, (column - event[-1][1] + 180) % 360 - 180 + 16
            expected += energy[done + k] if 0 <= i < 32 and 0 <= j < 32 else 0.0
        done += len(event)
        assert image[..., 0].sum() * 50 == pytest.approx(expected, rel=1e-5)
        if event:
            assert image[16, 16, 1] == done


def test_other_particles_cannot_be_written(tmp_path: Path) -> None:
    events = build(save(tmp_path / "a.h5", make_images(5), np.zeros(5)), test=1, validation=0).shard("test", 0)
    events.fields["primary_pdg"][3] = 13
    with pytest.raises(DataError, match=r"photons \(22\).*got: 13; where: event 3"):
        Ml4sciHdf5.write(tmp_path / "b.h5", iter([events]), GRID)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_a_full_disk_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = build(save(tmp_path / "a.h5", make_images(5), np.zeros(5)), test=1, validation=0).shard("test", 0)

    def full(self: Any, *arguments: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(h5py.Dataset, "__setitem__", full)
    with pytest.raises(DataError, match="disk full"):
        Ml4sciHdf5.write(tmp_path / "b.h5", iter([events]), GRID)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]


def test_becomes_a_dataset_also_in_several_processes(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", make_images(400), np.arange(400) % 2)
    one = build_dataset(build(path, shard_events=150), tmp_path / "one", {"source": "a"})
    two = build_dataset(build(path, shard_events=150), tmp_path / "two", {"source": "a"}, workers=2)
    assert one.hash() == two.hash()
    assert sum(one.count(split) for split in one.splits) == 400


GOOD = make_images(20)


def with_value(channel: int, value: float) -> np.ndarray:
    images = GOOD.copy()
    images[7, 3, 3, channel] = value
    return images


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (None, np.zeros(20), r"array 'X'; got: y"),
        (GOOD, None, r"array 'y'; got: X.*'labels'"),
        (GOOD[..., 0], np.zeros(20), r"shape \(N, 32, 32, 2\); got: \(20, 32, 32\).*take away axes"),
        (GOOD[:, :31], np.zeros(20), r"shape \(N, 32, 32, 2\)"),
        (GOOD.astype(np.int32), np.zeros(20), r"'X' must hold floating-point numbers; got: type int32"),
        (GOOD[:0], np.zeros(0), r"must hold images; got: 0"),
        (GOOD, np.zeros(19), r"label for each image"),
        (GOOD, np.r_[np.zeros(9), 2, np.zeros(10)], r"'y' must be 0 .* got: 2.0; where: .*bad.h5, event 9"),
        (GOOD, np.full(20, np.nan), r"'y' must be 0"),
        (GOOD, np.zeros((20, 2)), r"'y' must be a list of numbers"),
        (with_value(0, np.nan), np.zeros(20), r"channel 0 \(energy\) must be finite; got: nan.*bad.h5, event 7"),
        (with_value(0, -1), np.zeros(20), r"channel 0 \(energy\) must be >= 0.*got: -1.0.*event 7"),
        (with_value(1, np.inf), np.zeros(20), r"channel 1 \(time\) must be finite; got: inf.*event 7"),
    ],
)
def test_bad_files_are_refused_with_file_and_event(tmp_path: Path, images: Any, labels: Any, message: str) -> None:
    reader = build(save(tmp_path / "bad.h5", images, labels))
    with pytest.raises(DataError, match=message) as caught:
        everything(reader)
    assert "bad.h5" in str(caught.value)


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("X", (3,), h5py.vlen_dtype(np.float32))[0] = [1]
        file["y"] = np.zeros(3)
    with pytest.raises(DataError, match="type object"):
        build(tmp_path / "a.h5").splits()


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the file must exist.*nowhere.h5"):
        build(tmp_path / "nowhere.h5").splits()
    for name, content in (("pickle.h5", pickle.dumps([1])), ("empty.h5", b""), ("text.h5", b"X, y\n1, 2\n" * 100)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"whole and readable; got: .*{name}"):
            build(tmp_path / name).splits()


@pytest.mark.parametrize("compress", [{}, {"compression": "gzip"}])
def test_a_truncated_file_never_reads_as_a_whole_one(tmp_path: Path, compress: dict[str, str]) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=GOOD, chunks=(4, 32, 32, 2), **compress)
        file["y"] = np.zeros(20)
    whole = path.read_bytes()
    for part in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:part])
        with pytest.raises(DataError, match=r"a\.h5"):
            everything(build(path))


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_reads_well_or_is_refused(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=GOOD[:6], chunks=(4, 32, 32, 2), compression="gzip", fletcher32=True)
        file["y"] = np.zeros(6)
    data = bytearray(path.read_bytes())
    random = np.random.default_rng(seed)
    for start in random.integers(0, len(data) - 8, 5):
        data[start : start + 8] = random.bytes(8)
    path.write_bytes(data)
    read = 6
    try:
        read = sum(len(part) for parts in everything(build(path)).values() for part in parts)
    except DataError as error:
        message = str(error)
    else:
        message = "a.h5"
    assert read == 6
    assert "a.h5" in message


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"validation": 0.6, "test": 0.6}, "at most 1"),
        ({"labels": ["electron", "photon"]}, "one class for each file"),
        ({"labels": ["muon"]}, "labels"),
        ({"energy_unit": 0}, "energy_unit"),
        ({"limit": 0}, "limit"),
        ({"pth": "x"}, "unknown key 'pth'"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(Path("a.h5"), **values)


def test_is_registered_and_names_its_inputs(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", GOOD, np.zeros(20))
    reader = READERS.build({"name": "ml4sci_hdf5", "path": str(path)}, GRID, where="test")
    before = reader.inputs()
    save(path, GOOD * 2, np.zeros(20))
    assert len(before[0]) == 64
    assert reader.inputs() != before


def test_classes_that_the_file_tells_otherwise_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", make_images(20), np.ones(20, np.float32))
    assert set(build(path, labels=["electron"]).shard("train", 0).field("primary_pdg")) == {11}
    with pytest.raises(DataError, match=r"'y' must be that of the class.*photon; got: electron in \d+ of .*event \d"):
        build(path, labels=["photon"]).shard("train", 0)


def test_a_file_without_the_classes_that_another_has_is_named(tmp_path: Path) -> None:
    one = save(tmp_path / "a.h5", make_images(20), np.ones(20, np.float32))
    other = save(tmp_path / "b.h5", make_images(20, 1))
    with pytest.raises(
        DataError, match=r"all files must hold the same; got: none of field primary_pdg.*b.h5; do: read"
    ):
        build([one, other], truth="optional").shard("train", 0)


@pytest.mark.parametrize(
    ("axes", "do"),
    [((0, 3, 1, 2), "write the axes in that order"), ((0, 1, 3, 2), "write the axes in that order")],
)
def test_the_remedy_for_turned_images_is_not_another_detector(tmp_path: Path, axes: Any, do: str) -> None:
    with pytest.raises(DataError, match=rf"must have the shape \(N, 32, 32, 2\).*do: {do}"):
        build(save(tmp_path / "a.h5", make_images(4).transpose(axes), np.ones(4))).splits()
    with pytest.raises(DataError, match=r"shape.*do: add or take away axes"):
        build(save(tmp_path / "b.h5", make_images(4)[..., 0], np.ones(4))).splits()
    with pytest.raises(DataError, match=r"shape.*do: write 2 channels"):
        build(save(tmp_path / "c.h5", make_images(4)[..., :1], np.ones(4))).splits()
    with pytest.raises(DataError, match=r"shape.*do: set 'detector.rows'"):
        build(save(tmp_path / "d.h5", make_images(4)[:, :20], np.ones(4))).splits()


def test_hits_outside_the_windows_are_told(tmp_path: Path) -> None:
    large = PixelGrid(PixelGrid.Config(rows=64, columns=64))
    cell = large.cell_of(np.array([5, 32, 60]), np.array([5, 32, 60]))
    x, y, z = large.position(cell).T
    hits = {"x": x, "y": y, "z": z, "time": 0 * x, "energy": np.array([1.0, 5, 2]), "cell": cell, "layer": 0 * x}
    made = Events(
        {"hits": Collection.from_counts(np.array([3]), {**hits, "subsystem": 0 * x})},
        {"primary_pdg": np.array([22])},
        {"primary_pdg": FieldInfo("int32", "", "label")},
    )
    assert Ml4sciHdf5.write(tmp_path / "a.h5", iter([made]), large) == [
        "2 hits with 3 GeV lie outside the 32 x 32 windows"
    ]
    assert Ml4sciHdf5.write(tmp_path / "b.h5", iter([made.take(np.empty(0, int))]), large) == []


def test_labels_that_name_their_classes_are_taken_at_their_word(tmp_path: Path) -> None:
    values = np.arange(20) % 3 == 0
    for names in ({"electron": 0, "Photon": 1}, {"photon": 0, "electron": 1}, {"electron": 7, "photon": 3}):
        path = save(tmp_path / "a.h5", make_images(20))
        numbers = np.array([*names.values()])[values.astype(int)]
        with h5py.File(path, "a") as file:
            file.create_dataset("y", data=numbers, dtype=h5py.enum_dtype(names, basetype="i1"))
        events = build(path, test=1.0, validation=0.0).shard("test", 0)
        first = 11 if next(iter(names)) == "electron" else 22
        want = np.where(values, 33 - first, first)[events.field("event")]
        assert events.field("primary_pdg").tolist() == want.tolist()
    path = save(tmp_path / "b.h5", make_images(20))
    with h5py.File(path, "a") as file:
        file.create_dataset("y", data=values, dtype=h5py.enum_dtype({"signal": 0, "background": 1}, basetype="i1"))
    with pytest.raises(DataError, match=r"named photon and electron; got: .*signal = 0"):
        build(path).splits()


def test_a_unit_in_the_file_must_be_that_of_the_settings(tmp_path: Path) -> None:
    path = save(tmp_path / "a.h5", make_images(20), np.arange(20) % 2)
    with h5py.File(path, "a") as file:
        file["X"].attrs["units"] = "GeV, ns"
    with pytest.raises(DataError, match=r"unit that the file tells; .* energy_unit 50; .* set 'energy_unit' to 1"):
        build(path).splits()
    assert build(path, energy_unit=1.0).splits()
    with h5py.File(path, "a") as file:
        file["X"].attrs["units"] = "50 GeV"
    assert build(path).splits()
