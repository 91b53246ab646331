"""From events through the task to the metrics: the right outputs have no error, and known errors come back."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.events import Events
from hitforge.methods import predictions_of
from hitforge.metrics import METRICS, Predictions
from hitforge.metrics import Result as Measured
from hitforge.tasks.shower import MeasureShower
from tests.layered import HONEYCOMB, showers

TASK = MeasureShower(
    MeasureShower.Config.read({"quantities": ("energy", "barycentre", "direction")}, where="test"), HONEYCOMB
)
EDGES = (10, 20, 40, 60, 80, 100)


@pytest.fixture(scope="module")
def events() -> Events:
    return showers(4000, 3)


def measured(predictions: Predictions) -> dict[str, Measured]:
    names = TASK.usual_metrics
    own = {"energy_resolution": {"margin": 1}}  # nothing here has learned where the energies end
    settings = [{"name": name, "edges": EDGES, **own.get(name, {})} for name in names]
    return {one["name"]: METRICS.build(one, where="test").compute(predictions, 1) for one in settings}


def test_the_right_outputs_have_no_error_and_response_one(events: Events) -> None:
    target = TASK.target(events)
    results = measured(predictions_of(TASK, target[:, : TASK.outputs], target, {}))
    for result in results.values():
        for name, value in result.values.items():
            assert value.value == 0, name
    np.testing.assert_array_equal(results["energy_resolution"].tables["energy_resolution.bins"]["response"], 1)


def test_errors_in_the_outputs_come_back_in_their_units(events: Events) -> None:
    target = TASK.target(events)
    outputs = target[:, : TASK.outputs].astype(np.float64)
    random = np.random.default_rng(1)
    c = TASK.config
    relative, width, depth, slope = 0.05, 1.5, 12.0, 0.004
    energy = events.field("energy")
    resolution = relative / np.sqrt(energy / 50.0)
    outputs[:, 0] += np.log1p(resolution * random.normal(size=len(events))) / c.energy_scale
    outputs[:, 1:3] += width * random.normal(size=(len(events), 2)) / c.position_scale
    outputs[:, 3] += depth * random.normal(size=len(events)) / c.depth_scale
    outputs[:, 4:] += slope * random.normal(size=(len(events), 2)) / c.slope_scale
    results = measured(predictions_of(TASK, outputs, target, {}))
    values = {name: value for result in results.values() for name, value in result.values.items()}
    stochastic = values["energy_stochastic"]
    assert abs(stochastic.value - relative * np.sqrt(50)) < 2 * (stochastic.high - stochastic.low)
    assert values["energy_constant"].low < 0.012
    for axis, expected in (("x", width), ("y", width), ("z", depth)):
        assert values[f"barycentre_{axis}_sigma68"].value == pytest.approx(expected, rel=0.06)
    # of the slopes, the part along the direction counts less: cos^2 of the polar angle, which lies near 0.2
    assert 0.8 * slope < 1e-3 * values["direction_error"].value / np.sqrt(np.pi / 2) < slope


def test_the_region_itself_is_a_fair_first_answer(events: Events) -> None:
    target = TASK.target(events)
    outputs = np.zeros((len(events), TASK.outputs), np.float32)
    results = measured(predictions_of(TASK, outputs, target, {}))
    values = {name: value.value for result in results.values() for name, value in result.values.items()}
    assert values["energy_error"] < 0.02
    assert max(values["barycentre_x_error"], values["barycentre_y_error"]) < 2.0
    assert values["direction_error"] < 3.0
    assert values["energy_unanswered"] == 0
