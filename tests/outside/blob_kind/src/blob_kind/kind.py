"""Blobs, and which of them are to be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.registry import Plugin
from hitforge.events import Collection, Events
from hitforge.objects import Candidates, Kind

Array = Any


class Blob(Kind):
    """Groups of hits; nothing is known of them but these."""

    class Config(config.Config):
        """Which are to be found."""

        min_hits: int = Field(5, ge=1, description="hits of a blob that is to be found")

    def match(self, events: Events, candidates: Candidates, region: Array | None) -> dict[str, Collection]:
        """Count the hits that blobs and particles have in common."""
        members, counts = candidates.members, candidates.counts("blob")
        begin = np.cumsum(counts) - counts
        own = begin[members.event] + members["blob"]
        blobs = Collection.from_counts(counts, {"hits": np.bincount(own, minlength=int(counts.sum()))})
        if "links" not in events.collections:
            return {"blobs": blobs, "members": members}
        particles, links = events.particles, events.links
        giver = np.full(events.hits.rows, -1)
        giver[events.hits.offsets[links.event] + links["hit"]] = particles.offsets[links.event] + links["particle"]
        size = np.bincount(giver[giver >= 0], minlength=particles.rows)
        local = np.arange(particles.rows) - particles.offsets[particles.event]
        truth = Collection(particles.offsets, {"particle": local, "hits": size}).select_rows(
            size >= self.config.min_hits
        )
        pair, shared = np.unique(
            np.stack([own, giver[events.hits.offsets[members.event] + members["hit"]]]), axis=1, return_counts=True
        )
        where = np.searchsorted(np.cumsum(counts), pair[0], side="right")
        matches = Collection.from_counts(
            np.bincount(where, minlength=len(events)),
            {"blob": pair[0] - begin[where], "particle": pair[1] - particles.offsets[where], "hits": shared},
        )
        return {"particles": truth, "blobs": blobs, "matches": matches, "members": members}

    def measured(self, events: Events, region: Array | None) -> Collection:
        """Return the number of hits."""
        return Collection.from_counts(np.ones(len(events), np.int64), {"hits": events.hits.counts})

    def display(
        self, events: Events, tables: Mapping[str, Collection], metrics: Sequence[Plugin] = ()
    ) -> dict[str, Array]:
        """Return the hits of the first event and their blobs."""
        hits, members = events.hits.slice(0, 1), tables["members"].slice(0, 1)
        owner = np.full(hits.rows, -1)
        owner[members["hit"]] = members["blob"]
        return {"chosen": np.zeros(1, np.int64), "x": hits["x"], "y": hits["y"], "owner": owner}
