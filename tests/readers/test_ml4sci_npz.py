from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.events import Events
from hitforge.readers import READERS
from hitforge.readers.ml4sci_npz import Ml4sciNpz

GRID = PixelGrid(PixelGrid.Config())


def arrays(**changed: Any) -> dict[str, Any]:
    random = np.random.default_rng(1)
    result: dict[str, Any] = {}
    for part, number in (("train", 40), ("test", 30)):
        images = random.exponential(0.1, (number, 32, 32)) * (random.random((number, 32, 32)) < 0.05)
        result[f"x_{part}"] = images.astype(np.float32)
        result[f"y_{part}"] = (np.arange(number) % 4 == 0).astype(np.float32)
    return {name: value for name, value in {**result, **changed}.items() if value is not None}


def save(path: Path, **changed: Any) -> Path:
    np.savez_compressed(path, **arrays(**changed))
    return path


def build(path: Path | str, **values: Any) -> Ml4sciNpz:
    return Ml4sciNpz(Ml4sciNpz.Config.read({"path": str(path), **values}, where="test"), GRID)


def dense(events: Events) -> np.ndarray:
    images = np.zeros((len(events), 32, 32))
    images[events.hits.event, *GRID.grid(events.hits["cell"])] = events.hits["energy"] / 50
    return images


def test_training_and_test_are_those_of_the_file(tmp_path: Path) -> None:
    reader, whole = build(save(tmp_path / "a.npz")), arrays()
    assert reader.splits() == {"train": 1, "validation": 1, "test": 1}
    parts = {split: reader.shard(split, 0).check() for split in reader.splits()}
    np.testing.assert_allclose(dense(parts["test"]), whole["x_test"], rtol=1e-6)
    assert parts["test"].field("primary_pdg").tolist() == np.where(whole["y_test"] == 1, 11, 22).tolist()
    learned = Events.concatenate([parts["train"], parts["validation"]])
    number = learned.field("event")
    assert sorted(number) == list(range(40))
    np.testing.assert_allclose(dense(learned), whole["x_train"][number], rtol=1e-6)
    np.testing.assert_array_equal(learned.field("primary_pdg") == 11, whole["y_train"][number] == 1)
    assert not learned.hits["time"].any()


def test_validation_has_its_share_of_each_class_by_the_seed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz")
    events = [build(path, seed=seed).shard("validation", 0) for seed in (1, 1, 2)]
    for part in events:
        assert np.bincount(part.field("primary_pdg"))[[11, 22]].tolist() == [2, 6]
    numbers = [part.field("event").tolist() for part in events]
    assert numbers[0] == numbers[1] != numbers[2]
    assert build(path, validation=0).splits()["validation"] == 0


def test_shards_cut_the_sample_in_order(tmp_path: Path) -> None:
    reader = build(save(tmp_path / "a.npz"), shard_events=12)
    assert reader.splits()["test"] == 3
    numbers = [reader.shard("test", i).field("event").tolist() for i in range(3)]
    assert numbers == [list(range(12)), list(range(12, 24)), list(range(24, 30))]


def test_several_files_are_counted_one_after_the_other(tmp_path: Path) -> None:
    for scale, name in enumerate(("a2", "a10"), 1):
        save(tmp_path / f"{name}.npz", **{part: arrays()[part] * scale for part in ("x_train", "x_test")})
    reader = build(tmp_path / "a*.npz")
    assert [Path(name).name for name in reader.files()] == ["a2.npz", "a10.npz"]
    test, train, validation = (reader.shard(split, 0) for split in ("test", "train", "validation"))
    assert test.field("file").tolist() == [0] * 30 + [1] * 30
    assert test.field("event").tolist() == [*range(30)] * 2
    assert set(test.field("part")) == {1}
    assert set(train.field("part")) == set(validation.field("part")) == {0}
    one = build(tmp_path / "a2.npz").shard("validation", 0)
    np.testing.assert_array_equal(validation.field("event")[:8], one.field("event"))  # the draw of a file is its own
    assert validation.field("event")[8:].tolist() != one.field("event").tolist()


def test_the_same_images_packed_otherwise_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", **arrays())
    with pytest.raises(DataError, match=r"of '.*a\.npz' and event .* of '.*b\.npz', which hold the same hits"):
        build(save(tmp_path / "a.npz").with_name("[ab].npz")).shard("test", 0)


