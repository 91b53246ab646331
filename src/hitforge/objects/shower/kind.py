"""Showers, shares of the hits of a calorimeter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin
from hitforge.events import Collection, Events
from hitforge.objects import Candidates, Kind
from hitforge.objects.shower.display_data import shown_showers
from hitforge.objects.shower.matching import match_showers
from hitforge.objects.shower.rules import ShowerCriteria
from hitforge.objects.shower.target import ShowerTarget


class Shower(Kind):
    """Showers. What is known of a candidate: ``score``, ``energy`` [GeV] and ``hadron``.

    Candidates are ranked by their score, 0 to 1 or an energy; ``hadron`` is the probability of that class, 0.5 where it
    is unknown. Hits are shared: members have weights.
    """

    Config = ShowerTarget
    config: ShowerTarget
    units = MappingProxyType(
        {
            "showers": {
                **dict.fromkeys(("energy", "raw", "of_particles"), "GeV"),
                **dict.fromkeys(("u", "v", "depth"), "mm"),
            },
            "particles": {
                **dict.fromkeys(("energy", "deposited"), "GeV"),
                **dict.fromkeys(("u", "v", "depth", "nearest"), "mm"),
            },
            "matches": {"shared": "GeV", "union": "GeV"},
            "measured": {"energy": "GeV"},
        }
    )

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
        min_deposited = self.config.min_deposited
        return match_showers(
            events, candidates.members, candidates.parameters, self.detector, min_energy=min_deposited, region=region
        )

    @staticmethod
    def counted(objects: Collection, measured: Collection | None) -> dict[str, tuple[Array, Array | None, str]]:
        """Return ``shower_energy_per_event``, ``hit_energy_per_event`` [GeV] and ``share_of_energy``."""
        energy, raw = (objects.sum(objects[name].astype(np.float64)) for name in ("energy", "raw"))
        text = "mean sum of an event's shower energies, as the method tells them [GeV]"
        result: dict[str, tuple[Array, Array | None, str]] = {"shower_energy_per_event": (energy, None, text)}
        text = "mean sum of the energies of an event's hits, each times its share in showers [GeV]"
        result["hit_energy_per_event"] = (raw, None, text)
        if measured is not None:
            text = "energy of hits in showers over that of all hits of all events"
            result["share_of_energy"] = (raw, measured["energy"], text)
        return result

    def display(
        self, events: Events, tables: Mapping[str, Collection], metrics: Sequence[Plugin] = ()
    ) -> dict[str, Array]:
        """Return a few events with their showers; see ``hitforge.objects.shower.display_data``."""
        criteria = next((one.config for one in metrics if isinstance(one.config, ShowerCriteria)), None)
        return shown_showers(events, tables, self.detector, self.config.min_deposited, criteria).arrays()

    def measured(self, events: Events, region: Array | None) -> Collection:
        """Return ``hits`` and ``energy`` [GeV] of all hits of each event."""
        hits = events.hits
        ones = np.ones(hits.rows)
        columns = {"hits": hits.sum(ones).astype(np.int64), "energy": hits.sum(ones * np.maximum(hits["energy"], 0.0))}
        return Collection.from_counts(np.ones(len(events), np.int64), columns)
