"""What every gun shares: splits, shards, checks of settings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import Field

from hitforge.core.errors import ConfigError
from hitforge.events import Events, FieldInfo
from hitforge.simulation._gun import Gun, GunConfig


class Dice(Gun):
    """One random number an event."""

    class Config(GunConfig):
        """Settings that the shared checks look at."""

        energy: tuple[float, float] = Field((1.0, 2.0), description="range")
        pdg: tuple[int, ...] = Field((11,), description="particles")
        vertex_spread: tuple[float, float] = Field((0.0, 1.0), description="spread")

    def _simulate(self, split: str, count: int, rng: np.random.Generator) -> Events:
        return Events({}, {"value": rng.random(count)}, {"value": FieldInfo("float64", "", "a number")})


def dice(**settings: Any) -> Dice:
    return Dice(Dice.Config.read(settings, where="test"), None)


def test_shards_hold_every_event_once_and_repeat() -> None:
    gun = dice(train=25, validation=0, test=10, shard_size=10)
    assert gun.splits() == {"train": 3, "validation": 0, "test": 1}
    assert [len(gun.shard("train", index)) for index in range(3)] == [10, 10, 5]
    first, second = (gun.shard("train", index).field("value") for index in (0, 1))
    np.testing.assert_array_equal(gun.shard("train", 0).field("value"), first)
    assert not np.intersect1d(first, second).size
    assert not np.intersect1d(first, gun.shard("test", 0).field("value")).size
    numbers = np.concatenate([gun.shard("train", index).field("event") for index in range(3)])
    assert numbers.tolist() == list(range(25))
    assert not np.array_equal(dice(train=25, shard_size=10, seed=2).shard("train", 0).field("value"), first)


@pytest.mark.parametrize(("split", "index"), [("train", 3), ("validation", 0), ("train", -1), ("all", 0)])
def test_a_shard_that_does_not_exist_is_refused(split: str, index: int) -> None:
    with pytest.raises(ConfigError, match="shard must exist"):
        dice(train=25, validation=0, shard_size=10).shard(split, index)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"energy": (3.0, 2.0)}, "lower end"),
        ({"pdg": (11, 11)}, "may stand once"),
        ({"vertex_spread": (-1.0, 2.0)}, "at least 0 mm"),
        ({"vertex_spread": (0.0, 300.0)}, "at most 10 mm"),
        ({"train": -1}, "train"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        dice(**settings)
