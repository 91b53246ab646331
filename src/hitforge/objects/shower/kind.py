"""Showers, shares of the hits of a calorimeter."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.events import Collection, Events
from hitforge.objects import Candidates, Kind
from hitforge.objects.shower.matching import match_showers

Array = NDArray[Any]


class Shower(Kind):
    """Showers. What is known of a candidate: ``score``, ``energy`` [GeV] and ``hadron``.

    Candidates are ranked by their score, 0 to 1 or an energy; ``hadron`` is the probability of that class, 0.5 where it
    is unknown. Hits are shared: members have weights.
    """

    class Config(config.Config):
        """Which particles are to be found as showers."""

        min_deposited: float = Field(
            3.0, ge=0, le=1e4, description="particles are to be found if their hits hold this energy at least [GeV]"
        )

    config: Config

    def match(self, events: Events, candidates: Candidates, region: Array | None) -> dict[str, Collection]:
        """Weigh what showers and particles have in common; see ``hitforge.objects.shower.matching.match_showers``.

        Without truth all hits count.

        Raises:
            ConfigError: Nothing is known of the showers.
        """
        if candidates.parameters is None:
            raise ConfigError("showers must have a score, an energy and a class", came="none", where=self.name)
        if "links" not in events.collections:
            region = None
        least = self.config.min_deposited
        return match_showers(events, candidates.members, candidates.parameters, min_energy=least, region=region)

    def measured(self, events: Events, region: Array | None) -> Collection:
        """Return ``hits`` and ``energy`` [GeV] of all hits of each event."""
        hits = events.hits
        ones = np.ones(hits.rows)
        columns = {"hits": hits.sum(ones).astype(np.int64), "energy": hits.sum(ones * np.maximum(hits["energy"], 0.0))}
        return Collection.from_counts(np.ones(len(events), np.int64), columns)
