"""How well the direction of a particle is found: the angle between the true and the predicted one."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result
from hitforge.metrics._binned import (
    Binning,
    bins_of,
    described,
    ratios,
    regression,
    table_of,
    true_energy,
    unanswered,
)
from hitforge.metrics._bootstrap import CORE, MEAN, bootstrap_statistics, interval, statistics, with_ends
from hitforge.metrics._sample import require_same_events
from hitforge.tasks import Better, Task

_NAMES = ("direction_x", "direction_y", "direction_z")


class DirectionResolution(Metric):
    """Angle between the true and the predicted direction [mrad].

    Events without an answer (a predicted vector of length 0) are left out and their share is a number of its own.
    Where the predictions hold neither ``true_energy`` nor the field ``energy`` there are no bins.
    """

    version: ClassVar[int] = 2
    headline: ClassVar[tuple[str, ...]] = ("direction_error",)

    class Config(Binning):
        """Bins and replicas."""

    def monitored(self, task: Task) -> dict[str, Better]:
        """Error and width, where the task asks for the direction."""
        names = ("direction_error", "direction_sigma68", "direction_unanswered")
        return dict.fromkeys(names if "direction" in getattr(task, "quantities", ()) else (), "min")

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the angle; empty where the predictions hold no direction.

        Values: ``direction_error`` (mean angle), ``direction_sigma68`` (angle that 68.3 % of the events stay below)
        [mrad], ``direction_unanswered``. Table: ``direction_resolution.bins``, a row a bin, error = mean angle.

        Raises:
            DataError: The predictions are of another kind, no event has an answer, or a true direction has no length.
        """
        columns = regression(self, predictions, *_NAMES)
        if columns is None:
            return Result()
        angle, answered = _angles(columns)
        values = {"direction_unanswered": unanswered(self, "direction", answered)}
        angle, energy = angle[None, answered], true_energy(predictions)[answered]
        own, replicas = (
            statistics(angle)[0],
            bootstrap_statistics(angle, self.config.replicas, stream(seed, self.name))[:, 0],
        )
        for name, what, item in (
            ("direction_error", "mean angle between predicted and true [mrad]", MEAN),
            ("direction_sigma68", "angle between predicted and true that 68.3 % of the events stay below [mrad]", CORE),
        ):
            count = angle.shape[1]
            text, events = described(self, what), count if item == MEAN else None
            values[name] = interval(own[item], replicas[:, item], text, count, events)
        bins, rows = bins_of(energy, self.config), []
        for bin_ in bins:
            inside = angle[:, bin_.members]
            drawn = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, bin_.label))
            rows.append(with_ends("error", statistics(inside)[0, MEAN], drawn[:, 0, MEAN], inside.shape[1]))
        return Result(values, {f"{self.name}.bins": table_of(bins, rows)} if bins else {})

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure the paired difference of the mean angle and its ratio in each bin.

        Returns:
            ``direction_error_difference`` (first - second) [mrad] and ``direction_error_ratio_<low>_<high>``
            (first/second), on events that both answered.
        """
        require_same_events(first, second)
        one, two = regression(self, first, *_NAMES), regression(self, second, *_NAMES)
        if one is None or two is None:
            return Result()
        (angle, answered), (other, both) = _angles(one), _angles(two)
        kept = answered & both
        unanswered(self, "direction", kept)
        pair = np.stack([angle, other])[:, kept]  # (2, n)
        own = statistics(pair)[:, MEAN]
        replicas = bootstrap_statistics(pair, self.config.replicas, stream(seed, self.name, "difference"))[:, :, MEAN]
        text = described(self, "mean angle between predicted and true [mrad]")
        values = {
            "direction_error_difference": interval(
                own[0] - own[1],
                replicas[:, 0] - replicas[:, 1],
                f"{text}, first - second, same events",
                pair.shape[1],
                pair.shape[1],
            )
        }
        bins, pairs = bins_of(true_energy(first)[kept], self.config), []
        for bin_ in bins:
            inside = pair[:, bin_.members]
            drawn = bootstrap_statistics(inside, self.config.replicas, stream(seed, self.name, "ratio", bin_.label))
            pairs.append((statistics(inside)[:, MEAN], drawn[:, :, MEAN]))
        return Result(values | ratios("direction_error", text, bins, pairs))


def _angles(columns: dict[str, Array]) -> tuple[Array, Array]:
    """Angle between both vectors, (N,) [mrad], exact for small ones too; and which events have an answer, (N,) bool."""
    true, predicted = (np.stack([columns[f"{kind}_{name}"] for name in _NAMES], 1) for kind in ("true", "predicted"))
    bad = np.flatnonzero(~true.any(axis=1))
    if len(bad):
        raise DataError("the true direction must have a length", came="0, 0, 0", where=f"event {bad[0]}")
    across = np.linalg.norm(np.cross(true, predicted), axis=1)
    angle: Array = 1e3 * np.arctan2(across, (true * predicted).sum(axis=1))
    return angle, np.asarray(predicted.any(axis=1))
