"""A few test events with their showers, kept for the report: hits, owners, boxes, and what was found, merged, invented."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitforge.core.errors import DataError
from hitforge.core.files import write_arrays
from hitforge.events import Collection, Events
from hitforge.metrics import Metric, Predictions

Array = NDArray[Any]
EVENTS = 4
"""Events that are kept: from few particles to many; of equal numbers, from near to far ones."""
PLANE = 3221.0
"""abs(z) where u and v are measured [mm]."""
_INSIDE = (0.02, 0.98)  # of an object's energy, from end to end of its box
_TABLES = ("particles", "showers", "matches", "members")
_FOUND, _MISSED, _MERGED = range(3)  # as in report/event_showers.py
_MATCHED, _FAKE, _SPLIT, _PROPOSAL, _UNJUDGED = range(5)


def explain_showers(events: Events, predictions: Predictions, folder: Path, metrics: Sequence[Metric] = ()) -> None:
    """Write ``display_showers.npz``, whose arrays ``report/event_showers.py`` describes.

    Of each event the side of the detector is kept that holds more energy. All contestants of a run keep the same
    events. Events without links have no truth: their showers are drawn, and not judged.

    Args:
        events: The first test events, in order, with hits and, where truth is known, links; one at least.
        predictions: Tables ``particles``, ``showers``, ``matches`` and ``members`` of the test events, of which the
            first are these.
        folder: Of the contestant.
        metrics: Of the run.

    Raises:
        DataError: The predictions are not of showers.
    """
    missing = set(_TABLES) - predictions.tables.keys()
    if missing:
        raise DataError(
            f"predictions of showers have the tables {', '.join(_TABLES)}",
            came=", ".join([*predictions.tables, *predictions.columns]) or "nothing",
        )
