"""Nothing that answers may look at the truth; of representations ``hitforge.testing`` sees to it."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.core.progress import Progress
from hitforge.tasks.shower import MeasureShower
from hitforge.testing._samples import without_truth
from tests.layered import HONEYCOMB, showers

TASK = MeasureShower(
    MeasureShower.Config.read({"quantities": ("energy", "barycentre", "direction")}, where="test"), HONEYCOMB
)


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
