"""What tasks that make tracks of hits share: which particles are learned, and the score in training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError
from hitforge.tasks import Objects
from hitforge.tasks._hit_objects import HitObjects, HitObjectsConfig
from tests.targets import target


class Told(HitObjects):
    """Each output is the number of the hit's track, -1 for none."""

    Config = HitObjectsConfig
    outputs = 1

    def objects(self, outputs: Array, inputs: dict[str, Array]) -> Objects:
        hit = np.flatnonzero(outputs[:, 0] >= 0)
        member = outputs[hit, 0].astype(np.int32)
        return Objects(member, hit.astype(np.int32), int(member.max(initial=-1)) + 1)

    def torch_loss(self, outputs: Any, target: Any) -> Any:
        raise NotImplementedError

    def decode(self, outputs: Array, target: Array) -> dict[str, Array]:
        raise NotImplementedError

    def nothing(self, inputs: dict[str, Array]) -> Objects:
        return self.objects(np.zeros((0, 1)), inputs)


def build(min_hits: int | None = None, **settings: object) -> Told:
    object_kind = None if min_hits is None else target("track", min_hits=min_hits)
    return Told(HitObjectsConfig.read(settings, "test"), object_kind=object_kind)


@pytest.mark.parametrize(("min_hits", "margin", "hits"), [(None, 2, 3), (9, 2, 7), (9, 0, 9), (3, 5, 1)])
def test_particles_with_a_few_hits_fewer_are_learned_too(min_hits: int | None, margin: int, hits: int) -> None:
    assert build(min_hits, hits_margin=margin).truth_hits == hits


@pytest.mark.parametrize(("old", "new"), [("truth_hits", r"'hits_margin'"), ("min_hits", r"'target\.min_track_hits'")])
def test_old_settings_name_the_new_ones(old: str, new: str) -> None:
    with pytest.raises(ConfigError, match=new):
        HitObjectsConfig.read({old: 3}, "test")


def test_scores_are_means_over_the_events() -> None:
    truth = np.ones((10, 9), np.float32)
    truth[:, 0] = [0, 0, 0, 1, 1, 1, 5, 5, 5, -1]
    truth[9, 7] = 0
    truth[:, 8] = [0] * 6 + [1] * 4
    numbers = np.array([0, 0, 0, 1, -1, -1, 0, 0, 0, -1], np.float32)[:, None]
    task = build()
    assert set(task.scores) == {"efficiency", "fakes"}
    assert task.score(numbers, truth) == {"efficiency": 0.75, "fakes": 0.25}
    assert task.score(numbers[6:], truth[6:]) == {"efficiency": 1.0, "fakes": 0.0}
    assert task.score(np.full((4, 1), -1.0), truth[6:])["efficiency"] == 0.0
    assert (task.per, task.kind) == ("hit", "track")
