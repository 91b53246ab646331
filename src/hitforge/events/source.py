"""The contract of everything that gives events: a simulation or a file reader."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hitforge.core.registry import Plugin
from hitforge.events.events import Events

SPLITS = ("train", "validation", "test")
"""Names of the parts of a sample."""


class Source(Plugin, ABC):
    """Gives events shard by shard, in any order and in any process, always the same ones.

    Args:
        config: The plug-in's configuration.
        detector: The detector that the recipe names (``hitforge.detectors.Detector``).
    """

    def __init__(self, config: Any, detector: Any) -> None:
        super().__init__(config)
        self.detector = detector

    @property
    def once(self) -> bool:
        """True where an event that is given twice, which could then stand in training and test, is an error."""
        return False

    @abstractmethod
    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split ('train', 'validation', 'test'); 0 where a split is empty."""

    @abstractmethod
    def shard(self, split: str, index: int) -> Events:
        """Return shard ``index`` of a split, the same events at every call."""

    def inputs(self) -> list[str]:
        """Return the SHA-256 of each file that is read, so that a changed file is a changed sample."""
        return []

    def files(self) -> list[str]:
        """Return the files that are read, as they are named, in the order in which the field ``file`` counts them."""
        return []
