"""Representations: from events to arrays. Sparse until the batch, dense only in it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Collection, Events

Shapes = dict[str, tuple[int, ...]]
"""Input name -> shape of one event, without the batch dimension; images are (rows, columns, channels).

Inputs that are flat over the hits or edges of a batch stand with the shape of one of these.
"""
Per = Literal["event", "hit", "edge", "object"]
"""What a network answers for: rows of its outputs. Of objects, the outputs may be several arrays by name."""
Target = Array | dict[str, Array]
"""What a network should find: one array, or several by name."""
Network = Callable[[dict[str, Array]], Any]
"""A trained network of another run: inputs of a batch -> outputs."""


@dataclass(frozen=True)
class Prepared:
    """Events in compact form, ready to be made into batches.

    Attributes:
        ragged: Rows of varying number for each event (for instance lit pixels), or None.
        dense: Name -> (N, ...) arrays of fixed shape for each event.
        tables: Further rows of varying number, such as edges, by name.
    """

    ragged: Collection | None
    dense: dict[str, Array]
    tables: dict[str, Collection] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ragged) if self.ragged is not None else len(next(iter(self.dense.values())))

    def take(self, index: Array) -> Prepared:
        """Return the events ``index``, (B,) int, in that order."""
        ragged = None if self.ragged is None else self.ragged.take(index)
        dense = {name: values[index] for name, values in self.dense.items()}
        return Prepared(ragged, dense, {name: table.take(index) for name, table in self.tables.items()})

    @staticmethod
    def concatenate(parts: Sequence[Prepared]) -> Prepared:
        """Append the events of several parts."""
        ragged = [part.ragged for part in parts if part.ragged is not None]
        dense = {name: np.concatenate([part.dense[name] for part in parts]) for name in parts[0].dense}
        tables = {name: Collection.concatenate([part.tables[name] for part in parts]) for name in parts[0].tables}
        return Prepared(Collection.concatenate(ragged) if ragged else None, dense, tables)


class Representation(Plugin, ABC):
    """Turns events into the arrays that a model takes.

    Args:
        config: The plug-in's configuration.
        detector: Geometry of the cells.
        target: Which objects are to be found, a kind of ``hitforge.objects``, for representations that have a ``kind``;
            None: all that left hits.

    Attributes:
        kind: Name of the kind of object that the truth of hits, edges or objects is about; None for truth of events.
        reads: Collections of the events that are read; those that a sample lacks are left out.
    """

    kind: ClassVar[str | None] = None
    reads: ClassVar[frozenset[str]] = frozenset({"hits"})

    def __init__(self, config: Any, detector: Detector, target: Any = None) -> None:
        super().__init__(config)
        self.detector, self.target = detector, target

    @property
    def subsystems(self) -> tuple[int, ...] | None:
        """Parts of the detector whose hits are used; None for all."""
        return None

    def region(self, events: Events) -> Array | None:
        """Return the hits of the region of interest, (hits,) bool: answers are measured by them alone.

        None for the usual ones of the kind of object that is looked for.
        """
        return None if self.subsystems is None else np.isin(events.hits["subsystem"], self.subsystems)

    def rows(self, inputs: dict[str, Array], per: Per) -> int:
        """Return the number of hits or edges of a batch that a network has to answer for."""
        name = "source" if per == "edge" else "nodes"
        return len(inputs[name]) if name in inputs else len(next(iter(inputs.values())))

    def sample_quality(self, events: Iterable[Events]) -> dict[str, Any] | None:
        """Return how well the representation keeps what is to be found in events with truth; None where nobody asks."""
        return None

    @property
    def tile_size(self) -> float | None:
        """Edge of the region of interest [mm], where parts of an event can be; else None."""
        return None

    @property
    def depends_on(self) -> tuple[str, ...]:
        """Names of networks of other runs that ``provide`` must hand in before anything is prepared."""
        return ()

    def provide(self, name: str, network: Network, representation: Representation) -> None:
        """Take a trained network of another run, with the representation that makes its inputs."""
        raise ConfigError(f"the representation '{self.name}' uses no other network", came=name)

    def fit(self, train: Callable[[], Iterable[Events]], progress: Progress) -> None:
        """Learn what is learned from training events, such as windows; nothing where this is not overridden."""

    def save(self, folder: Path) -> None:
        """Write what was fitted, in a format that executes nothing when it is read."""

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""

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
        """Return dense arrays of the events ``index``, (B,) int, as ``shapes`` says: (B, ...), or flat over their hits.

        Args:
            prepared: What ``prepare`` returned.
            index: Events of the batch.
            random: Where given, true symmetries of the detector are applied at random (augmentation).
        """

    def truth(self, prepared: Prepared, index: Array, per: Per, random: np.random.Generator | None = None) -> Target:
        """Return what a network should find for each hit, edge or object of a batch, in the batch's order, float32.

        In a tracker, an edge has (label, weight), (E, 2), and a hit the columns of ``HitTruth`` and the number of its
        event in the batch, (H, 9). In a calorimeter, hits and objects have the same arrays by name, those of
        ``ShowerTruth``, both in ``hitforge.representations.truth``.

        Args:
            prepared: What ``prepare`` returned.
            index: Events of the batch.
            per: Kind of row.
            random: A generator in the same state as the one that ``batch`` was given.
        """
        raise ConfigError(f"the representation '{self.name}' has no truth per {per}", came=per)

    def hit_index(self, prepared: Prepared, index: Array) -> Array:
        """Return the index in its event of each hit of a batch, (H,) int64; hits outside the region are absent."""
        raise ConfigError(f"the representation '{self.name}' has no rows of hits", came=self.name)


REPRESENTATIONS: Registry[Representation] = Registry(
    "representations",
    Representation,  # type: ignore[type-abstract]
    skip=("region", "truth"),
)

__all__ = ["REPRESENTATIONS", "Network", "Per", "Prepared", "Representation", "Shapes", "Target"]
