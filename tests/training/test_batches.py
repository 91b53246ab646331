from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.random import stream
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.events import Collection, Dataset, Events, FieldInfo, Source, build_dataset
from hitforge.representations import Prepared
from hitforge.representations.image.image import Image
from hitforge.tasks.classify import Classify
from hitforge.training.batches import ShardBatches

BARREL = CrystalBarrel(CrystalBarrel.Config())
TASK = Classify(Classify.Config())
SIZES = {"train": [7, 0, 5, 8], "test": [4]}  # events in each shard; 20 in training


class NumberedSource(Source):
    """The hottest cell of event k has k GeV, so that an image tells which event it is."""

    def splits(self) -> dict[str, int]:
        return {split: len(sizes) for split, sizes in SIZES.items()}

    def shard(self, split: str, index: int) -> Events:
        size, first = SIZES[split][index], sum(SIZES[split][:index])
        number = np.arange(first, first + size)
        energy = np.stack([number + 1.0, np.full(size, 0.5)], axis=1).ravel()
        cell = np.tile([80 * 360 + 100, 82 * 360 + 101], size)
        zero = np.zeros(2 * size)
        columns = {
            "x": zero,
            "y": zero,
            "z": zero,
            "time": zero,
            "energy": energy,
            "cell": cell,
            "layer": zero,
            "subsystem": zero,
        }
        info = {"primary_pdg": FieldInfo("int32", "", "label")}
        return Events(
            {"hits": Collection.from_counts(np.full(size, 2), columns)},
            {"primary_pdg": np.where(number % 2, 11, 22)},
            info,
        )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    source = NumberedSource(NumberedSource.Config(), BARREL)
    return build_dataset(source, tmp_path_factory.mktemp("data") / "numbered", {"source": "numbered"})


def build(dataset: Dataset, split: str = "train", **values: Any) -> ShardBatches:
    image = Image(Image.Config(channels=("energy",), energy_scale=1.0), BARREL)
    return ShardBatches(dataset, split, image, TASK, **{"batch_size": 6, **values})


def numbers(inputs: dict[str, np.ndarray]) -> list[int]:
    return [round(float(value)) - 1 for value in inputs["image"][:, 16, 16, 0]]


def epoch(batches: ShardBatches, number: int = 0) -> list[list[int]]:
    result = []
    for inputs, target in batches.epoch(number):
        which = numbers(inputs)
        assert target.tolist() == [k % 2 for k in which]  # inputs and targets belong together
        assert inputs["image"].dtype == np.float32
        result.append(which)
    assert len(result) == len(batches)
    return result


def flat(batches: list[list[int]]) -> list[int]:
    return [number for batch in batches for number in batch]


@pytest.mark.parametrize("window", [1000, 16, 10, 1])
def test_evaluation_gives_every_event_in_order(dataset: Dataset, window: int) -> None:
    batches = build(dataset, window=window)
    assert (len(batches), batches.events) == (4, 20)
    assert flat(epoch(batches)) == list(range(20))
    assert [len(batch) for batch in epoch(batches)] == [6, 6, 6, 2]


@pytest.mark.parametrize("window", [1000, 16, 10, 1])
def test_training_gives_full_batches_in_an_order_of_the_epoch(dataset: Dataset, window: int) -> None:
    batches = build(dataset, shuffle=True, seed=3, window=window)
    first, second = epoch(batches, 0), epoch(batches, 1)
    assert [len(batch) for batch in first] == [6, 6, 6]
    assert len(set(flat(first))) == 18
    assert first != second
    assert epoch(batches, 0) == first  # also after another epoch
    assert epoch(build(dataset, shuffle=True, seed=3, window=window), 1) == second
    assert epoch(build(dataset, shuffle=True, seed=4, window=window), 0) != first


def test_all_events_come_over_the_epochs_where_one_leaves_some_out(dataset: Dataset) -> None:
    batches = build(dataset, shuffle=True)
    assert {k for number in range(8) for batch in epoch(batches, number) for k in batch} == set(range(20))


def test_augmentation_is_the_same_in_the_same_epoch(dataset: Dataset) -> None:
    batches = build(dataset, augment=True, shuffle=True)
    first, again, other = ([inputs["image"] for inputs, _ in batches.epoch(n)] for n in (2, 2, 3))
    np.testing.assert_array_equal(first, again)
    mirrored = np.stack(first)[:, :, 14, 17, 0].ravel()
    assert set(mirrored) == {0.0, 0.5}
    assert (np.stack(first) != np.stack(other)).any()


def test_limit_uses_the_first_events(dataset: Dataset) -> None:
    batches = build(dataset, limit=9)
    assert batches.events == 9
    assert flat(epoch(batches)) == list(range(9))


def test_a_sample_smaller_than_a_batch_is_one_batch(dataset: Dataset) -> None:
    batches = build(dataset, "test", shuffle=True, batch_size=256)
    assert sorted(epoch(batches)[0]) == [0, 1, 2, 3]


