"""What is kept of an explanation: places, sizes and gradients of hits, voxels and pixels."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.metrics import Predictions
from hitforge.representations import REPRESENTATIONS, Representation
from hitforge.runs.saliency import explain
from hitforge.testing._samples import sample
from tests.layered import HONEYCOMB, showers

COUNT = 6
EVENTS = showers(COUNT, spots=60)
ENERGY = EVENTS.field("energy")


class Twice:
    """An engine whose gradients are the inputs and twice the inputs; keeps what it was asked."""

    def saliency(self, inputs: dict[str, Any], output: int) -> dict[str, dict[str, Any]]:
        self.inputs, self.output = inputs, output
        return {name: {"gradient": value, "integrated": 2 * value} for name, value in inputs.items()}


def build(block: dict[str, Any], detector: Detector = HONEYCOMB) -> Representation:
    return REPRESENTATIONS.build(block, detector, where="test")


def explained(
    folder: Path,
    representation: Representation | None,
    predictions: Predictions,
    events: Events = EVENTS,
    most: int = 3,
) -> tuple[dict[str, Any], Twice]:
    engine = Twice()
    detector = representation.detector if representation is not None else HONEYCOMB
    method: Any = SimpleNamespace(representation=representation, explained=engine)
    dataset: Any = SimpleNamespace(read=lambda split, columns: iter([events]))
    explain(method, detector, dataset, predictions, folder, most)
    files = list(folder.iterdir())
    if not files:
        return {}, engine
    assert len(files) == 1
    with np.load(files[0]) as found:
        return {"file": files[0].name, **found}, engine


REGRESSION = Predictions({"true_energy": ENERGY, "predicted_energy": ENERGY})
SCORE = np.array([0.9, 0.1, 0.8, 0.2, 0.7, 0.3])
CLASSES = Predictions({"target": np.array([0, 0, 0, 1, 1, 1]), "score_a": 1 - SCORE, "score_b": SCORE}, ("a", "b"), 1)


def test_points_give_a_row_for_each_hit_that_is_no_padding(tmp_path: Path) -> None:
    representation = build({"name": "points", "points": 40, "graph": None})
    found, engine = explained(tmp_path, representation, REGRESSION)
    assert found["file"] == "saliency_space.npz"
    assert engine.output == 0
    order = np.argsort(ENERGY)
    assert found["chosen"].tolist() == [order[0], order[2], order[5]]  # least, middle and most energy
    real = engine.inputs["mask"][..., 0] > 0
    np.testing.assert_array_equal(np.bincount(found["event"]), real.sum(1))
    column = representation.labels()["points"].index("log_energy")
    np.testing.assert_array_equal(found["size"], engine.inputs["points"][real][:, column])
    np.testing.assert_array_equal(np.stack([found[c] for c in ("x", "y", "depth")], 1), engine.inputs["position"][real])
    np.testing.assert_allclose(found["integrated"], 2 * engine.inputs["points"][real].sum(-1), rtol=1e-6)


def test_points_without_an_energy_are_of_one_size(tmp_path: Path) -> None:
    representation = build({"name": "points", "points": 40, "graph": None, "features": ["dx", "dy"]})
    found, _ = explained(tmp_path, representation, REGRESSION)
    assert set(found["size"]) == {1.0}


@pytest.mark.parametrize("layout", ["volume", "channels"])
def test_voxels_stand_where_they_are_lit_in_either_layout(tmp_path: Path, layout: str) -> None:
    block = {"name": "voxels", "rows": 5, "columns": 7, "channels": ["energy", "share"], "layout": layout}
    representation = build({**block, "merge": 3})
    found, _ = explained(tmp_path, representation, REGRESSION)
    volume = next(iter(build({**block, "merge": 3, "layout": "volume"}).batch(
        representation.prepare(EVENTS.take(found["chosen"])), np.arange(3)
    ).values()))  # fmt: skip
    assert volume.shape == (3, 4, 5, 7, 2)
    again = np.zeros(volume.shape[:-1])
    at = (found["event"], found["depth"], (found["y"] + 2).astype(int), (found["x"] + 3).astype(int))
    again[at] = found["size"]
    np.testing.assert_array_equal(again, volume[..., 0])
    again[at] = found["integrated"]
    np.testing.assert_allclose(again, 2 * volume.sum(-1), rtol=1e-5)


def test_classes_are_shown_from_least_to_most_signal_like(tmp_path: Path) -> None:
    found, engine = explained(tmp_path, build({"name": "points", "points": 40, "graph": None}), CLASSES, most=4)
    assert engine.output == 1
    assert found["chosen"].tolist() == [1, 0, 3, 4]


def test_image_of_a_surface_keeps_pictures(tmp_path: Path, barrel: Detector, gun_events: Events) -> None:
    events = gun_events.take(np.arange(COUNT))
    found, engine = explained(tmp_path, build({"name": "image"}, barrel), CLASSES, events, most=2)
    assert found["file"] == "saliency.npz"
    np.testing.assert_array_equal(found["input"], engine.inputs["image"])
    np.testing.assert_array_equal(found["integrated"], 2 * found["input"])
    assert found["target"].tolist() == [0, 1]
    np.testing.assert_allclose(found["score"], SCORE[[1, 3]])


def test_image_of_a_jet_is_a_surface_too(tmp_path: Path) -> None:
    cloud, jets = sample("jets")
    found, _ = explained(tmp_path, build({"name": "jet_image"}, cloud), CLASSES, jets.take(np.arange(COUNT)), most=2)
    assert found["file"] == "saliency.npz"
    assert found["input"].shape == (2, 32, 32, 3)


def test_nothing_is_kept_where_nothing_is_asked_or_numbers_have_no_place(
    tmp_path: Path, barrel: Detector, gun_events: Events
) -> None:
    points = build({"name": "points", "graph": None})
    assert explained(tmp_path, points, REGRESSION, most=0)[0] == {}
    assert explained(tmp_path, None, REGRESSION)[0] == {}
    flat = build({"name": "features"}, barrel)
    assert explained(tmp_path, flat, CLASSES, gun_events.take(np.arange(COUNT)))[0] == {}
