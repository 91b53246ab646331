"""TFRecord: written, read back, read by TensorFlow alone, and damaged."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, MissingExtraError
from hitforge.detectors import DETECTORS
from hitforge.events import COLLECTIONS, Collection, Events, FieldInfo, Source, build_dataset
from hitforge.events.schema import ORIGIN
from hitforge.readers import READERS, tfrecord
from hitforge.readers.tfrecord import Tfrecord

tensorflow = pytest.importorskip("tensorflow", reason="the extra 'keras' is not installed")
HGCAL: Any = DETECTORS.build("hgcal", where="test")
GRID: Any = DETECTORS.build("pixel_grid", where="test")
COUNTS = np.array([3, 0, 5, 1])


def sample(repeat: int = 1) -> Events:
    """Four events, times ``repeat``, with all collections and every type of field; event 1 has no hits."""
    random, number = np.random.default_rng(2), 4 * repeat
    counts = np.tile(COUNTS, repeat)
    rows = counts.sum()
    x, y, layer = random.uniform(700, 900, rows), random.uniform(-100, 100, rows), random.integers(0, 28, rows)
    cell = HGCAL.cell_in(layer, x, y, np.ones(rows))
    cell = np.where(cell < 0, cell.max(), cell)  # a point between wafers
    x, y, z = HGCAL.position(cell).T
    hits = {"x": x, "y": y, "z": z, "time": random.normal(10, 1, rows), "energy": random.exponential(1, rows),
            "cell": cell, "layer": layer, "subsystem": np.zeros(rows)}  # fmt: skip
    particles = {name: random.integers(-5, 5, number) for name in COLLECTIONS["particles"]}
    particles |= {"energy": random.exponential(1, number), "parent": np.full(number, -1)}
    links = {"hit": np.zeros(rows), "particle": np.zeros(rows), "weight": random.random(rows) / 8}
    fields: dict[str, Any] = {
        "a": (random.normal(size=number), FieldInfo("float64", "GeV", "a double")),
        "b": (random.normal(size=number), FieldInfo("float32", "mm", "a float")),
        "c": (random.integers(-(2**62), 2**62, number), FieldInfo("int64", "", "a long number")),
        "d": (random.integers(-100, 100, number), FieldInfo("int8", "", "a short number")),
        "index": (np.arange(number), FieldInfo("int32", "", "which event it is")),
    }
    return Events(
        {"hits": Collection.from_counts(counts, hits), "particles": Collection.from_counts(np.ones(number), particles),
         "links": Collection.from_counts(counts, links)},
        {name: values for name, (values, _) in fields.items()},
        {name: info for name, (_, info) in fields.items()},
    )  # fmt: skip


def reader(*paths: Path, detector: Any = HGCAL, **values: Any) -> Tfrecord:
    block = {"path": [str(path) for path in paths], "validation": 0, "test": 1, **values}
    return Tfrecord(Tfrecord.Config.read(block, where="test"), detector)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "sample.tfrecord"
    whole = sample()
    Tfrecord.write(target, iter([whole.take(np.arange(3)), whole.take(np.array([3]))]), HGCAL)
    return target


def assert_same(one: Events, two: Events) -> None:
    assert one.info == two.info
    assert one.collections.keys() == two.collections.keys()
    for name, values in one.fields.items():
        assert values.dtype == two.fields[name].dtype
        np.testing.assert_array_equal(values, two.fields[name])
    for name, collection in one.collections.items():
        np.testing.assert_array_equal(collection.offsets, two.collections[name].offsets)
        for key, values in collection.columns.items():
            assert values.dtype == two.collections[name][key].dtype
            np.testing.assert_array_equal(values, two.collections[name][key], err_msg=f"{name}.{key}")


def without_origin(events: Events) -> Events:
    kept = {name: values for name, values in events.fields.items() if name not in ("file", "event", "empty_events")}
    return Events(events.collections, kept, {name: events.info[name] for name in kept})


def test_there_and_back_is_the_same(path: Path) -> None:
    source = reader(path)
    assert isinstance(source, Source)
    assert READERS.get("tfrecord") is Tfrecord
    assert source.splits() == {"train": 0, "validation": 0, "test": 1}
    assert_same(without_origin(source.shard("test", 0)), sample())
    assert source.shard("test", 0).field("event").tolist() == list(range(4))
    assert len(source.inputs()[0]) == 64


def test_where_events_were_written_from_is_kept_beside_where_they_are_read(tmp_path: Path) -> None:
    info = {name: ORIGIN[name] for name in ("file", "event")}
    written = sample().with_fields({"file": np.full(4, 2), "event": np.arange(4) + 7}, info)
    Tfrecord.write(tmp_path / "a.tfrecord", iter([written]), HGCAL)
    events = reader(tmp_path / "a.tfrecord").shard("test", 0)
    assert events.field("file").tolist() == [0, 0, 0, 0]
    assert events.field("event").tolist() == [0, 1, 2, 3]
    assert events.field("original_file").tolist() == [2, 2, 2, 2]
    assert events.field("original_event").tolist() == [7, 8, 9, 10]
    assert "when it was written" in events.info["original_event"].description


def test_tensorflow_alone_reads_the_hits(path: Path) -> None:
    wanted = {"hits.energy": tensorflow.io.RaggedFeature(tensorflow.float32),
              "hits.cell": tensorflow.io.VarLenFeature(tensorflow.int64),
              "event.b": tensorflow.io.FixedLenFeature([], tensorflow.float32),
              "event.a": tensorflow.io.FixedLenFeature([], tensorflow.string)}  # fmt: skip
    data = tensorflow.data.TFRecordDataset(str(path)).batch(4)
    batch = tensorflow.io.parse_example(next(iter(data)), wanted)
    events = sample()
    np.testing.assert_array_equal(batch["hits.energy"].row_lengths(), COUNTS)
    np.testing.assert_array_equal(batch["hits.energy"].values, events.hits["energy"])
    np.testing.assert_array_equal(batch["hits.cell"].values, events.hits["cell"])
    np.testing.assert_array_equal(batch["event.b"], events.field("b"))
    np.testing.assert_array_equal(
        tensorflow.io.decode_raw(batch["event.a"], tensorflow.float64)[:, 0], events.field("a")
    )


def test_every_event_is_in_one_split_and_shard(tmp_path: Path) -> None:
    paths = [tmp_path / "a.tfrecord", tmp_path / "b.tfrecord"]
    whole = sample(30)
    Tfrecord.write(paths[0], iter([whole.take(np.arange(80))]), HGCAL)
    Tfrecord.write(paths[1], iter([whole.take(np.arange(80, 120))]), HGCAL)
    source = reader(*paths, validation=0.3, test=0.2, shard_events=7)
    shards = {split: [source.shard(split, i) for i in range(count)] for split, count in source.splits().items()}
    index = [shard.field("index") for parts in shards.values() for shard in parts]
    np.testing.assert_array_equal(np.sort(np.concatenate(index)), np.arange(120))
    assert all(len(shard) <= 7 for parts in shards.values() for shard in parts)
    share = {split: sum(map(len, parts)) / 120 for split, parts in shards.items()}
    assert share == {"train": pytest.approx(0.5, abs=0.12), "validation": pytest.approx(0.3, abs=0.12),
                     "test": pytest.approx(0.2, abs=0.12)}  # fmt: skip
    assert (
        sum((shard.field("index") < 80).any() and (shard.field("index") >= 80).any() for shard in shards["train"]) > 3
    )
    again = pickle.loads(pickle.dumps(source))
    assert_same(again.shard("train", 2), shards["train"][2])
    assert reader(*paths, validation=0.3, test=0.2, shard_events=7, seed=2).splits() != {}
    assert sum(map(len, reader(*paths, limit=10)._rows["test"])) == 20


def test_a_dataset_is_made_from_it_and_written_again(path: Path, tmp_path: Path) -> None:
    dataset = build_dataset(reader(path), tmp_path / "dataset", {"source": "tfrecord"})
    assert dataset.count("test") == 4
    Tfrecord.write(tmp_path / "again.tfrecord", dataset.read("test"), HGCAL)
    again = without_origin(reader(tmp_path / "again.tfrecord").shard("test", 0))
    assert again.field("original_event").tolist() == list(range(4))
    kept = {name: values for name, values in again.fields.items() if not name.startswith("original_")}
    assert_same(Events(again.collections, kept, {name: again.info[name] for name in kept}), sample())


def test_events_of_another_detector_or_with_other_cells_are_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"made with; got: 'pixel_grid', not 'hgcal'.*name the detector hgcal"):
        reader(path, detector=GRID).shard("test", 0)
    events = sample()
    events.hits["cell"][4] = -1
    Tfrecord.write(tmp_path / "b.tfrecord", iter([events]), HGCAL)
    with pytest.raises(DataError, match=r"cell must be one of.*got: -1 and 0 more.*b\.tfrecord, event 2"):
        reader(tmp_path / "b.tfrecord").shard("test", 0)


def test_a_detector_whose_cells_are_elsewhere_is_refused(path: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Each number of a cell of 32 x 32 is one of 64 x 64, at another place."""
    small, large = (DETECTORS.build({"name": "pixel_grid", "rows": n, "columns": n}, where="test") for n in (32, 64))
    cell = np.array([100, 101, 133, 900])
    hits = dict(zip("xyz", small.position(cell).T, strict=True)) | {"cell": cell, "energy": np.ones(4)}
    hits |= dict.fromkeys(("time", "layer", "subsystem"), np.zeros(4))
    events = Events({"hits": Collection.from_counts(np.array([4]), hits)}, {}, {})
    Tfrecord.write(tmp_path / "new.tfrecord", iter([events]), small)
    assert_same(
        reader(tmp_path / "new.tfrecord", detector=GRID).shard("test", 0),
        reader(tmp_path / "new.tfrecord", detector=small).shard("test", 0),
    )
    message = r"settings that the events were made with; got: rows=64, columns=64: cells up to .* mm elsewhere; .*"
    with pytest.raises(DataError, match=rf"{message}new\.tfrecord; do: set detector\.rows=32, detector\.columns=32"):
        reader(tmp_path / "new.tfrecord", detector=large).shard("test", 0)
    thin = DETECTORS.build({"name": "hgcal", "active_thickness": 0.2}, where="test")  # at the same places
    assert reader(path, detector=thin).shard("test", 0).hits.counts.tolist() == COUNTS.tolist()
    describe = tfrecord._describe
    monkeypatch.setattr(tfrecord, "_describe", lambda *a: {k: v for k, v in describe(*a).items() if k != "settings"})
    Tfrecord.write(tmp_path / "old.tfrecord", iter([events]), small)
    assert reader(tmp_path / "old.tfrecord", detector=large).shard("test", 0).hits.rows == 4


