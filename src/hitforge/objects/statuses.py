"""What a metric says of true and found objects, for those who draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Statuses:
    """What became of each particle, and what each candidate is, in the order of the tables of predictions.

    Attributes:
        definition: What counts as found, in words.
        particles: What became of each particle, (P,); the numbers are those of the kind's display.
        candidates: What each candidate is, (C,).
        partner: The particle that each candidate has most in common with, as its row in its event, (C,); -1 for none.
        overlap: How much that is, 0 to 1, (C,): of tracks the share of their hits, of showers the IoU.
    """

    definition: str
    particles: Array
    candidates: Array
    partner: Array
    overlap: Array
