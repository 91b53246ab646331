"""Readers: from a file to events. Units are converted here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hitforge.core.registry import Registry
from hitforge.detectors import Detector
from hitforge.events import Events, Source


class Reader(Source):
    """A source that reads files. A format that can also be written overrides ``write``."""

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> None:
        """Write events in this format, atomically, streamed shard by shard.

        Raises:
            DataError: The format cannot hold these events, or the disk is full.
        """
        raise NotImplementedError


READERS: Registry[Reader] = Registry("readers", Reader)

__all__ = ["READERS", "Reader"]
