"""What every particle gun shares: the sizes of its splits, its shards, and checks of its settings."""

from __future__ import annotations

import math
from abc import abstractmethod

import numpy as np
from pydantic import Field, field_validator

from hitforge.core import config
from hitforge.core.errors import ConfigError
from hitforge.core.random import stream
from hitforge.events import Events, Source
from hitforge.events.schema import ORIGIN
from hitforge.events.source import SPLITS


class GunConfig(config.Config):
    """Settings of every gun; one with another standard size of a shard overrides the field."""

    train: int = Field(10_000, ge=0, le=10**9, description="events for training")
    validation: int = Field(2_000, ge=0, le=10**9, description="events for validation")
    test: int = Field(2_000, ge=0, le=10**9, description="events for the final measurement")
    shard_size: int = Field(2_000, ge=1, le=100_000, description="events in a shard; bounds the memory")
    seed: int = Field(1, ge=0, description="seed of all random numbers")

    @field_validator("pt", "energy", "eta", check_fields=False)
    @classmethod
    def _rising(cls, values: tuple[float, float]) -> tuple[float, float]:
        if values[0] > values[1]:
            raise ValueError("the lower end of the range must come first")
        return values

    @field_validator("vertex_spread", check_fields=False)
    @classmethod
    def _not_negative(cls, values: tuple[float, float]) -> tuple[float, float]:
        if min(values) < 0 or values[0] > 10 or values[1] > 200:
            raise ValueError("spreads must be at least 0 mm, and at most 10 mm across and 200 mm along the beam")
        return values

    @field_validator("pdg", check_fields=False)
    @classmethod
    def _once(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) < len(values):
            raise ValueError("each particle may stand once")
        return values


class Gun(Source):
    """A source whose shards are simulated, each from its own stream of random numbers."""

    @abstractmethod
    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        """Return ``count`` events of a split."""

    def splits(self) -> dict[str, int]:
        """Return the number of shards of each split."""
        return {name: math.ceil(getattr(self.config, name) / self.config.shard_size) for name in SPLITS}

    def shard(self, split: str, index: int) -> Events:
        """Return the events of a shard, the same at every call.

        Raises:
            ConfigError: There is no such shard.
            MissingExtraError: A package that the settings need is not installed.
        """
        shards = self.splits()
        if split not in shards or not 0 <= index < shards[split]:
            raise ConfigError("the shard must exist", came=f"{split} {index}", where=f"shards {shards}")
        first = index * self.config.shard_size
        count = min(self.config.shard_size, getattr(self.config, split) - first)
        events = self._simulate(split, count, stream(self.config.seed, self.name, split, index))
        return events.with_fields({"event": np.arange(first, first + count)}, {"event": ORIGIN["event"]})
