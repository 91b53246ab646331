"""Loading: events a second from the Parquet store to batched tensors, against h5py with a stock PyTorch DataLoader.

Both sides hold the same images (32 x 32, energy and time), made here, and both end at a float32 tensor (B, 2, 32, 32)
and its labels, shuffled. The HDF5 file is contiguous and not compressed, which is its fastest layout for random access.

    python benchmarks/loading.py --events 40000
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from hitforge.core.random import stream
from hitforge.detectors.pixel_grid import PixelGrid
from hitforge.events import Collection, Dataset, Events, FieldInfo, Source, build_dataset
from hitforge.representations.image.image import Image
from hitforge.tasks.classify import Classify
from hitforge.training.batches import ShardBatches

GRID = PixelGrid(PixelGrid.Config())
SHARD = 5000
Batch = tuple[torch.Tensor, torch.Tensor]


class Blobs(Source):
    """Events with some 50 lit cells around the middle, as the ML4SCI images have."""

    def splits(self) -> dict[str, int]:
        """As many shards as the benchmark asks for."""
        return {"train": self.detector}

    def shard(self, split: str, index: int) -> Events:
        """Random cells, energies and times."""
        random = stream(1, split, index)
        lit = random.random((SHARD, 32, 32)) < 0.6 * np.exp(-0.5 * ((np.indices((32, 32)) - 16) ** 2).sum(0) / 14)
        lit[:, 16, 16] = True
        event, row, column = np.nonzero(lit)
        cell = row * 32 + column
        position = GRID.position(cell)
        zero = np.zeros(len(cell))
        columns = {
            **{"x": position[:, 0], "y": position[:, 1], "z": position[:, 2], "layer": zero, "subsystem": zero},
            **{"cell": cell, "energy": random.exponential(1.0, len(cell)), "time": random.normal(0, 1, len(cell))},
        }
        hits = Collection.from_counts(np.bincount(event, minlength=SHARD), columns)
        info = {
            "primary_pdg": FieldInfo("int32", "", "label"),
            "seed_cell": FieldInfo("int64", "", "middle of the image"),
        }
        fields = {"primary_pdg": random.choice([11, 22], SHARD), "seed_cell": np.full(SHARD, 16 * 32 + 16)}
        return Events({"hits": hits}, fields, info)


def batches(dataset: Dataset, size: int, window: int) -> ShardBatches:
    image = Image(Image.Config(channels=("energy", "time")), GRID)
    return ShardBatches(
        dataset, "train", image, Classify(Classify.Config()), batch_size=size, shuffle=True, window=window
    )


def ours(source: ShardBatches, number: int) -> Iterator[Batch]:
    for inputs, target in source.epoch(number):
        yield torch.from_numpy(inputs["image"]).permute(0, 3, 1, 2), torch.from_numpy(target)


class OneByOne(TorchDataset[Any]):
    """What a first tutorial writes: one image an index."""

    def __init__(self, path: Path, events: int) -> None:
        self.path, self.events = path, events
        self.file: Any = None

    def __len__(self) -> int:
        return self.events

    def open(self) -> Any:
        """Return the open file."""
        self.file = self.file or h5py.File(self.path, "r")  # once a worker
        return self.file

    def __getitem__(self, index: Any) -> Any:
        file = self.open()
        return torch.from_numpy(file["X"][index]).permute(2, 0, 1), int(file["y"][index])


class ByBatch(OneByOne):
    """The fairest: one read a batch, with rising indices as h5py demands."""

    def __getitem__(self, index: Any) -> Any:
        file, rising = self.open(), np.sort(index)
        return torch.from_numpy(file["X"][rising]).permute(0, 3, 1, 2), torch.from_numpy(file["y"][rising])


def write_hdf5(dataset: Dataset, path: Path) -> None:
    image = Image(Image.Config(channels=("energy", "time")), GRID)
    task = Classify(Classify.Config())
    with h5py.File(path, "w") as file:
        number, done = dataset.count("train"), 0
        x = file.create_dataset("X", (number, 32, 32, 2), np.float32)
        y = file.create_dataset("y", (number,), np.int64)
        for events in dataset.read("train"):
            stop = done + len(events)
            x[done:stop] = image.batch(image.prepare(events), np.arange(len(events)))["image"]
            y[done:stop] = task.target(events)
            done = stop


def epoch(loader: Iterable[Batch]) -> tuple[float, int, float]:
    """Seconds, events, and the sum of all pixels: every loader must have given the same images."""
    start, events, total = time.perf_counter(), 0, 0.0
    for images, _ in loader:
        events += len(images)
        total += float(images[:, 0, 16, 16].sum(dtype=torch.float64))
    return time.perf_counter() - start, events, total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=250, help="a divisor of the number of events")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        count = -(-arguments.events // SHARD)
        dataset = build_dataset(Blobs(Blobs.Config(), count), Path(folder) / "store", {"source": "blobs"})
        path = Path(folder) / "images.h5"
        write_hdf5(dataset, path)
        size = sum(file.stat().st_size for file in dataset.files("train"))
        print(f"{count * SHARD} events; Parquet {size / 1e6:.0f} MB, HDF5 {path.stat().st_size / 1e6:.0f} MB")
        compare(dataset, path, arguments.batch, arguments.repeat)


def compare(dataset: Dataset, path: Path, size: int, repeat: int) -> None:
    number = dataset.count("train")
    kept = batches(dataset, size, number)
    streamed = batches(dataset, size, number // 2)
    epoch(ours(batches(dataset, size, number), 0))  # compile the kernels
    with h5py.File(path) as file:
        memory = TensorDataset(torch.from_numpy(file["X"][:]).permute(0, 3, 1, 2), torch.from_numpy(file["y"][:]))

    def stock(data: Any, workers: int) -> DataLoader[Any]:
        return DataLoader(data, batch_size=size, shuffle=True, num_workers=workers)

    def by_batch(workers: int) -> DataLoader[Any]:
        data = ByBatch(path, number)
        sampler = BatchSampler(RandomSampler(range(number)), size, drop_last=False)
        return DataLoader(data, batch_size=None, sampler=sampler, num_workers=workers)

    loaders: dict[str, Callable[[int], Iterable[Batch]]] = {
        "hitforge, first epoch (reads Parquet)": lambda k: ours(batches(dataset, size, number), k),
        "hitforge, later epochs (compact in memory)": lambda k: ours(kept, k),
        "hitforge, larger than memory (reads Parquet each epoch)": lambda k: ours(streamed, k),
        "h5py one by one, 0 workers": lambda k: stock(OneByOne(path, number), 0),
        "h5py one by one, 2 workers": lambda k: stock(OneByOne(path, number), 2),
        "h5py a batch at a time, 0 workers": lambda k: by_batch(0),
        "h5py a batch at a time, 2 workers": lambda k: by_batch(2),
        "all images dense in memory, DataLoader, 0 workers": lambda k: stock(memory, 0),
    }
    epoch(ours(kept, 0))
    rates: dict[str, list[float]] = {name: [] for name in loaders}
    sums = set()
    for turn in range(repeat):  # side by side, so that a busy minute hits all of them
        for name, loader in loaders.items():
            seconds, events, total = epoch(loader(turn + 1))
            assert events == number, f"{name}: {events} events"
            sums.add(round(total, 1))
            rates[name].append(events / seconds)
    assert max(sums) - min(sums) < 1e-5 * max(sums), f"the loaders gave different images: {sums}"
    median = {name: statistics.median(values) for name, values in rates.items()}
    peers = [name for name in median if name.startswith("h5py")]
    best, stock_best = max(median[name] for name in peers), max(median[name] for name in peers[:2])
    print(f"\n{'':58}{'events/s':>10}{'/ stock h5py':>14}{'/ best h5py':>13}")
    for name, rate in median.items():
        print(f"{name:58}{rate:10,.0f}{rate / stock_best:14.2f}{rate / best:13.2f}")


if __name__ == "__main__":
    main()
