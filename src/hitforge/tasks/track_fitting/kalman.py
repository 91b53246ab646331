"""ACTS's Kalman fit of the hits that were found for each track, which knows the material and all errors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from pydantic import Field

from hitforge.acts.chain import ActsTracks, Chain
from hitforge.acts.fit import FITTED, add_fit
from hitforge.acts.measurements import Measurements, measurements
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import RunError
from hitforge.detectors import TrackerDetector, acts_geometry
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS, TrackFit, track_counts


class Kalman(TrackFit):
    """ACTS's Kalman filter and smoother, as a pion, with the detector's own material.

    The start is the helix through the three innermost space points that make one. Of several hits on one sensor, ACTS
    takes one. The detector must be ACTS's generic one; pyacts must be installed.
    """

    class Config(config.Config):
        """What happens between the sensors."""

        scattering: bool = Field(True, description="multiple scattering")
        energy_loss: bool = Field(True, description="mean loss of energy")

    config: Config

    def fit(
        self, events: Events, tracks: Collection, detector: TrackerDetector, counts: Array | None = None
    ) -> Collection:
        """Fit the hits of each track; see ``TrackFit.fit``.

        Raises:
            ConfigError: ACTS does not know the detector.
            MissingExtraError: pyacts is not installed.
        """
        counts = track_counts(events, tracks, counts)
        surfaces, field = acts_geometry(detector)
        measured = measurements(events, detector.modules, detector=detector.name)
        groups = _groups(tracks, counts, measured)
        chain = Chain(measured, groups)
        volumes = np.unique(detector.modules.volume).tolist()
        add_fit(chain, surfaces, field, volumes, self.config.scattering, self.config.energy_loss)
        found, _ = chain.run(FITTED)
        columns = found.columns()
        row = _rows(found, groups, counts)  # (T,)
        table = {name: np.full(int(counts.sum()), np.nan, np.float32) for name in COLUMNS}
        table["ndf"][:] = 0.0
        good = columns["sigma_loc0"] > 0  # ACTS keeps tracks that do not reach the beam line, without parameters
        for name in COLUMNS:
            table[name][row[good]] = columns[name][good]
        return Collection.from_counts(counts, table)


def _groups(tracks: Collection, counts: Array, measured: Measurements) -> list[list[list[int]]]:
    """Rows of the measurements of each track, from the inside outwards; by event and track."""
    row_of_hit = np.empty(len(measured.hit), np.int64)
    event = np.repeat(np.arange(len(measured)), np.diff(measured.offsets))
    row_of_hit[measured.offsets[event] + measured.hit] = np.arange(len(measured.hit))
    ends = np.concatenate([[0], np.cumsum(counts)])
    track = ends[tracks.event] + tracks["track"]
    row = row_of_hit[measured.offsets[tracks.event] + tracks["hit"]]
    order = np.lexsort(((measured.position[row] ** 2).sum(axis=1), track))
    parts = np.split(row[order], np.searchsorted(track[order], np.arange(1, ends[-1])))
    flat = [part.tolist() for part in parts] if ends[-1] else []
    return [flat[first:last] for first, last in pairwise(ends)]


def _rows(found: ActsTracks, groups: list[list[list[int]]], counts: Array) -> Array:
    """Return the row of each fitted track among those given, (T,).

    ACTS leaves out tracks that it cannot fit and keeps the order of the others: each fitted track belongs to the next
    group that holds all its measurements.

    Raises:
        RunError: There is none.
    """
    rows: list[int] = []
    ends = np.concatenate([[0], np.cumsum(found.sizes)])
    track = 0
    for event, first in enumerate(np.cumsum(counts) - counts):
        coming = iter(enumerate(groups[event]))
        for number in range(int(found.counts[event])):
            fitted = set(found.rows[ends[track] : ends[track + 1]].tolist())
            place = next((place for place, group in coming if fitted.issubset(group)), None)
            if place is None:
                raise RunError(
                    "each track that ACTS fitted must be one of those given, in their order",
                    came=f"measurements {sorted(fitted)} behind the last of {len(groups[event])} tracks",
                    where=f"event {event}, fitted track {number}",
                    do="report it with the event",
                )
            rows.append(int(first) + place)
            track += 1
    return np.array(rows, np.int64)
