"""Baselines: the classical algorithm for each task, trained and tested on the same events as the networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Collection, Events
from hitforge.tasks import Task

Array = NDArray[Any]
Sample = Callable[[], Iterable[Events]]
"""Gives the events of a split shard by shard, as often as it is called."""


@dataclass(frozen=True)
class Found:
    """Objects that were found: tracks or showers.

    Attributes:
        members: Columns ``track`` or ``shower``, number of the object in its event, and ``hit``, index of the hit in
            its event; of showers also ``weight``, the share of the hit's energy that belongs to it. One entry an event.
        parameters: One row an object, in the order of their numbers. Of tracks: loc0, z0 [mm], phi, theta, q_over_p
            [1/GeV], ``sigma_`` of each, chi2, ndf; NaN where a fit failed. Of showers: ``score``, 0 to 1 or an energy,
            by which they are ranked, ``energy`` [GeV], and ``hadron``, the probability of that class (0.5 unknown).
            None where nothing is known of tracks.
        seconds: Stage -> time that it took, (N,) [s].
    """

    members: Collection
    parameters: Collection | None = None
    seconds: dict[str, Array] = field(default_factory=dict)


class Baseline(Plugin, ABC):
    """A classical algorithm.

    Args:
        config: The plug-in's configuration.
        detector: Geometry of the cells.
        task: What is to be found out.

    Attributes:
        learns_from: Collections of the training events that ``fit`` looks at.
    """

    learns_from: ClassVar[frozenset[str]] = frozenset({"hits", "clusters"})

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config)
        self.detector, self.task = detector, task

    @abstractmethod
    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Tune the algorithm on training events; return a short record (rounds, seconds, importances)."""

    @abstractmethod
    def outputs(self, events: Events) -> Array:
        """Return what a network would, (N, ``task.outputs``) float32, for ``task.decode``."""

    @property
    def subsystems(self) -> tuple[int, ...] | None:
        """Parts of the detector whose hits are used; None for all."""
        return None

    def find(self, events: Events) -> Found:
        """Return the objects of events, for tasks that find objects.

        Raises:
            ConfigError: The algorithm finds no objects.
        """
        raise ConfigError(f"the baseline '{self.name}' finds no objects", came=self.task.name)

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what was fitted, in a format that executes nothing when it is read."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote."""


BASELINES: Registry[Baseline] = Registry("baselines", Baseline, skip=("clustering",))  # type: ignore[type-abstract]

__all__ = ["BASELINES", "Baseline", "Found", "Sample"]
