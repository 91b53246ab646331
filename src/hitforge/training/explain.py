"""What a network looked at: gradients of its answer on a few test events, kept for the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.files import write_arrays
from hitforge.detectors import GridDetector
from hitforge.events import Dataset
from hitforge.metrics import Predictions
from hitforge.training.engine import Engine
from hitforge.training.recipe import Recipe

Array = NDArray[Any]


def explain(recipe: Recipe, dataset: Dataset, engine: Engine, predictions: Predictions, folder: Path) -> None:
    """Write what a network looked at in a few test events.

    ``saliency.npz`` holds images of a surface, ``saliency_space.npz`` hits in depth. A classification explains the
    signal's logit, a regression its first output. The rows of ``saliency_space.npz`` are
    hits or lit voxels: ``event`` (its place among the chosen ones), ``x``, ``y``, ``depth`` (in the units of the
    representation, from the region's axis), ``size`` (the energy that the network was given), ``gradient``
    and ``integrated`` (summed likewise); and ``chosen`` (k,), the numbers of the events in the test sample.
    """
    count, representation = recipe.evaluation.saliency, recipe.representation
    if not count or representation is None:
        return
    first = next(iter(dataset.read("test", {"hits"})))
    if predictions.classes:
        index = _by_score(predictions, len(first), count)
    else:
        truth = next(values for name, values in predictions.columns.items() if name.startswith("true_"))
        order = np.argsort(truth[: len(first)], kind="stable")
        index = order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(int)]
    inputs = representation.batch(representation.prepare(first.take(index)), np.arange(len(index)))
    maps = engine.saliency(inputs, max(predictions.signal, 0))
    name = next(iter(inputs))
    if not isinstance(recipe.detector, GridDetector):
        if name == "points":
            labels = representation.labels()[name]
            column = labels.index("log_energy") if "log_energy" in labels else 0
            rows = _of_points(inputs, maps[name], column)
        else:
            rows = _of_voxels(inputs[name], maps[name])
        write_arrays(folder / "saliency_space.npz", {"chosen": index, **rows})
    elif predictions.classes and inputs[name].ndim == 4:
        truth, score = predictions.columns["target"][index], predictions.score[index]
        write_arrays(folder / "saliency.npz", {"input": inputs[name], "target": truth, "score": score, **maps[name]})


def _by_score(predictions: Predictions, events: int, count: int) -> Array:
    """Events of each class, from the least to the most signal-like."""
    target, score = predictions.columns["target"][:events], predictions.score[:events]
    chosen: list[int] = []
    for label in range(len(predictions.classes)):
        members = np.flatnonzero(target == label)
        order = members[np.argsort(score[members])]
        spread = np.linspace(0, len(order) - 1, max(1, count // len(predictions.classes))).astype(int)
        chosen += order[spread].tolist() if len(order) else []
    return np.array(chosen)


def _of_points(inputs: dict[str, Array], maps: dict[str, Array], column: int) -> dict[str, Array]:
    real = inputs["mask"][..., 0] > 0  # (k, P)
    x, y, depth = np.moveaxis(inputs["position"][real], -1, 0)
    rows = {"event": np.nonzero(real)[0], "x": x, "y": y, "depth": depth, "size": inputs["points"][real][:, column]}
    return {**rows, **{kind: values[real].sum(-1) for kind, values in maps.items()}}


def _of_voxels(volume: Array, maps: dict[str, Array]) -> dict[str, Array]:
    """Rows of the lit voxels; an image whose channels are slices, (k, rows, columns, slices), is turned first."""
    if volume.ndim == 4:
        volume, maps = _turned(volume), {kind: _turned(values) for kind, values in maps.items()}
    size = volume.sum(-1)  # (k, slices, rows, columns)
    event, depth, row, column = np.nonzero(size)
    at = event, depth, row, column
    x, y = column - (size.shape[3] - 1) / 2, row - (size.shape[2] - 1) / 2
    rows = {"event": event, "x": x, "y": y, "depth": depth, "size": size[at]}
    return {**rows, **{kind: values.sum(-1)[at] for kind, values in maps.items()}}


def _turned(image: Array) -> Array:
    return np.moveaxis(image, 3, 1)[..., None]
