"""Hits of events as the measurements that ACTS works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.events import Events


@dataclass(frozen=True)
class Measurements:
    """What ACTS gets to see of events, sorted within an event by module and place, so that no order of hits matters.

    Attributes:
        offsets: Rows of each event, (N + 1,) int64.
        hit: Number of the hit in its event, (R,) int64.
        module: (R,) int64, ACTS's number of the sensor.
        place: Local u and v, (R, 2) [mm].
        variance: Of the two, (R, 2) [mm^2].
        position: Global, (R, 3) [mm].
    """

    offsets: Array
    hit: Array
    module: Array
    place: Array
    variance: Array
    position: Array

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def slice(self, event: int) -> slice:
        """Rows of an event."""
        return slice(int(self.offsets[event]), int(self.offsets[event + 1]))


class Sensors(Protocol):
    """What must be known of the sensors, one entry each: ``detectors.Modules`` has it.

    Attributes:
        number: ACTS's number, (M,) int64, rising.
        pitch_u: Size of a channel along u, (M,) [mm].
        pitch_v: The same along v, (M,) [mm].
    """

    @property
    def number(self) -> Array: ...  # noqa: D102
    @property
    def pitch_u(self) -> Array: ...  # noqa: D102
    @property
    def pitch_v(self) -> Array: ...  # noqa: D102


def measurements(
    events: Events, sensors: Sensors, subsystems: Sequence[int] | None = None, detector: str = ""
) -> Measurements:
    """Return what the sensors measured.

    Args:
        events: With hits and clusters. An unknown error of a cluster is taken as that of a single channel, its pitch
            over the root of 12.
        sensors: Those of the detector.
        subsystems: Parts of the detector whose hits are kept; all if None.
        detector: Its name, for errors.

    Raises:
        DataError: A hit lies on no module, or the clusters are not one a hit.
    """
    hits, clusters = events.hits, events.clusters
    if not np.array_equal(hits.offsets, clusters.offsets):
        raise DataError("there must be one cluster for each hit", came=f"{clusters.rows} clusters, {hits.rows} hits")
    row = np.minimum(np.searchsorted(sensors.number, hits["cell"]), len(sensors.number) - 1)
    lost = np.flatnonzero(sensors.number[row] != hits["cell"])
    if len(lost):
        raise DataError(
            f"hits.cell must name a module of '{detector}'",
            came=f"{hits['cell'][lost[0]]} and {len(lost) - 1} more such hits",
            where=f"event {hits.event[lost[0]]}",
            do="use the detector that the events were made for",
        )
    place = np.stack([clusters["u"], clusters["v"]], axis=1).astype(np.float64)  # (R, 2)
    sigma = np.stack([clusters["sigma_u"], clusters["sigma_v"]], axis=1).astype(np.float64)  # (R, 2)
    pitch = np.stack([sensors.pitch_u[row], sensors.pitch_v[row]], axis=1)  # (R, 2)
    sigma = np.where(sigma > 0, sigma, pitch / np.sqrt(12.0))
    keep = np.ones(hits.rows, bool) if subsystems is None else np.isin(hits["subsystem"], list(subsystems))
    order = np.lexsort((place[:, 1], place[:, 0], hits["cell"], hits.event))
    order = order[keep[order]]
    kept = np.concatenate([[0], np.cumsum(keep, dtype=np.int64)])
    position = np.stack([hits["x"], hits["y"], hits["z"]], axis=1).astype(np.float64)  # (R, 3)
    number = np.arange(hits.rows) - hits.offsets[hits.event]
    return Measurements(
        kept[hits.offsets], number[order], hits["cell"][order], place[order], sigma[order] ** 2, position[order]
    )
