"""What all readers of calorimeter files share, on a reader of made-up events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Events, FieldInfo
from hitforge.readers.files import HITS, FileConfig, FileReader, build, drops, physical

CLOUD = DETECTORS.build("point_cloud", where="test")


class Counter(FileReader):
    """A file with N bytes holds N events; event i has i % 3 hits."""

    BLOCK = 4

    def count(self, path: Path) -> int:
        return path.stat().st_size

    def read(self, path: Path, first: int, last: int) -> Events:
        number = np.arange(first, last)
        counts = number % 3
        self.refuse_large(counts, path, first)
        fields = {"number": (number, FieldInfo("int64", "", "number"))}
        return build(counts, {name: np.ones(counts.sum()) for name in HITS}, fields)


def reader(tmp_path: Path, sizes: tuple[int, ...], **values: Any) -> Counter:
    paths = [tmp_path / f"{i}.bin" for i in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(b"x" * size)
    return Counter(FileConfig.read({"path": [str(p) for p in paths], **values}, where="test"), CLOUD)


def test_all_files_advance_together_in_their_order(tmp_path: Path) -> None:
    source = reader(tmp_path, (40, 20), shard_events=30)
    assert source.splits() == {"train": 0, "validation": 0, "test": 2}
    shards = [source.shard("test", i) for i in range(2)]
    for shard in shards:
        assert np.bincount(shard.field("file")).tolist() == [20, 10]
    for file in (0, 1):
        numbers = np.concatenate([s.field("event")[s.field("file") == file] for s in shards])
        assert numbers.tolist() == list(range((40, 20)[file]))
    for shard in shards:
        np.testing.assert_array_equal(shard.field("number"), shard.field("event"))
        np.testing.assert_array_equal(shard.hits.counts, shard.field("number") % 3)


def test_folds_test_each_event_once(tmp_path: Path) -> None:
    shares = {"validation": 0.3, "test": 0.25}
    tested = []
    for fold in range(4):
        source = reader(tmp_path, (400,), fold=fold, **shares)
        parts = {split: source.shard(split, 0).field("number") for split in ("train", "validation", "test")}
        assert sorted(np.concatenate(list(parts.values()))) == list(range(400))
        assert all(len(part) > 60 for part in parts.values())
        tested.append(parts["test"])
    assert sorted(np.concatenate(tested)) == list(range(400))
    np.testing.assert_array_equal(reader(tmp_path, (400,), **shares).shard("test", 0).field("number"), tested[0])
    with pytest.raises(ConfigError, match="the folds 0 to 3"):
        reader(tmp_path, (400,), fold=4, **shares)


def test_a_shard_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    source = reader(tmp_path, (40,))
    for split, index in (("train", 0), ("test", 1), ("test", -1)):
        with pytest.raises(DataError, match=f"'{split}' must have the shard; got: {index}, of [01]"):
            source.shard(split, index)


def test_the_split_is_drawn_by_the_seed_and_loses_nothing(tmp_path: Path) -> None:
    values = {"validation": 0.2, "test": 0.3, "shard_events": 1000}
    parts = [reader(tmp_path, (900,), seed=seed, **values) for seed in (1, 1, 2)]
    numbers = [{s: p.shard(s, 0).field("event").tolist() for s in p.splits()} for p in parts]
    assert numbers[0] == numbers[1] != numbers[2]
    assert sorted(number for part in numbers[0].values() for number in part) == list(range(900))
    assert 130 < len(numbers[0]["validation"]) < 230
    limited = reader(tmp_path, (900,), limit=10)
    assert limited.shard("test", 0).field("event").tolist() == list(range(10))


def test_an_event_that_is_too_large_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"at most 1 hits; got: 2; where: .*0\.bin, event 2"):
        reader(tmp_path, (9,), max_hits=1).shard("test", 0)
    with pytest.raises(DataError, match=r"must hold events; got: 0.*0\.bin"):
        reader(tmp_path, (0,)).splits()


def test_settings_that_contradict_are_refused() -> None:
    for wrong, message in (({"validation": 0.6, "test": 0.6}, "at most 1"), ({"path": []}, "name a file")):
        with pytest.raises(ConfigError, match=message):
            FileConfig.read({"path": "a", **wrong}, where="test")


def test_drops_are_counted_by_reason() -> None:
    event, energy = np.array([0, 0, 1, 1, 1]), np.array([1.0, 2, 3, 4, 5])
    outside = np.array([True, False, False, False, True])
    unknown = np.array([False, False, True, False, False])
    fields = drops(event, energy, {"outside": outside, "unknown_layer": unknown}, 3)
    assert {name: values.tolist() for name, (values, _) in fields.items()} == {
        "dropped_outside": [1, 1, 0],
        "dropped_unknown_layer": [0, 1, 0],
        "dropped_hits": [1, 2, 0],
        "dropped_energy": [1, 8, 0],
    }


class Beside(FileReader):
    """Event i has two hits at z = i; those with z >= ``near`` lie in the detector."""

    BLOCK = 4
    near = 0.0

    def count(self, path: Path) -> int:
        return path.stat().st_size

    def read(self, path: Path, first: int, last: int) -> Events:
        z = np.repeat(np.arange(first, last), 2)
        kept = z >= self.near
        self.saw(kept, z=z)
        counts = np.bincount(z[kept] - first, minlength=last - first)
        fields = drops(z - first, np.ones(len(z)), {"outside": ~kept}, last - first)
        return build(counts, {name: np.ones(counts.sum()) for name in HITS}, fields)


def test_a_file_without_a_hit_in_the_detector_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 10)
    layered = DETECTORS.build("ild_ecal", where="test")

    def read(near: float, **values: Any) -> Events:
        source = Beside(FileConfig.read({"path": str(path), **values}, where="test"), layered)
        source.near = near
        return source.shard("test", 0)

    assert read(9.0).field("dropped_hits").sum() == 18  # whole blocks without a hit, but not the file
    for near, values, message in (
        (10.0, {}, r"in the detector 'ild_ecal'; got: none of 20 hits: z from 0 to 9; the detector has 30 layers"),
        (9.0, {"limit": 8}, "none of 16 hits: z from 0 to 7"),
    ):
        with pytest.raises(DataError, match=rf"a hit of the file must lie .*{message}.*a\.bin"):
            read(near, **values)


def test_values_that_are_not_physical_name_their_event() -> None:
    event, path = np.array([0, 0, 2]), Path("file")
    for values, message in (
        ({"x": np.array([0, 1, np.nan])}, r"'x' of a hit must be finite; got: nan.*file, event 7"),
        ({"energy": np.array([0, -1.0, 1])}, r"'energy' of a hit must be >= 0; got: -1.*file, event 5"),
    ):
        with pytest.raises(DataError, match=message):
            physical(values, event, path, 5)
