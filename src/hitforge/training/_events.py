"""TensorBoard event files, written without importing TensorFlow or PyTorch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path


class EventFile:
    """One event file of scalars in a folder; files of an earlier, interrupted run are replaced.

    Args:
        folder: Folder for the event file, made where it is absent.
        rows: What is already known: (step, name -> value).
    """

    def __init__(self, folder: Path, rows: Iterable[tuple[int, Mapping[str, float]]] = ()) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("events.out.tfevents.*.hitforge"):
            old.unlink()
        self._handle = (folder / f"events.out.tfevents.{time.time_ns()}.hitforge").open("wb")
        self._event, self._records = Event, RecordWriter(self._handle)
        self._records.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        for step, values in rows:
            self.add(step, values)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Append scalars of one step."""
        event = self._event(wall_time=time.time(), step=step)
        for name, value in values.items():
            event.summary.value.add(tag=name, simple_value=value)
        self._records.write(event.SerializeToString())
        self._records.flush()

    def close(self) -> None:
        """Close the file."""
        self._handle.close()
