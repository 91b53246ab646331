"""Blobs of ten hits each about points of a lattice."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.random import stream
from hitforge.events import COLLECTIONS, Collection, Events, Source

PITCH, HITS = 100.0, 10


class BlobGun(Source):
    """Two to four blobs an event."""

    class Config(config.Config):
        """Sizes of the splits."""

        train: int = Field(20, ge=0, description="events")
        validation: int = Field(5, ge=0, description="events")
        test: int = Field(10, ge=0, description="events")
        seed: int = Field(1, ge=0, description="of all random numbers")

    def splits(self) -> dict[str, int]:
        """One shard each."""
        return {"train": 1, "validation": 1, "test": 1}

    def shard(self, split: str, index: int) -> Events:
        """Return the events of a split."""
        random = stream(self.config.seed, split, index)
        events = getattr(self.config, split)
        number = random.integers(2, 5, events)
        place = np.concatenate([random.permutation(25)[:count] for count in number])
        centre = PITCH * (np.stack(np.divmod(place, 5), axis=1) - 2.0)  # (P, 2)
        hits = np.repeat(np.arange(len(centre)), HITS)
        xy = centre[hits] + random.normal(0.0, 12.0, (len(hits), 2))
        local = np.arange(len(centre)) - np.repeat(np.cumsum(number) - number, number)

        def table(name: str, counts: Any, **columns: Any) -> Collection:
            rows, info = int(counts.sum()), COLLECTIONS[name]
            whole = {key: columns.get(key, np.zeros(rows)) for key in info}
            return Collection.from_counts(counts, {key: np.asarray(whole[key], info[key].dtype) for key in info})

        each = number * HITS
        first = np.arange(len(hits)) - np.repeat(np.cumsum(each) - each, each)
        made = {
            "particles": table("particles", number, pdg=np.full(len(centre), 22), vx=centre[:, 0], vy=centre[:, 1],
                               vz=np.full(len(centre), 1000.0), energy=np.ones(len(centre)),
                               parent=np.full(len(centre), -1)),
            "hits": table("hits", each, x=xy[:, 0], y=xy[:, 1], z=np.full(len(hits), 1000.0),
                          energy=np.ones(len(hits)), cell=first),
            "links": table("links", each, hit=first, particle=local[hits], weight=np.ones(len(hits))),
        }  # fmt: skip
        return Events(made)
