"""Tracks as a kind of object: which tables it makes, what is counted without truth, and whose truth will do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.events import Events, FieldInfo
from hitforge.objects import Candidates
from tests.small_samples import TARGET
from tests.track_events import event, members

ONE = event([[0]] * 6)  # layers 0 to 3 are of subsystem 0, which is the pixels'
PIXELS = np.arange(6) < 4


def test_tables_of_a_match_have_the_members_beside_them() -> None:
    found = Candidates(members([[0, 1, 2], [3]]))
    tables = TARGET.match(ONE, found, None)
    assert set(tables) == {"particles", "tracks", "matches", "members"}
    assert tables["members"] is found.members
    assert tables["tracks"]["hits"].tolist() == [3, 1]
    inner = TARGET.match(ONE, found, PIXELS & (np.arange(6) > 1))
    assert inner["particles"]["hits"].tolist() == [2]
    assert inner["tracks"]["hits"].tolist() == [1, 1]


def test_hits_that_count_are_measured() -> None:
    two = Events.concatenate([ONE, event([[0]] * 2)])
    assert TARGET.measured(two, None)["hits"].tolist() == [6, 2]
    assert TARGET.measured(two, np.arange(8) % 2 == 0)["hits"].tolist() == [3, 1]


def test_hits_of_a_track_are_counted_without_truth() -> None:
    tables = TARGET.match(Events({"hits": ONE.hits}), Candidates(members([[0, 1, 2], [3]])), None)
    above, below, words = TARGET.counted(tables["tracks"], None)["hits_per_track"]
    assert (above.tolist(), below.tolist()) == ([4.0], [2])
    assert "hits of a track" in words


def of_real_data(truth: int) -> Events:
    return Events(ONE.collections, {"truth": np.array([truth])}, {"truth": FieldInfo("int8", "", "of a test")})


@pytest.mark.parametrize(
    ("truth", "region", "message"),
    [
        (0, PIXELS, "an event without truth"),
        (1, None, "that of the pixels alone, and hits of strips"),
        (1, PIXELS, ""),
        (2, None, ""),
    ],
)
def test_the_truth_must_speak_of_all_hits_that_count(truth: int, region: np.ndarray | None, message: str) -> None:
    if message:
        with pytest.raises(ConfigError, match=message):
            TARGET.require_truth(of_real_data(truth), region, Path("here"))
    else:
        TARGET.require_truth(of_real_data(truth), region, Path("here"))
    TARGET.require_truth(ONE, region, Path("here"))  # events that do not say
