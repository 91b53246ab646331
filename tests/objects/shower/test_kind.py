"""Showers as a kind of object: which tables it makes, and what is counted without truth."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.objects import Candidates
from tests.shower_events import event, found
from tests.targets import target

HGCAL = DETECTORS.build("hgcal", where="test")
SHOWER = target("shower", HGCAL)
SAMPLE = event([(9.0, {0: 1.0}), (4.0, {1: 1.0}), (-1.0, {})])


def test_tables_of_a_match() -> None:
    tables = SHOWER.match(SAMPLE, Candidates(*found([{0: 1.0}, {1: 0.5}])), None)
    assert set(tables) == {"particles", "showers", "matches", "members"}
    assert tables["particles"]["deposited"].tolist() == [9.0, 4.0]
    assert tables["showers"]["raw"].tolist() == [9.0, 2.0]
    inside = SHOWER.match(SAMPLE, Candidates(*found([{0: 1.0}, {1: 0.5}])), np.array([True, False, False]))
    assert inside["particles"]["deposited"].tolist() == [9.0]


def test_all_hits_count_where_there_is_no_truth() -> None:
    bare = Events({"hits": SAMPLE.hits})
    tables = SHOWER.match(bare, Candidates(*found([{0: 1.0}, {1: 0.5}])), np.array([True, False, False]))
    assert set(tables) == {"showers", "members"}
    assert tables["showers"]["raw"].tolist() == [9.0, 2.0]
    measured = SHOWER.measured(bare, None)
    assert (measured["hits"].tolist(), measured["energy"].tolist()) == ([3], [13.0])  # less than nothing is nothing
    counted = SHOWER.counted(tables["showers"], measured)
    numbers = {
        name: (above.tolist(), None if below is None else below.tolist()) for name, (above, below, _) in counted.items()
    }
    assert numbers == {
        "shower_energy_per_event": ([100.0], None),
        "hit_energy_per_event": ([11.0], None),
        "share_of_energy": ([11.0], [13.0]),
    }
    assert "share_of_energy" not in SHOWER.counted(tables["showers"], None)


def test_showers_of_which_nothing_is_known_are_refused() -> None:
    with pytest.raises(ConfigError, match="must have a score, an energy and a class"):
        SHOWER.match(SAMPLE, Candidates(found([{0: 1.0}])[0]), None)


def test_pictures_are_of_these_events() -> None:
    tables = SHOWER.match(SAMPLE, Candidates(*found([{0: 1.0}, {1: 0.5}])), None)
    shown = SHOWER.display(SAMPLE, tables)
    assert shown["chosen"].tolist() == [0]
    assert np.sort(shown["hit_energy"]).tolist() == [-1.0, 4.0, 9.0]
    assert len(shown["shower_score"]) == len(shown["particle_pdg"]) == 2
