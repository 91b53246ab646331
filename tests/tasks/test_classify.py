from __future__ import annotations

import numpy as np
import pytest
import torch

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Events, FieldInfo
from hitforge.tasks import TASKS
from hitforge.tasks.classify import Classify


def build(**values: object) -> Classify:
    return Classify(Classify.Config.read(values, where="test"))


def make_events(labels: list[int], field: str = "primary_pdg") -> Events:
    return Events({}, {field: np.array(labels)}, {field: FieldInfo("int32", "", "label")})


def test_defaults_tell_electrons_from_photons() -> None:
    task = TASKS.build("classify", where="test")
    assert isinstance(task, Classify)
    assert (task.classes, task.signal, task.outputs) == (("photon", "electron"), 1, 2)
    target = task.target(make_events([22, 11, -11]))
    assert target.dtype == np.int64
    assert target.tolist() == [0, 1, 1]


def test_classes_field_and_signal_can_be_chosen() -> None:
    task = build(classes={"a": [1], "b": [2, 3], "c": [4]}, field="kind", signal="c")
    assert task.target(make_events([4, 3, 1, 2], "kind")).tolist() == [2, 1, 0, 1]
    assert (task.signal, task.outputs) == (2, 3)


def test_unknown_label_names_the_event() -> None:
    with pytest.raises(DataError, match=r"photon: \[22\].*got: 13 and 1 more.*where: event 2"):
        build().target(make_events([22, 11, 13, 211]))


def test_missing_field_is_named() -> None:
    with pytest.raises(DataError, match="must have the field 'primary_pdg'; got: fields kind"):
        build().target(make_events([22], "kind"))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_the_cross_entropy(smoothing: float) -> None:
    outputs = np.array([[2.0, -1.0], [0.3, 0.4], [0.0, 5.0]], np.float32)
    target = np.array([0, 1, 0])
    wanted = np.eye(2)[target] * (1 - smoothing) + smoothing / 2
    expected = -(wanted * np.log(np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True))).sum(1).mean()
    loss = build(label_smoothing=smoothing).torch_loss(torch.from_numpy(outputs), torch.from_numpy(target))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_keras_loss_equals_torch_loss(smoothing: float) -> None:
    pytest.importorskip("keras")
    random = np.random.default_rng(3)
    outputs, target = random.normal(0, 3, (50, 2)).astype(np.float32), random.integers(0, 2, 50)
    task = build(label_smoothing=smoothing)
    expected = task.torch_loss(torch.from_numpy(outputs), torch.from_numpy(target)).item()
    assert float(task.keras_loss()(target, outputs)) == pytest.approx(expected, rel=1e-5)
    assert float(task.keras_loss()(target[:, None], outputs)) == pytest.approx(expected, rel=1e-5)


def test_scores_are_probabilities_also_of_huge_outputs() -> None:
    scores = build().decode(np.array([[0.0, np.log(3)], [1e4, -1e4], [-1e4, -1e4]], np.float32), np.array([0, 1, 1]))
    assert list(scores) == ["target", "score_photon", "score_electron"]
    np.testing.assert_allclose(scores["score_electron"], [0.75, 0, 0.5], rtol=1e-6)
    np.testing.assert_allclose(scores["score_photon"], [0.25, 1, 0.5], rtol=1e-6)


@pytest.mark.parametrize(("outputs", "message"), [(np.zeros((3, 1)), r"\(N, 2\)"), (np.full((1, 2), np.nan), "finite")])
def test_wrong_outputs_are_refused(outputs: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        build().decode(outputs, np.zeros(len(outputs)))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"classes": {"photon": [22]}, "signal": "photon"}, "at least two"),
        ({"classes": {"photon": [22], "electron": [22]}}, "values of its own"),
        ({"classes": {"photon": [22], "electron": []}}, "values of its own"),
        ({"classes": {"a-b": [1], "c": [2]}, "signal": "c"}, "letters"),
        ({"signal": "electrn"}, "one of the classes"),
        ({"label_smoothing": 0.7}, "label_smoothing"),
    ],
)
def test_impossible_settings_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**values)
