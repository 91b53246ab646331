from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("acts", reason="the chain is made of pyacts's algorithms")

from hitforge.acts.chain import Chain
from hitforge.acts.kalman_filter import TRACKS, add_tracking
from hitforge.acts.measurements import measurements
from hitforge.baselines.combinatorial_kalman_filter import PRESETS
from hitforge.detectors import acts_geometry
from tests.helix_gun import TRACKER, gun


@pytest.fixture(scope="module")
def measured():
    return measurements(gun(3, 30, 1, smear=True, largest=2.5)[0], TRACKER.modules)


def found(measured, **settings):
    surfaces, field = acts_geometry(TRACKER)
    chain = Chain(measured)
    add_tracking(chain, dataclasses.replace(PRESETS["tuned"], **settings), surfaces, field, TRACKER.field)
    return chain.run(TRACKS)[0]


def test_cuts_hold(measured):
    everything = found(measured)
    assert (everything.sizes >= 7).all()
    pt = np.abs(np.sin(everything.parameters[:, 3]) / everything.parameters[:, 4])
    high = found(measured, min_pt=4.0)
    high_pt = np.abs(np.sin(high.parameters[:, 3]) / high.parameters[:, 4])
    assert 0 < len(high.sizes) < len(everything.sizes)
    assert (high_pt >= 4.0).all()
    assert len(high_pt) > 0.9 * (pt > 4.1).sum()
    central = found(measured, max_eta=1.0)
    assert (np.abs(np.log(np.tan(central.parameters[:, 3] / 2))) <= 1.0).all()
    assert (found(measured, min_measurements=12).sizes >= 12).all()


def test_displaced_tracks_want_a_wider_impact():
    events, _, _ = gun(2, 40, 2, smear=True, spread=6.0)
    wide, narrow = (found(measurements(events, TRACKER.modules), impact=impact) for impact in (20.0, 3.0))
    assert len(wide.sizes) > 1.3 * len(narrow.sizes)
    assert np.abs(found(measurements(events, TRACKER.modules), impact=20.0, max_loc0=2.0).parameters[:, 0]).max() <= 2.0


def test_the_tuned_settings_find_more_than_the_example_in_the_forward_part():
    events, _, _ = gun(3, 60, 3, smear=True, largest=2.5)
    counts = [len(found(measurements(events, TRACKER.modules), **dataclasses.asdict(PRESETS[name])).sizes)
              for name in ("tuned", "example")]  # fmt: skip
    assert counts[0] > 1.01 * counts[1]


def test_measurements_of_tracks_rise_outwards(measured):
    tracks = found(measured)
    radius = (measured.position[tracks.rows] ** 2).sum(axis=1)
    track = np.repeat(np.arange(len(tracks.sizes)), tracks.sizes)
    rising = np.diff(radius) > -10.0 * np.sqrt(radius[:-1])  # overlapping sensors are measured in either order
    assert rising[np.diff(track) == 0].all()
