"""Readers: from a file to events. Units are converted here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hitforge.core.errors import ConfigError
from hitforge.core.registry import Registry, name_of
from hitforge.detectors import Detector
from hitforge.events import Events, Source


class Reader(Source):
    """A source that reads files. A format that can also be written overrides ``write``."""

    @classmethod
    def write(cls, path: Path, shards: Iterator[Events], detector: Detector) -> list[str] | None:
        """Write events in this format, atomically, streamed shard by shard.

        Returns:
            What the format could not hold, a sentence each; none where nothing was lost.

        Raises:
            ConfigError: The format can only be read.
            DataError: The format cannot hold these events, or the disk is full.
        """
        raise ConfigError(
            "the format must be one that can be written", came=name_of(cls), do="write for instance ml4sci_hdf5"
        )


READERS: Registry[Reader] = Registry("readers", Reader, skip=("public", "files"))  # type: ignore[type-abstract]

__all__ = ["READERS", "Reader"]