def test_a_split_in_memory_is_read_once(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    from hitforge.training import batches as module

    real = module.read_shard
    monkeypatch.setattr(module, "read_shard", lambda *arguments: (calls.append(arguments), real(*arguments))[1])
    whole, streamed = build(dataset), build(dataset, window=10)
    for number in range(3):
        epoch(whole, number)
    assert len(calls) == 3  # the empty shard is not read
    for number in range(3):
        epoch(streamed, number)
    assert len(calls) == 12


def test_memory_holds_two_windows_at_most(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one window is used, only the next one is read."""
    batches = build(dataset, window=2, batch_size=2)
    loaded: list[int] = []
    real = ShardBatches._load
    monkeypatch.setattr(ShardBatches, "_load", lambda self, *a: (loaded.append(len(a[0])), real(self, *a))[1])
    stream = batches._windows(0, threading.Event())
    next(stream)
    time.sleep(0.2)
    assert loaded == [1, 1]
    stream.close()


def alive() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("batches", "windows"))]


@pytest.mark.parametrize("window", [1000, 1])
def test_leaving_early_ends_the_thread(dataset: Dataset, window: int) -> None:
    batches = build(dataset, shuffle=True, batch_size=2, window=window)
    for _ in batches.epoch(0):
        break
    iterator = batches.epoch(1)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert alive() == []
    assert len(epoch(batches, 2)) == 10


def test_an_unknown_label_is_raised_where_batches_are_used(dataset: Dataset) -> None:
    task = Classify(Classify.Config(classes={"photon": (22,), "electron": (-11,)}))
    batches = ShardBatches(dataset, "train", Image(Image.Config(), BARREL), task, batch_size=4)
    with pytest.raises(DataError, match="primary_pdg"):
        list(batches.epoch(0))
    assert alive() == []


def test_a_damaged_shard_is_raised_where_batches_are_used(tmp_path: Path) -> None:
    dataset = build_dataset(NumberedSource(NumberedSource.Config(), BARREL), tmp_path / "d", {})
    victim = dataset.files("train")[1]
    victim.write_bytes(victim.read_bytes()[:100])
    with pytest.raises(DataError, match=rf"as it was written .*{victim.name}"):
        list(build(dataset, window=1).epoch(0))
    assert alive() == []


def test_wait_counts_the_time_without_data(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = build(dataset)
    real = Image.prepare

    def slow(self: Image, events: Events) -> Prepared:
        time.sleep(0.05)
        return real(self, events)

    monkeypatch.setattr(Image, "prepare", slow)
    list(batches.epoch(0))
    first = batches.wait
    assert first >= 0.15
    list(batches.epoch(1))
    assert batches.wait < first


def test_an_empty_split_and_senseless_numbers_are_refused(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"split 'validation'.*train \(20\)"):
        build(dataset, "validation")
    for name in ("batch_size", "window", "limit"):
        with pytest.raises(ConfigError, match=name):
            build(dataset, **{name: 0})


class Drawing:
    """A representation of hits that tells what was drawn for each event, beside its number."""

    def batch(self, prepared: Prepared, index: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
        assert prepared.ragged is not None
        nodes, drawn = prepared.ragged.take(index), random.random(len(index)).astype(np.float32)
        return {"nodes": np.stack([nodes["number"], drawn[nodes.event]], 1), "event": nodes.event.astype(np.int32)}

    def truth(self, prepared: Prepared, index: np.ndarray, per: str, random: np.random.Generator) -> dict[str, object]:
        assert per == "object"
        dense = prepared.dense["number"][index]
        return {"number": dense, "drawn": random.random(len(index)).astype(np.float32)}


class PerObject:
    per = "object"


def window(first: int, events: int) -> Prepared:
    """Events of one to three hits, which know their number."""
    number = np.arange(first, first + events, dtype=np.float32)
    counts = 1 + np.arange(first, first + events) % 3
    hits = Collection.from_counts(counts, {"number": np.repeat(number, counts)})
    return Prepared(hits, {"number": number})


def made(parts: list[tuple[Prepared, np.ndarray]], batch: int) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    batches = ShardBatches.__new__(ShardBatches)
    batches._representation, batches._task, batches._seed, batches._augment = Drawing(), PerObject(), 5, True  # type: ignore[assignment]
    batches._rank, batches._size = 0, 1
    inputs, truth = batches._dense([((prepared, None), index) for prepared, index in parts], 3, batch)
    assert isinstance(truth, dict)
    return inputs, truth


@pytest.mark.parametrize("cut", [0, 1, 4, 6])
def test_a_batch_of_several_windows_is_that_of_one(cut: int) -> None:
    chosen = np.array([5, 0, 3, 8, 2, 7])
    whole = made([(window(0, 9), chosen)], 1)
    parts = [(window(0, 9), chosen[:cut]), (window(0, 9), chosen[cut:])]
    for one, other in zip(whole, made([part for part in parts if len(part[1])], 1), strict=True):
        assert one.keys() == other.keys()
        for name, values in one.items():
            np.testing.assert_array_equal(values, other[name])
            assert values.dtype == other[name].dtype


def test_inputs_and_truth_are_drawn_alike_and_no_batch_as_another() -> None:
    seen = []
    for batch, sizes in enumerate(([2, 3, 1], [3, 3], [6])):
        inputs, truth = made([(window(10 * k, n), np.arange(n)) for k, n in enumerate(sizes)], batch)
        np.testing.assert_array_equal(inputs["nodes"][:, 1], truth["drawn"][inputs["event"]])
        np.testing.assert_array_equal(inputs["nodes"][:, 0], truth["number"][inputs["event"]])
        np.testing.assert_array_equal(truth["drawn"], stream(5, "augment", 3, batch).random(6).astype(np.float32))
        seen.append(truth["drawn"])
    assert len(np.unique(np.concatenate(seen))) == 18
