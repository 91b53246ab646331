"""Tasks: what a network is asked, how it is punished, and what its numbers mean."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.objects import Candidates, Kind
from hitforge.representations import Per

if TYPE_CHECKING:
    import torch

Better = Literal["max", "min"]
"""Whether more or less of a number is better."""


class Task(Plugin, ABC):
    """Target, loss and decoding.

    Args:
        config: The plug-in's configuration.
        detector: Geometry of the cells; None for tasks that need none.
        object_kind: The kind of object that is to be found, and which of them count; for tasks that have a ``kind``.

    Attributes:
        usual_metrics: What is measured where a recipe names no metrics.
        competing: True if the outputs compete as the logits of classes do: one is then explained against the others.
        per: What has a target and an answer: each event, hit, edge or object. Truth of all but events comes from the
            representation.
        kind: Name of the kind of object that is looked for, see ``hitforge.objects``; None of answers for events.
    """

    usual_metrics: ClassVar[tuple[str, ...]] = ()
    competing: ClassVar[bool] = False
    per: ClassVar[Per] = "event"
    kind: ClassVar[str | None] = None

    def __init__(self, config: Any, detector: Detector | None = None, object_kind: Kind | None = None) -> None:
        super().__init__(config)
        self._detector, self.object_kind = detector, object_kind

    @property
    def detector(self) -> Detector:
        """Geometry of the cells.

        Raises:
            ConfigError: The task was built without it.
        """
        if self._detector is None:
            raise ConfigError(f"the task '{self.name}' must be built with a detector", came="none")
        return self._detector

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Numbers that a network must give for each event (hit, edge, object)."""

    @property
    def scores(self) -> dict[str, Better]:
        """The numbers that ``score`` gives and a training may monitor, and whether more or less of each is better."""
        return {}

    @abstractmethod
    def target(self, events: Events) -> Array:
        """Return what is to be learned, (N,) or (N, ...).

        Where answers are counted from a reference that the hits give (a raw energy sum, a centroid), the target's
        further columns hold that reference, so that ``decode`` can add it again.

        Raises:
            DataError: A label is unknown, or the events lack the truth.
        """

    @property
    def truth_fields(self) -> tuple[str, ...]:
        """Event fields that ``target`` is read from: events that lack one of them have no truth."""
        return ()

    @property
    def units(self) -> dict[str, str]:
        """Units of the columns that ``decode`` gives, those that have one."""
        return {}

    def unknown(self, events: Events) -> Array:
        """Return what ``decode`` takes in place of the target of events without truth, (N,) or (N, ...).

        It holds what a target holds of the hits; what it says of the truth means nothing.
        """
        return np.zeros(len(events), np.int64)

    @abstractmethod
    def torch_loss(self, outputs: Any, target: Any) -> torch.Tensor:
        """Return the mean loss of a batch.

        Args:
            outputs: (B, ``outputs``) float32, or tensors by name where the network gives several.
            target: (B,) or (B, ...), or tensors by name where the representation gives several.
        """

    def loss_weight(self, target: Any) -> Any:
        """Return what the mean loss of a batch is a mean over, such as the sum of its rows' weights.

        Processes that share a batch weigh their losses by it. None: its events, all alike.
        """
        return None

    @abstractmethod
    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Return the same loss for Keras, a function of (target, outputs)."""

    @abstractmethod
    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Turn network outputs, (N, ``outputs``), and targets into named columns of truth and prediction, each (N,).

        A predicted column depends on the outputs and on what the target holds of the hits, never on the truth. Columns
        of truth are called ``target`` or ``true_<quantity>``.
        """

    def score(self, outputs: Any, target: Any) -> dict[str, float]:
        """Return numbers that a training shows after each epoch; of all but events batch by batch, then averaged."""
        return {}


@dataclass(frozen=True)
class Objects:
    """What was found in one event: groups of hits.

    Attributes:
        member: Number of the object of each membership, (K,) int32, from 0.
        hit: Its hit, (K,) int32, row of the batch; a hit may be a member of several objects.
        count: Number of objects.
        parameters: Name -> (count,) float32, what the network predicts of each object.
        weight: Share of each member's energy that belongs to its object, (K,) float32, where hits are shared; else
            None.
    """

    member: Array
    hit: Array
    count: int
    parameters: dict[str, Array] = field(default_factory=dict)
    weight: Array | None = None


class HitTask(Task):
    """A task whose truth comes with the hits or edges of the representation, not with the event."""

    usual_metrics: ClassVar[tuple[str, ...]] = ("event_means",)

    def target(self, events: Events) -> Array:
        """Refuse: there is no target of an event."""
        raise ConfigError(f"the task '{self.name}' has a target for each {self.per}", came="a target of events")

    def keras_loss(self) -> Callable[[Any, Any], Any]:
        """Refuse: flat hits and edges are trained with PyTorch."""
        raise ConfigError(
            f"the task '{self.name}' is trained with PyTorch", came="keras", do="set training.engine: torch"
        )

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        """Refuse: the answers of a single event are no numbers of fixed shape."""
        raise ConfigError(f"the task '{self.name}' answers for each {self.per}", came="a table of events")


class ObjectTask(HitTask):
    """A task that groups hits into objects, such as tracks.

    The column with the number of an object is called after its ``kind``.
    """

    @abstractmethod
    def objects(self, outputs: Any, inputs: dict[str, Array]) -> Objects:
        """Group the hits of one event.

        Args:
            outputs: Of the network, (H, ``outputs``) or (E, ``outputs``) as ``per`` says, or arrays by name.
            inputs: The batch of this event, as the representation gave it.
        """

    def nothing(self, inputs: dict[str, Array]) -> Objects:
        """Return the objects of an event without hits or edges to answer for."""
        return self.objects(np.empty((0, self.outputs), np.float32), inputs)

    def refine(self, events: Events, candidates: Candidates, detector: Detector) -> Candidates:
        """QualityCut or fit candidates by their hits; as they are where this is not overridden.

        Args:
            events: What the detector measured, N events.
            candidates: What the network found in them.
            detector: Of the events.

        Returns:
            The candidates, with the seconds of the stages that were added here.
        """
        return candidates


TASKS: Registry[Task] = Registry("tasks", Task, skip=("track_building", "track_fitting"))  # type: ignore[type-abstract]

__all__ = ["TASKS", "Better", "HitTask", "ObjectTask", "Objects", "Task"]
