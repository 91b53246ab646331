"""Objects: what is looked for in an event. A kind of object (track, shower, ...) is described once, in its folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Collection, Events


@dataclass(frozen=True)
class Candidates:
    """Objects that a method found in N events, whether it is a network or a classical algorithm.

    Attributes:
        members: Columns named after the kind (``track``, ``shower``), number of the object in its event from 0, and
            ``hit``, index of the hit in its event; where hits are shared also ``weight``, the share of the hit's energy
            that belongs to the object. One entry an event.
        parameters: One row an object, in the order of their numbers; which columns, says the kind. None where nothing
            is known of the objects but their hits.
        seconds: Stage -> time that it took, (N,) [s].
    """

    members: Collection
    parameters: Collection | None = None
    seconds: dict[str, Array] = field(default_factory=dict)

    def counts(self, kind: str) -> Array:
        """Number of objects in each event, (N,) int64."""
        if self.parameters is not None:
            return self.parameters.counts
        count = np.zeros(len(self.members), np.int64)
        np.maximum.at(count, self.members.event, np.asarray(self.members[kind], np.int64) + 1)
        return count

    def selected(self, kind: str, stay: Array) -> Candidates:
        """Leave out objects and number the others anew.

        Args:
            kind: Name of the column with the object's number.
            stay: Of all objects, event by event, (objects,) bool.
        """
        members, event, counts = self.members, self.members.event, self.counts(kind)
        begin = np.cumsum(counts) - counts
        before = np.cumsum(stay) - stay  # of all objects that stay
        row = begin[event] + members[kind]
        number = before[row] - np.append(before, stay.sum())[begin][event]
        columns = {**members.columns, kind: number.astype(np.int32)}
        kept = Collection(members.offsets, columns).select_rows(stay[row])
        told = None if self.parameters is None else self.parameters.select_rows(stay)
        return replace(self, members=kept, parameters=told)

    @staticmethod
    def concatenate(parts: Sequence[Candidates]) -> Candidates:
        """Append the events of several parts."""
        told = [part.parameters for part in parts if part.parameters is not None]
        seconds = {name: np.concatenate([part.seconds[name] for part in parts]) for name in parts[0].seconds}
        members = Collection.concatenate([part.members for part in parts])
        return Candidates(members, Collection.concatenate(told) if told else None, seconds)


class Kind(Plugin, ABC):
    """A kind of object, and which of them are to be found: its configuration is the ``target`` block of a recipe.

    Args:
        config: The target.
        detector: Where they are looked for.

    Attributes:
        units: Table of ``match`` and ``measured`` -> column -> unit, of those that have one.
    """

    units: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def __init__(self, config: Any, detector: Detector) -> None:
        super().__init__(config)
        self.detector = detector

    @abstractmethod
    def match(self, events: Events, candidates: Candidates, region: Array | None) -> dict[str, Collection]:
        """Set candidates beside the truth: the tables of ``Predictions``.

        Args:
            events: N events with hits and, where truth is known, particles and links.
            candidates: What was found in them.
            region: Hits of the region of interest, (hits,) bool: others count nowhere. None for the kind's usual one.

        Returns:
            ``particles``, those that count; the candidates under the kind's name with an s; ``matches``, pairs that
            have something in common; and ``members``. Of events without truth the candidates and members alone.
        """

    @abstractmethod
    def measured(self, events: Events, region: Array | None) -> Collection:
        """Return what the hits of each event hold, one row an event: ``hits``, the number of hits that count."""

    @staticmethod
    def counted(objects: Collection, measured: Collection | None) -> dict[str, tuple[Array, Array | None, str]]:
        """Return what else is counted of objects without truth: name -> numbers above and below the line, and words.

        Args:
            objects: The candidates, as ``match`` gives them, N entries.
            measured: What ``measured`` gave, if the events have no truth.

        Returns:
            Of each number two (N,) arrays whose sums over events are divided; None below the line for the number of
            events.
        """
        return {}

    def require_truth(self, events: Events, region: Array | None, where: Path) -> None:
        """Refuse events whose truth does not speak of all hits that count: rates would be wrong without a word.

        Raises:
            ConfigError: The truth is that of a part of the hits.
        """

    def display(
        self, events: Events, tables: Mapping[str, Collection], metrics: Sequence[Plugin] = ()
    ) -> dict[str, Array]:
        """Return what pictures of a few events need, flat arrays; none where the kind has no pictures.

        Args:
            events: The first test events, in order, with hits and, where truth is known, particles and links; one at
                least.
            tables: What ``match`` gave of the test events, of which the first are these.
            metrics: Of the run: what is right and wrong is what they count as such.
        """
        return {}


def require_same_particles(one: Any, two: Any, columns: Sequence[str], do: str) -> None:
    """Refuse samples of objects that are not of the same particles.

    Args:
        one: With ``events``, their number, ``event`` of each particle, and columns of ``particles``.
        two: The other.
        columns: Of the particles that are compared.
        do: What would help.

    Raises:
        DataError: Events or particles differ.
    """
    same = one.events == two.events and np.array_equal(one.event, two.event)
    if not (same and all(np.array_equal(one.particles[name], two.particles[name]) for name in columns)):
        raise DataError(
            "both sets of predictions must be of the same particles",
            came=f"{len(one.event)} and {len(two.event)} particles",
            do=do,
        )


KINDS: Registry[Kind] = Registry("objects", Kind, module="kind")  # type: ignore[type-abstract]

__all__ = ["KINDS", "Candidates", "Kind", "require_same_particles"]
