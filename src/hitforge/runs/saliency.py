"""Saliency: gradients of a network's answer on a few test events, kept for the report."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.files import write_arrays
from hitforge.core.kinematics import pt
from hitforge.detectors import Detector, GridDetector
from hitforge.events import Dataset
from hitforge.methods import Method
from hitforge.metrics import Predictions

_ENERGIES = ("log_energy", "energy_share", "layer_share")  # features of a point, the first that there is is its size


def explain(
    method: Method, detector: Detector, dataset: Dataset, predictions: Predictions, folder: Path, count: int
) -> None:
    """Write the saliency of a few test events.

    ``saliency.npz`` holds images of a surface, ``saliency_space.npz`` hits in depth. A classification explains the
    signal's logit, a regression its first output. The rows of ``saliency_space.npz`` are
    hits, lit voxels or constituents of a jet: ``event`` (its place among the chosen ones), ``x``, ``y``, ``depth`` (in
    the units of the representation, from the region's axis), ``size`` (what the network was given of the energy:
    ``log_energy`` or a share of points, the first channel of voxels), of constituents ``deta``, ``dphi`` and ``size``
    (pT [GeV]) in their place, ``gradient`` and ``integrated`` (summed over features or channels); and ``chosen`` (k,),
    the numbers of the events in the test sample. Inputs without places (flat features) have none.
    """
    representation, engine = method.representation, method.explained
    if not count or representation is None or engine is None:
        return
    name, shape = next(iter(representation.shapes().items()))
    if name != "points" and len(shape) < 3:
        return
    first = next(iter(dataset.read("test", representation.reads)))
    if predictions.classes:
        index = _by_score(predictions, len(first), count)
    else:
        truth = next(values for name, values in predictions.columns.items() if name.startswith("true_"))
        order = np.argsort(truth[: len(first)], kind="stable")
        index = order[np.linspace(0, len(order) - 1, min(count, len(order))).astype(int)]
    inputs = representation.batch(representation.prepare(first.take(index)), np.arange(len(index)))
    maps = engine.saliency(inputs, max(predictions.signal, 0))
    surface = isinstance(detector, GridDetector) or (name == "image" and "jets" in representation.reads)
    if not surface:
        if name == "points":
            rows = _of_points(inputs, maps[name], representation.labels())
        else:
            rows = _of_voxels(inputs[name], maps[name], representation.labels()[name])
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


def _of_points(inputs: dict[str, Array], maps: dict[str, Array], labels: dict[str, list[str]]) -> dict[str, Array]:
    """Rows of the points that are no padding; without a feature of energy all have the same size."""
    real = inputs["mask"][..., 0] > 0  # (k, P)
    first, second, third = np.moveaxis(inputs["position"][real], -1, 0)
    rows: dict[str, Array] = {"event": np.nonzero(real)[0]}
    if "momentum" in inputs:
        px, py = inputs["momentum"][real][:, :2].T
        rows |= {"deta": first, "dphi": second, "size": pt(px, py)}
    else:
        column = next((labels["points"].index(label) for label in _ENERGIES if label in labels["points"]), None)
        size = np.ones(len(first), np.float32) if column is None else inputs["points"][real][:, column]
        rows |= {"x": first, "y": second, "depth": third, "size": size}
    return {**rows, **{kind: values[real].sum(-1) for kind, values in maps.items()}}


def _of_voxels(volume: Array, maps: dict[str, Array], labels: list[str]) -> dict[str, Array]:
    """Rows of the lit voxels; an image whose channels are slices, (k, rows, columns, slices * C), is turned first."""
    if volume.ndim == 4:
        slices = len({label.rpartition("_")[2] for label in labels})  # of energy_0, share_0, energy_1, ...
        volume, maps = _turned(volume, slices), {kind: _turned(values, slices) for kind, values in maps.items()}
    size = volume[..., 0]  # (k, slices, rows, columns)
    event, depth, row, column = np.nonzero(size)
    at = event, depth, row, column
    x, y = column - (size.shape[3] - 1) / 2, row - (size.shape[2] - 1) / 2
    rows = {"event": event, "x": x, "y": y, "depth": depth, "size": size[at]}
    return {**rows, **{kind: values.sum(-1)[at] for kind, values in maps.items()}}


def _turned(image: Array, slices: int) -> Array:
    """(k, rows, columns, slices * C) -> (k, slices, rows, columns, C)."""
    return np.moveaxis(image.reshape(*image.shape[:3], slices, -1), 3, 1)
