"""Batches from the shards of a dataset: prepared once, made dense in the background."""

from __future__ import annotations

import copy
import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.random import stream
from hitforge.events import Dataset
from hitforge.events.storage import read_shard
from hitforge.representations import Prepared, Representation, Target
from hitforge.tasks import Task
from hitforge.training.engine import share_of

Batch = tuple[dict[str, Array], Target]
_Window = tuple[Prepared, Array | None]  # compact events and their targets, where these are of events
_AHEAD = 4  # batches that may wait in the queue


class ShardBatches:
    """The events of one split, batch by batch; follows the protocol ``hitforge.training.Batches``.

    A split of at most ``window`` events is read once and stays in memory in its compact form. A larger one is read anew
    in each epoch, in windows of at most ``window // 2`` events (at least one shard): one is in use while the next is
    read, so memory does not grow with the sample. Shards come in random order and events are shuffled inside a window.
    Batches depend on the seed and the number of the epoch alone, not on timing.

    Args:
        dataset: Where the events are.
        split: Part of the dataset.
        representation: Makes the inputs.
        task: Makes the target.
        batch_size: Events in a batch.
        seed: Of the order and of the augmentation.
        shuffle: Random order, and full batches only (an incomplete last one is left out, unless it is the only one);
            otherwise the order of the dataset and every event.
        augment: Apply the representation's symmetries at random.
        window: Events held in memory.
        limit: Use the first ``limit`` events of the split only.

    Raises:
        DataError: The split has no events.
        ConfigError: A number is not positive.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: str,
        representation: Representation,
        task: Task,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = False,
        augment: bool = False,
        window: int = 1_000_000,
        limit: int | None = None,
    ) -> None:
        for name, value in (("batch_size", batch_size), ("window", window), ("limit", limit)):
            if value is not None and value < 1:
                raise ConfigError(f"'{name}' must be at least 1", came=value)
        self._representation, self._task = representation, task
        self._seed, self._shuffle, self._augment = seed, shuffle, augment
        counts = [shard["events"] for shard in dataset.shards if shard["split"] == split and shard["events"]]
        self._shards: list[tuple[Path, int]] = list(
            zip(dataset.files(split), counts, strict=True)
        )  # files() raises on an empty split
        if limit is not None:
            self._shards = _first(self._shards, limit)
        self.events: int = sum(count for _, count in self._shards)
        self._batch = min(batch_size, self.events)
        self._window = window
        self._rank, self._size = 0, 1  # of the processes that share each batch
        self._whole: _Window | None = None
        self._wait = 0.0

    def __len__(self) -> int:
        return self.events // self._batch if self._shuffle else -(-self.events // self._batch)

    def share(self, rank: int, size: int) -> ShardBatches:
        """Return the batches that one of several processes answers for: each batch's events, shared in their order."""
        mine = copy.copy(self)
        mine._rank, mine._size = rank, size
        return mine

    @property
    def share_events(self) -> int:
        """Number of events in a batch, or in this process's share of it."""
        return len(range(*share_of(self._batch, self._rank, self._size).indices(self._batch)))

    @property
    def wait(self) -> float:
        """Seconds that the consumer of the last epoch waited for data, the first reading included."""
        return self._wait

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield (inputs, target) of epoch ``number``; the same number gives the same batches.

        Inputs are (B, ...) float32, the target (B, ...).

        Raises:
            DataError: A shard is damaged, or a label is unknown.
        """
        ready: queue.Queue[Batch | BaseException | None] = queue.Queue(_AHEAD)
        stop = threading.Event()
        thread = threading.Thread(target=self._produce, args=(number, ready, stop), name="batches", daemon=True)
        self._wait = 0.0
        thread.start()
        try:
            while True:
                start = perf_counter()
                item = ready.get()
                self._wait += perf_counter() - start
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:  # also when the consumer leaves early
            stop.set()
            thread.join()

    def _produce(self, number: int, ready: queue.Queue[Batch | BaseException | None], stop: threading.Event) -> None:
        """Fill the queue from a thread of its own, and end with None or an exception."""

        def put(item: Batch | BaseException | None) -> None:
            while not stop.is_set():
                try:
                    ready.put(item, timeout=0.1)
                    return
                except queue.Full:
                    continue

        try:
            for item in self._make(number, stop):
                put(item)
                if stop.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    def _make(self, number: int, stop: threading.Event) -> Iterator[Batch]:
        """Cut the windows into batches; a batch may take its events from several windows."""
        made = 0
        parts: list[tuple[_Window, Array]] = []  # of the batch that is not full yet
        missing = self._batch
        for position, window in enumerate(self._windows(number, stop)):
            count = len(window[0])
            order = np.arange(count)
            if self._shuffle:
                order = stream(self._seed, "order", number, position).permutation(count)
            start = 0
            while start < count:
                taken = order[start : start + missing]
                parts.append((window, taken))
                start, missing = start + len(taken), missing - len(taken)
                if not missing:
                    yield self._dense(parts, number, made)
                    made, parts, missing = made + 1, [], self._batch
        if parts and not self._shuffle:
            yield self._dense(parts, number, made)

    def _dense(self, parts: list[tuple[_Window, Array]], number: int, made: int) -> Batch:
        parts = self._mine(parts)
        if self._task.per != "event":
            return self._rows(parts, number, made)
        random = self._random(number, made)
        inputs = [self._representation.batch(window[0], index, random) for window, index in parts]
        target = [window[1][index] for window, index in parts if window[1] is not None]
        if len(parts) == 1:
            return inputs[0], target[0]
        joined = {name: _joined([part[name] for part in inputs]) for name in inputs[0]}
        return joined, np.concatenate(target)

    def _mine(self, parts: list[tuple[_Window, Array]]) -> list[tuple[_Window, Array]]:
        """The events of a batch that fall to this process."""
        if self._size == 1:
            return parts
        first, mine = 0, []
        share = share_of(sum(len(index) for _, index in parts), self._rank, self._size)
        for window, index in parts:
            kept = index[max(share.start - first, 0) : max(share.stop - first, 0)]
            first += len(index)
            if len(kept):
                mine.append((window, kept))
        return mine

    def _random(self, number: int, made: int) -> np.random.Generator | None:
        """Random numbers of a batch's augmentation, or of this process's share of it."""
        keys = (number, made) if not self._rank else (number, made, self._rank)
        return stream(self._seed, "augment", *keys) if self._augment else None

    def _rows(self, parts: list[tuple[_Window, Array]], number: int, made: int) -> Batch:
        """Inputs and truth of hits, edges or objects, both with the same random numbers."""
        prepared, index = parts[0][0][0], parts[0][1]
        if len(parts) > 1:
            prepared = Prepared.concatenate([window[0].take(chosen) for window, chosen in parts])
            index = np.arange(len(prepared))
        first, second = (self._random(number, made) for _ in range(2))
        inputs = self._representation.batch(prepared, index, first)
        return inputs, self._representation.truth(prepared, index, self._task.per, second)

    def _windows(self, number: int, stop: threading.Event) -> Iterator[_Window]:
        if self.events <= self._window:
            if self._whole is None:
                self._whole = self._load(self._shards, stop)
            yield self._whole
            return
        order = np.arange(len(self._shards))
        if self._shuffle:
            order = stream(self._seed, "shards", number).permutation(len(self._shards))
        groups = _groups([self._shards[index] for index in order], self._window // 2)
        with ThreadPoolExecutor(1, thread_name_prefix="windows") as pool:
            coming = pool.submit(self._load, groups[0], stop)
            for following in [*groups[1:], None]:
                window = coming.result()
                if following is not None:
                    coming = pool.submit(self._load, following, stop)
                yield window
                del window

    def _load(self, shards: list[tuple[Path, int]], stop: threading.Event) -> _Window:
        prepared, target = [], []
        for path, count in shards:
            events = read_shard(path, self._representation.reads)
            if count < len(events):
                events = events.take(np.arange(count))
            prepared.append(self._representation.prepare(events))
            if self._task.per == "event":
                target.append(self._task.target(events))
            if stop.is_set():
                raise _StoppedError
        return Prepared.concatenate(prepared), np.concatenate(target) if target else None


def _joined(parts: list[Array]) -> Array:
    """Append batches; those of ragged events, (B, P, F), are first padded with zeros to the largest P."""
    if parts[0].ndim == 3:
        most = max(part.shape[1] for part in parts)
        parts = [np.pad(part, ((0, 0), (0, most - part.shape[1]), (0, 0))) for part in parts]
    return np.concatenate(parts)


class _StoppedError(Exception):
    """The consumer left while shards were read."""


def _first(shards: list[tuple[Path, int]], limit: int) -> list[tuple[Path, int]]:
    """The first ``limit`` events."""
    result = []
    for path, count in shards:
        if limit > 0:
            result.append((path, min(count, limit)))
            limit -= count
    return result


def _groups(shards: list[tuple[Path, int]], size: int) -> list[list[tuple[Path, int]]]:
    """Neighbouring shards with at most ``size`` events together, at least one shard."""
    groups: list[list[tuple[Path, int]]] = []
    room = 0
    for path, count in shards:
        if not groups or count > room:
            groups.append([])
            room = size
        groups[-1].append((path, count))
        room -= count
    return groups