def foreign(path: Path, **first: bytes) -> Path:
    train = tensorflow.train
    feature = {name: train.Feature(bytes_list=train.BytesList(value=[value])) for name, value in first.items()}
    example = train.Example(features=train.Features(feature=feature))
    with tensorflow.io.TFRecordWriter(str(path)) as writer:
        writer.write(example.SerializeToString())
    return path


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({}, "no feature 'hitforge'"),
        ({"hitforge": b"{"}, "JSONDecodeError"),
        ({"hitforge": b"[]"}, "TypeError"),
        ({"hitforge": b'{"version": 9}'}, "version 9"),
        ({"hitforge": b'{"version": 1, "collections": ["rings"], "info": {}, "detector": "hgcal"}'}, "another layout"),
        ({"hitforge": b'{"version": 1, "collections": [], "info": {"a": ["float32", "", ""]}, "detector": "hgcal"}'},
         "event.a"),
    ],
)  # fmt: skip
def test_a_file_of_others_is_refused(header: dict[str, bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"events that hitforge wrote.*{message}"):
        reader(foreign(tmp_path / "f.tfrecord", **header)).shard("test", 0)


def test_a_damaged_file_is_one_clear_error(path: Path) -> None:
    data = bytearray(path.read_bytes())
    path.write_bytes(data[:-9])
    with pytest.raises(DataError, match=r"end inside a record.*sample\.tfrecord, event 3"):
        reader(path).splits()
    data[-40] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"fit its checksum.*event 3"):
        reader(path).shard("test", 0)
    with pytest.raises(DataError, match="must exist"):
        reader(path.with_name("absent")).splits()


