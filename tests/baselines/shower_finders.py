"""Events of several showers in a small calorimeter, and algorithms that find them, for tests."""

from __future__ import annotations

from typing import Any

from hitforge.baselines import BASELINES
from hitforge.core.progress import Progress
from hitforge.tasks import Objects
from hitforge.tasks._showers import ShowerConfig, ShowerTask
from tests.layered import HONEYCOMB
from tests.many_showers import many_showers

NAMES = ("clue", "dbscan", "seeded_cone")
TRAIN = many_showers([2] * 12 + [3] * 8, seed=3, spread=150.0, low=20.0)
TEST = many_showers([2, 1, 3, 2, 2, 1, 2, 3], seed=4, spread=150.0, low=20.0)


class AnyShowers(ShowerTask):
    """Asks for showers, of nobody."""

    class Config(ShowerConfig):
        """As they are."""

    @property
    def outputs(self) -> int:
        """None."""
        return 0

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        """None."""

    def objects(self, outputs: Any, inputs: Any) -> Objects:
        """None."""
        return self.nothing(inputs)


TASK = AnyShowers(AnyShowers.Config(), HONEYCOMB)


def build(name: str, **settings: Any) -> Any:
    """Build an algorithm."""
    return BASELINES.build({"name": name, **settings}, HONEYCOMB, TASK, where="test")


def fit(baseline: Any, events: Any = TRAIN) -> dict[str, Any]:
    """Fit it."""
    record: dict[str, Any] = baseline.fit(lambda: [events], lambda: [events], 1, Progress())
    return record
