"""Representations: from events to arrays. Sparse until the batch, dense only in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Collection, Events

Array = NDArray[Any]
Shapes = dict[str, tuple[int, ...]]
"""Input name -> shape of one event, without the batch dimension; images are (rows, columns, channels)."""


@dataclass(frozen=True)
class Prepared:
    """Events in compact form, ready to be made into batches.

    Attributes:
        ragged: Rows of varying number for each event (for instance lit pixels), or None.
        dense: Name -> (N, ...) arrays of fixed shape for each event.
    """

    ragged: Collection | None
    dense: dict[str, Array]

    def __len__(self) -> int:
        return len(self.ragged) if self.ragged is not None else len(next(iter(self.dense.values())))

    @staticmethod
    def concatenate(parts: Sequence[Prepared]) -> Prepared:
        """Append the events of several parts."""
        ragged = [part.ragged for part in parts if part.ragged is not None]
        dense = {name: np.concatenate([part.dense[name] for part in parts]) for name in parts[0].dense}
        return Prepared(Collection.concatenate(ragged) if ragged else None, dense)


class Representation(Plugin, ABC):
    """Turns events into the arrays that a model takes.

    Args:
        config: The plug-in's configuration.
        detector: Geometry of the cells.
    """

    def __init__(self, config: Any, detector: Detector) -> None:
        super().__init__(config)
        self.detector = detector

    @abstractmethod
    def shapes(self) -> Shapes:
        """Return the shape of each array that ``batch`` gives, without the batch dimension."""

    @abstractmethod
    def labels(self) -> dict[str, list[str]]:
        """Return, for each array, the names along its last dimension (channels, features)."""

    @abstractmethod
    def prepare(self, events: Events) -> Prepared:
        """Return the compact form of events."""

    @abstractmethod
    def batch(self, prepared: Prepared, index: Array, random: np.random.Generator | None = None) -> dict[str, Array]:
        """Return dense float32 arrays of the events ``index``, (B,) int, as ``shapes`` says: (B, ...).

        Args:
            prepared: What ``prepare`` returned.
            index: Events of the batch.
            random: Where given, true symmetries of the detector are applied at random (augmentation).
        """


REPRESENTATIONS: Registry[Representation] = Registry("representations", Representation)  # type: ignore[type-abstract]

__all__ = ["REPRESENTATIONS", "Prepared", "Representation", "Shapes"]
