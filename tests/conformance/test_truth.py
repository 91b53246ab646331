"""Nothing that answers may look at the truth: without it, or with another one, each gives the same numbers."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.core.errors import ConfigError
from hitforge.core.progress import Progress
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import REPRESENTATIONS
from hitforge.representations._tracks import TrackRepresentation
from hitforge.tasks.shower import MeasureShower
from tests.layered import HONEYCOMB, showers

MEASURED = {"seed_cell"}  # a field that read-out electronics know
TASK = MeasureShower(
    MeasureShower.Config.read({"quantities": ("energy", "barycentre", "direction")}, where="test"), HONEYCOMB
)


def without_truth(events: Events) -> Events:
    """Hits alone, and what is measured."""
    kept = {name: values for name, values in events.fields.items() if name in MEASURED}
    return Events({"hits": events.hits}, kept, {name: events.info[name] for name in kept})


OF_HITS = [name for name in REPRESENTATIONS.names() if not issubclass(REPRESENTATIONS.get(name), TrackRepresentation)]


@pytest.mark.parametrize("name", OF_HITS)  # those of tracks: test_plugins.py
def test_representation_needs_hits_alone(name: str, gun_events: Events, barrel: Detector) -> None:
    try:
        representation, events = REPRESENTATIONS.build(name, barrel, where="test"), gun_events
    except ConfigError:  # it needs a calorimeter of layers
        representation, events = REPRESENTATIONS.build(name, HONEYCOMB, where="test"), showers(8)
    index = np.arange(len(events))
    assert set(events.fields) - MEASURED
    batch = representation.batch(representation.prepare(events), index)
    blind = representation.batch(representation.prepare(without_truth(events)), index)
    for key, values in batch.items():
        np.testing.assert_array_equal(values, blind[key])


@pytest.mark.parametrize("name", ["log_weighted_centroid", "quadratic_regression", "weighted_sum"])
def test_classical_algorithm_answers_from_hits_alone(name: str) -> None:
    baseline = BASELINES.build({"name": name, "w0": (3.0,), "radii": (60.0,)}, HONEYCOMB, TASK, where="test")
    baseline.fit(lambda: [showers(80, 1)], lambda: [showers(40, 2)], 1, Progress())
    events = showers(20, 3)
    np.testing.assert_array_equal(baseline.outputs(events), baseline.outputs(without_truth(events)))


def test_predictions_do_not_follow_the_true_part_of_the_target() -> None:
    target = TASK.target(showers(20))
    outputs = np.random.default_rng(1).normal(0, 1, (20, TASK.outputs)).astype(np.float32)
    other = target.copy()
    other[:, : TASK.outputs] += 1
    other[:, -1] *= -1  # the true side
    first, second = TASK.decode(outputs, target), TASK.decode(outputs, other)
    for name, values in first.items():
        same = np.array_equal(values, second[name])
        assert same == name.startswith("predicted_"), name
