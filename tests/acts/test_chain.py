from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the event store is that of pyacts")

from hitforge.acts.chain import ActsTracks, Chain, track_tables
from hitforge.acts.measurements import measurements
from hitforge.core.errors import RunError
from hitforge.events import Collection
from tests.helix_gun import TRACKER, gun


def test_what_acts_refuses_is_one_clear_line():
    events, _, _ = gun(1, 5, 6, smear=True)
    chain = Chain(measurements(events, TRACKER.modules))
    with pytest.raises(RunError, match=r"ACTS must accept the events.*nothing"):
        chain.run("nothing")


def test_tracks_become_members_of_their_events():
    events, _, _ = gun(2, 5, 7, smear=True)
    measured = measurements(events, TRACKER.modules)
    first = int(measured.offsets[1])
    numbers = np.arange(18.0).reshape(3, 6)
    found = ActsTracks(
        np.array([1, 2]), np.array([2, 1, 2]), np.array([0, 1, first, first + 1, first + 2]), numbers, numbers,
        np.arange(3.0), np.full(3, 9.0),
    )  # fmt: skip
    members, parameters = track_tables(found, measured)
    assert members.counts.tolist() == [2, 3]
    assert members["track"].tolist() == [0, 0, 0, 1, 1]
    assert members["hit"].tolist() == measured.hit[found.rows].tolist()
    assert parameters.counts.tolist() == [1, 2]
    assert parameters["phi"].tolist() == [2.0, 8.0, 14.0]
    assert parameters["ndf"].tolist() == [4.0] * 3
    assert isinstance(parameters, Collection)
