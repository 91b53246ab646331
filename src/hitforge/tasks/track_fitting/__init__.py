"""Track fits: the hits that were found for each track to its parameters. One file a fit, named by a recipe's task."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.registry import Plugin, Registry
from hitforge.detectors import TrackerDetector
from hitforge.events import Collection, Events

TRACK_PARAMETERS = ("loc0", "z0", "phi", "theta", "q_over_p")
"""Of a track where it is nearest to the z axis: impact parameters [mm], direction [rad], charge over momentum [1/GeV].

``loc0`` is positive where the axis lies to the right of the track, as in ACTS.
"""
COLUMNS = (*TRACK_PARAMETERS, *(f"sigma_{name}" for name in TRACK_PARAMETERS), "chi2", "ndf")
"""Columns of fitted tracks."""


class TrackFit(Plugin, ABC):
    """Finds the parameters of tracks and their errors."""

    @abstractmethod
    def fit(
        self, events: Events, tracks: Collection, detector: TrackerDetector, counts: Array | None = None
    ) -> Collection:
        """Fit the hits of each track.

        Args:
            events: With hits and clusters. An unknown error of a cluster is its pitch over the root of 12.
            tracks: Columns ``track`` and ``hit``, numbers within the event.
            detector: Of the events.
            counts: Number of tracks in each event, (N,); one more than the greatest number of a track if None.

        Returns:
            One row a track, ``COLUMNS`` float32. Where a fit failed all are NaN but ``ndf``, which is 0; else ``ndf``
            is twice the hits less five.

        Raises:
            DataError: A hit lies on no module, or a track or hit is not in its event.
        """


def track_counts(events: Events, tracks: Collection, counts: Array | None) -> Array:
    """Return the number of tracks in each event, (N,) int64, after a look at the lists.

    Raises:
        DataError: A track or hit is not in its event.
    """
    if len(tracks) != len(events):
        raise DataError("there must be a list of tracks for each event", came=f"{len(tracks)} for {len(events)} events")
    number, event = np.asarray(tracks["track"], np.int64), tracks.event
    if counts is None:
        counts = np.zeros(len(events), np.int64)
        np.maximum.at(counts, event, number + 1)
    counts = np.asarray(counts, np.int64)
    for column, limit in (("track", counts), ("hit", events.hits.counts)):
        wrong = np.flatnonzero((tracks[column] < 0) | (tracks[column] >= limit[event]))
        if len(wrong):
            raise DataError(
                f"the {column} of a track must be in its event",
                came=tracks[column][wrong[0]],
                where=f"event {event[wrong[0]]}",
            )
    return counts


FITS: Registry[TrackFit] = Registry("tasks.track_fitting", TrackFit, skip=("quality_cut",))  # type: ignore[type-abstract]

__all__ = ["COLUMNS", "FITS", "TRACK_PARAMETERS", "TrackFit", "track_counts"]
