"""Regression of a number: target, answers, losses of both engines, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection, Events, FieldInfo
from hitforge.tasks import TASKS
from hitforge.tasks.regress import Regress
from hitforge.testing._samples import toy_jets

INFO = {"true_mass": FieldInfo("float32", "GeV", "a mass")}


def task(**settings: Any) -> Regress:
    built = TASKS.build({"name": "regress", **settings}, where="test")
    assert isinstance(built, Regress)
    return built


def jets(mass: list[float]) -> Events:
    events = toy_jets(len(mass))
    events.jets.columns["soft_drop_mass"][:] = np.linspace(0, 200, len(mass))
    return events.with_fields({"true_mass": np.array(mass)}, INFO)


@pytest.mark.parametrize("reference", ["constant", "jet_mass", "soft_drop_mass"])
def test_a_perfect_answer_is_the_truth(reference: str) -> None:
    events, asked = jets([80.0, 1.5, 173.0, 400.0]), task(reference=reference)
    target = asked.target(events)
    answer = asked.decode(target[:, :1], target)
    assert answer["predicted_mass"] == pytest.approx([80.0, 1.5, 173.0, 400.0], rel=1e-5)
    assert answer["true_mass"] == pytest.approx([80.0, 1.5, 173.0, 400.0], rel=1e-5)
    assert asked.encode(answer["true_mass"], events) == pytest.approx(target[:, :1], abs=1e-4)
    assert asked.score(target[:, :1], target) == {"mass_error": 0.0}
    nothing = asked.decode(np.zeros((4, 1)), target)["predicted_mass"]
    assert nothing == pytest.approx(asked.reference(events), rel=1e-5)
    np.testing.assert_allclose(asked.unknown(events)[:, 1], target[:, 1])


def test_the_error_is_relative_and_names_are_those_of_the_quantity() -> None:
    asked = task(quantity="top_mass", width=0.5, unit="")
    target = asked.target(jets([100.0, 200.0]))
    outputs = target[:, :1] + np.log([[1.1], [0.8]]) / 0.5
    assert asked.score(outputs, target)["top_mass_error"] == pytest.approx(0.15)
    assert set(asked.decode(outputs, target)) == {"true_top_mass", "predicted_top_mass"}
    assert asked.units == {}
    assert task().units == {"true_mass": "GeV", "predicted_mass": "GeV"}
    assert asked.scores == {"top_mass_error": "min"}


@pytest.mark.parametrize("loss", ["huber", "mse", "mae"])
def test_both_engines_punish_alike(loss: str) -> None:
    torch = pytest.importorskip("torch")
    asked = task(loss=loss, delta=0.5)
    target, outputs = (
        np.array([[0.0, 4.0], [1.0, 4.0], [2.0, 5.0]], np.float32),
        np.array([[0.2], [2.5], [2.0]], np.float32),
    )
    size = np.array([0.2, 1.5, 0.0])
    expected = {"mae": size, "mse": size**2, "huber": np.where(size < 0.5, size**2 / 2, 0.5 * (size - 0.25))}[
        loss
    ].mean()
    assert float(asked.torch_loss(torch.tensor(outputs), torch.tensor(target))) == pytest.approx(expected, rel=1e-5)
    pytest.importorskip("keras")
    assert float(asked.keras_loss()(target, outputs)) == pytest.approx(expected, rel=1e-5)


def test_an_untrained_network_stays_finite() -> None:
    target = task().target(jets([100.0]))
    answer = task().decode(np.array([[1e9]]), target)["predicted_mass"]
    assert np.isfinite(answer).all()


def test_what_cannot_be_learned_is_refused() -> None:
    for mass, came in (([1.0, 0.0], "0.0 and 0"), ([np.nan, 2.0], "nan and 0"), ([-3.0, -1.0], "-3.0 and 1")):
        with pytest.raises(DataError, match=f"'true_mass' must be finite and above 0; got: {came}"):
            task().target(jets(mass))
    with pytest.raises(DataError, match="energy"):
        task(field="energy").target(jets([1.0]))
    with pytest.raises(DataError, match=r"\(N, 1\) and the target \(N, 2\)"):
        task().decode(np.zeros((2, 2)), np.zeros((2, 2)))
    with pytest.raises(DataError, match="outputs must be finite"):
        task().decode(np.full((1, 1), np.nan), np.zeros((1, 2)))
    with pytest.raises(ConfigError, match="quantity"):
        task(quantity="Top mass")
    two = Events.concatenate([jets([1.0]), jets([2.0])])
    both = {**two.collections, "jets": Collection(np.array([0, 2, 2]), two.jets.columns)}
    with pytest.raises(DataError, match=r"'jet_mass' needs one jet in each event; got: 2 jets.*event 0"):
        task(reference="jet_mass").target(Events(both, two.fields, two.info))


def test_a_soft_drop_mass_that_is_not_known_is_no_reference() -> None:
    events = jets([100.0, 50.0])
    events.jets.columns["soft_drop_mass"][1] = -1
    with pytest.raises(DataError, match="must be known; got: -1, which stands for unknown, in 1 jets; where: event 1"):
        task(reference="soft_drop_mass").target(events)
