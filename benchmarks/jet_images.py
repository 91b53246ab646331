"""Jet images: from ML4SCI's Parquet to batches, in jets a second and peak memory, against pandas and a DataLoader.

The file holds images of 3 x 125 x 125 float32 as nested lists with some 100 lit pixels, made here. Each way runs in a
process of its own, on one thread, and ends at float32 tensors (B, 3, 125, 125) with labels, shuffled:

- hitforge: the reader, whose pixels become constituents, and ``jet_image`` (once: read; then each epoch: batches)
- pandas: ``read_parquet``, and a dataset that stacks one jet's nested arrays
- row groups: a dataset that reads one jet's row group, as end-to-end projects do

    python benchmarks/jet_images.py --jets 2000 4000
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 128
SIZE, PITCH = 125, 0.0174


def write(path: Path, jets: int, group: int) -> None:
    """Write images with lit pixels about their middle; ``group`` jets in a row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    random = np.random.default_rng(1)
    weight = 0.06 * np.exp(-np.hypot(*(np.indices((SIZE, SIZE)) - SIZE // 2)) / 12)
    nested = pa.list_(pa.list_(pa.list_(pa.float32())))
    schema = pa.schema([("X_jets", nested), ("pt", pa.float32()), ("m0", pa.float32()), ("y", pa.float32())])
    with pq.ParquetWriter(path, schema) as file:
        for first in range(0, jets, 200):
            count = min(200, jets - first)
            lit = random.random((count, 3, SIZE, SIZE)) < weight
            values: Any = pa.array(np.where(lit, random.exponential(2.0, lit.shape), 0).astype(np.float32).reshape(-1))
            for lists, length in ((count * 3 * SIZE, SIZE), (count * 3, SIZE), (count, 3)):
                values = pa.ListArray.from_arrays(np.arange(lists + 1, dtype=np.int32) * length, values)
            numbers = [random.uniform(80, 130, count), random.uniform(10, 30, count), random.integers(0, 2, count)]
            columns = [values, *(pa.array(of, pa.float32()) for of in numbers)]
            file.write_table(pa.table(columns, schema=schema), row_group_size=group)


def consume(batches: Iterable[Any]) -> float:
    """Seconds to make all batches."""
    start, total = time.perf_counter(), 0.0
    for images, labels in batches:
        total += float(images[0, 0, 0, 0]) + float(labels[0])
    assert np.isfinite(total)
    return time.perf_counter() - start


def hitforge(path: Path) -> list[float]:
    """Seconds to read the file into a dataset and of the first epoch, and of the second epoch."""
    import torch

    from hitforge.detectors import DETECTORS
    from hitforge.events import build_dataset
    from hitforge.readers import READERS
    from hitforge.representations import REPRESENTATIONS
    from hitforge.tasks import TASKS
    from hitforge.training.batches import ShardBatches

    cloud = DETECTORS.build("point_cloud", where="benchmark")
    start = time.perf_counter()
    reader = READERS.build(
        {"name": "ml4sci_parquet", "path": str(path), "test": 0.0, "shard_events": 1000}, cloud, where="benchmark"
    )
    image = {"name": "jet_image", "rows": SIZE, "columns": SIZE, "extent": SIZE * PITCH / 2, "scale": "log_pt"}
    task = {"name": "classify", "field": "jet_label", "classes": {"a": (0,), "b": (1,)}, "signal": "b"}
    with tempfile.TemporaryDirectory() as folder:
        dataset = build_dataset(reader, Path(folder) / "jets", {}, workers=1)
        read = time.perf_counter() - start
        source = ShardBatches(
            dataset, "train", REPRESENTATIONS.build(image, cloud, where="benchmark"),
            TASKS.build(task, where="benchmark"), batch_size=BATCH, shuffle=True, window=4,
        )  # fmt: skip

        def epoch(number: int) -> Iterable[Any]:
            for inputs, target in source.epoch(number):
                yield torch.from_numpy(inputs["image"]).permute(0, 3, 1, 2), torch.from_numpy(target)

        return [read + consume(epoch(0)), consume(epoch(1))]


def stock(path: Path, whole: bool) -> list[float]:
    """The same of pandas with the file in memory, or of one row group a jet."""
    import pandas as pd
    import pyarrow.parquet as pq
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Images(Dataset[Any]):
        """One jet an index."""

        def __init__(self) -> None:
            self.table = pd.read_parquet(path) if whole else pq.ParquetFile(path)

        def __len__(self) -> int:
            return len(self.table) if whole else self.table.num_row_groups

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            if whole:
                images, label = self.table["X_jets"].iloc[index], self.table["y"].iloc[index]
                stacked = np.stack([np.stack(channel) for channel in images])
            else:
                row = self.table.read_row_group(index, columns=["X_jets.list.element.list.element.list.element", "y"])
                found = row.to_pydict()
                stacked, label = np.array(found["X_jets"][0], np.float32), found["y"][0]
            return torch.from_numpy(stacked), torch.tensor(label)

    start = time.perf_counter()
    data = Images()
    read = time.perf_counter() - start
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    return [read + consume(loader), consume(loader)]


WAYS = {"hitforge": hitforge, "pandas": lambda path: stock(path, True), "row groups": lambda path: stock(path, False)}


def main() -> None:
    """Write files, and let each way read them in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jets", type=int, nargs="+", default=[2000, 4000])
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    if options.way:
        import torch

        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as folder:  # imports and compiled kernels are not what is compared
            write(Path(folder) / "few.parquet", 2 * BATCH, 1)
            WAYS[options.way](Path(folder) / "few.parquet")
        seconds = WAYS[options.way](options.file)
        print(json.dumps([*seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
        return
    print("| way | jets | first epoch, with reading [jets/s] | later epochs [jets/s] | peak memory [MiB] |")
    print("|---|---|---|---|---|")
    for jets in options.jets:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "jets.parquet"
            write(path, jets, 1)
            for way in WAYS:
                command = [sys.executable, __file__, "--way", way, "--file", str(path)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                first, later, memory = json.loads(answer.splitlines()[-1])
                print(f"| {way} | {jets} | {jets / first:.0f} | {jets / later:.0f} | {memory:.0f} |")


if __name__ == "__main__":
    main()