def test_writing_is_whole_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="there must be events to write"):
        Tfrecord.write(tmp_path / "a.tfrecord", iter([]), HGCAL)

    class Full:
        def __init__(self, _: str) -> None:
            raise tensorflow.errors.ResourceExhaustedError(None, None, "No space left on device")

    monkeypatch.setattr(tensorflow.io, "TFRecordWriter", Full)
    with pytest.raises(DataError, match="must be writable; got: No space left"):
        Tfrecord.write(tmp_path / "a.tfrecord", iter([sample()]), HGCAL)
    assert not list(tmp_path.iterdir())


def test_an_absent_extra_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"hitforge\[keras\]"):
        reader(path).shard("test", 0)
    with pytest.raises(MissingExtraError, match=r"hitforge\[keras\]"):
        Tfrecord.write(path, iter([sample()]), HGCAL)


def test_wrong_settings_are_refused() -> None:
    for values, message in (
        ({"path": []}, "must name a file"),
        ({"path": "a", "validation": 0.6, "test": 0.6}, "at most 1"),
    ):
        with pytest.raises(ConfigError, match=message):
            Tfrecord.Config.read(values, where="test")


def test_files_that_were_appended_to_each_other_must_say_the_same(tmp_path: Path) -> None:
    whole, parts = sample(), []
    other = Events(whole.collections, whole.fields, {**whole.info, "b": FieldInfo("float32", "cm", "a float")})
    for name, events in {"a": whole.take(np.array([0])), "b": whole.take(np.array([2, 3])), "c": other}.items():
        Tfrecord.write(tmp_path / name, iter([events]), HGCAL)
        parts.append((tmp_path / name).read_bytes())
    (tmp_path / "same").write_bytes(parts[0] + parts[1])
    assert reader(tmp_path / "same").shard("test", 0).hits.counts.tolist() == [3, 5, 1]
    (tmp_path / "mixed").write_bytes(parts[0] + parts[2])
    with pytest.raises(DataError, match=r"fields and the detector that the first one tells.*mixed, event 1; do: keep"):
        reader(tmp_path / "mixed").shard("test", 0)
