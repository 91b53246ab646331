"""Batches for a training loop of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.events import Dataset
from hitforge.library.plugins import detector as detector_of
from hitforge.library.plugins import representation as build_representation
from hitforge.library.plugins import task as build_task
from hitforge.representations import Representation
from hitforge.tasks import Task

if TYPE_CHECKING:
    from hitforge.training.batches import ShardBatches

_fitted: WeakKeyDictionary[Representation, str] = WeakKeyDictionary()
"""Representations that learned from the training events of a dataset: its hash."""


def mark_fitted(representation: Representation) -> None:
    """Say that a representation comes from a finished run, so that it is not fitted anew."""
    _fitted[representation] = ""


class Batches:
    """The events of a split, batch by batch; each loop over it is the next epoch.

    Attributes:
        representation: What made the inputs, fitted.
        task: What made the targets.
        shapes: Input name -> shape of one event, without the batch dimension.
        labels: Input name -> names along its last dimension (channels, features).
        events: Events in an epoch.
    """

    def __init__(
        self, source: ShardBatches, representation: Representation, task: Task, to: Literal["numpy", "torch"]
    ) -> None:
        self._source, self._to, self._epoch = source, to, 0
        self.representation, self.task = representation, task
        self.shapes, self.labels, self.events = representation.shapes(), representation.labels(), source.events

    def __len__(self) -> int:
        return len(self._source)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())
        return f"Batches({len(self)} of {self.events} events; {shapes}; task {self.task.name})"

    def __iter__(self) -> Iterator[tuple[dict[str, Any], Any]]:
        number, self._epoch = self._epoch, self._epoch + 1
        for inputs, target in self._source.epoch(number):
            yield (inputs, target) if self._to == "numpy" else (_tensors(inputs), _tensors(target))


def batches(
    dataset: Dataset,
    representation: Representation | str,
    task: Task | str,
    split: str = "train",
    *,
    batch_size: int = 256,
    shuffle: bool | None = None,
    augment: bool = False,
    seed: int = 1,
    to: Literal["numpy", "torch"] = "numpy",
) -> Batches:
    """Return inputs and targets of a split for a training loop of one's own.

    Args:
        dataset: Of ``hf.simulate`` or ``hf.open``.
        representation: What ``hf.representation`` returned, or its name. One that learns something, such as windows, is
            fitted on the split ``train`` first.
        task: What ``hf.task`` returned, or its name.
        split: Part of the dataset.
        batch_size: Events in a batch, B.
        shuffle: Random order and full batches alone; None: for ``train``.
        augment: Apply the true symmetries of the detector at random.
        seed: Of order and augmentation: the same seed gives the same batches.
        to: ``numpy`` arrays or ``torch`` tensors.

    Returns:
        An iterable of (inputs, target). ``inputs`` is a dict, name -> (B, ...) float32 as ``batches.shapes`` says:
        images are (B, rows, columns, channels), volumes (B, layers, rows, columns, channels); with ``to="torch"`` they
        are channels first, (B, channels, rows, columns), as ``hf.model(...).torch(...)`` takes them. Points are
        (B, points, features). Hits and edges are flat over the batch, (H, features). ``target`` is (B,) int64 of a
        classification, (B, K) float32 of a regression, and of tasks on hits or edges what the representation's
        ``truth`` describes.

    Example:
        >>> image = hf.representation("image", "crystal_barrel", rows=8, columns=8, channels=["log_energy"])
        >>> for inputs, target in hf.batches(dataset, image, "classify", batch_size=50):
        ...     print(inputs["image"].shape, target.shape)
        (50, 8, 8, 1) (50,)
    """
    from hitforge.training.batches import ShardBatches

    if to not in ("numpy", "torch"):
        raise ConfigError("'to' must be 'numpy' or 'torch'", came=to)
    where = detector_of(dataset)
    if isinstance(representation, str):
        representation = build_representation(representation, where)
    if isinstance(task, str):
        task = build_task(task, where)
    if representation not in _fitted and "train" in dataset.splits:
        representation.fit(lambda: dataset.read("train"), Progress())
        _fitted[representation] = dataset.hash("train")
    shuffled = split == "train" if shuffle is None else shuffle
    source = ShardBatches(
        dataset, split, representation, task, batch_size=batch_size, seed=seed, shuffle=shuffled, augment=augment
    )
    return Batches(source, representation, task, to)


def _tensors(values: Any) -> Any:
    """Arrays as tensors, images and volumes with their channels first."""
    import torch

    if isinstance(values, dict):
        return {name: _tensors(value) for name, value in values.items()}
    tensor = torch.from_numpy(values)
    return tensor.movedim(-1, 1) if tensor.ndim > 3 else tensor