def changed_value(value: float) -> np.ndarray:
    images = arrays()["x_test"]
    images[5, 2, 2] = value
    return images


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"y_test": None}, r"arrays x_train, y_train, x_test, y_test; got: .*x_test"),
        ({"x_train": np.zeros((4, 31, 32), np.float32)}, r"'x_train' must have the shape \(N, 32, 32\)"),
        ({"x_train": np.zeros((40, 32, 32), np.int64)}, r"'x_train' must hold floating-point numbers"),
        ({"y_train": np.zeros(39)}, r"label for each image; got: 39 labels, 40 images"),
        ({"y_test": np.full(30, 3)}, r"'y_test' must be 0 .*got: 3.*event 0"),
        ({"y_test": np.array(["a"] * 30)}, r"'y_test' must be a list of numbers"),
        ({"x_test": changed_value(np.nan)}, r"'x_test' \(energy\) must be finite.*a.npz, event 5"),
        ({"x_test": changed_value(-1)}, r"'x_test' \(energy\) must be >= 0.*a.npz, event 5"),
        ({"x_test": np.array([None] * 30)}, r"plain numbers; got: Python objects.*do: save"),
    ],
)
def test_bad_arrays_are_refused_with_file_and_event(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        build(save(tmp_path / "a.npz", **changed)).splits()
    assert "a.npz" in str(caught.value)


def test_an_empty_sample_is_an_empty_split(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", x_train=np.zeros((0, 32, 32), np.float32), y_train=np.zeros(0))
    assert build(path).splits() == {"train": 0, "validation": 0, "test": 1}


def test_missing_truncated_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"must exist.*nowhere"):
        build(tmp_path / "nowhere.npz").splits()
    whole = save(tmp_path / "a.npz").read_bytes()
    np.save(tmp_path / "one.npy", np.zeros(3))
    contents = [pickle.dumps({"x_train": 1}), b"", b"PK\x03\x04", (tmp_path / "one.npy").read_bytes()]
    contents += [whole[: int(n)] for n in np.linspace(10, len(whole) - 1, 12)]
    for content in contents:
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(DataError, match=r"(npz archive|whole and readable).*a\.npz"):
            build(tmp_path / "a.npz").splits()


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_file_is_refused(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(save(tmp_path / "a.npz").read_bytes())
    for start in random.integers(0, len(data) - 8, 5):
        data[start : start + 8] = random.bytes(8)
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match=r"a\.npz"):
        build(tmp_path / "a.npz").splits()


def test_the_public_sample(public_data: Path) -> None:
    path = public_data / "electron_photon" / "electron-photon.npz"
    if not path.exists():
        pytest.skip(f"{path.name} is not below HITFORGE_DATA")
    reader = READERS.build({"name": "ml4sci_npz", "path": "electron_photon/electron-photon.npz"}, GRID, where="test")
    test = reader.shard("test", 0).check()
    assert len(test) == 100
    assert (test.field("primary_pdg") == 11).sum() == 46
    assert 28 <= test.hits.counts.min() <= test.hits.counts.max() <= 101
    assert np.median(test.hits.sum(test.hits["energy"])) == pytest.approx(58, abs=3)  # GeV: the unit is 50 GeV


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"validation": 1}, {"energy_unit": -1}, {"file": "a"}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build("a.npz", **wrong)


def test_images_of_the_test_that_are_in_training_are_refused(tmp_path: Path) -> None:
    test = arrays()["x_test"]
    test[:3] = arrays()["x_train"][7:10]
    reader = build(save(tmp_path / "a.npz", x_test=test))
    with pytest.raises(
        DataError, match=r"event . \(part 1\) of .*a.npz' and event . of .*a.npz', which hold the same hits, and 2 more"
    ):
        list(map(reader.shard, ("train", "validation", "test"), (0, 0, 0)))
    kept = build(save(tmp_path / "a.npz", x_test=test), repeated="keep")
    assert [len(kept.shard(split, 0)) for split in ("train", "validation", "test")] == [32, 8, 30]


def test_an_array_that_is_in_the_archive_twice_is_refused(tmp_path: Path) -> None:
    path, raw = save(tmp_path / "a.npz"), io.BytesIO()
    np.save(raw, arrays()["x_train"] * 2)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x_train", raw.getvalue())  # without the ending
    with pytest.raises(DataError, match=r"each array must be there once; got: several named x_train.*a.npz"):
        build(path).splits()
