from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("acts", reason="the chain is made of pyacts's algorithms")

from hitforge.acts import kalman_filter
from hitforge.acts.chain import Chain
from hitforge.acts.kalman_filter import TRACKS, Asked, add_tracking
from hitforge.acts.measurements import measurements
from hitforge.acts.tracking_settings import TrackingSettings
from hitforge.baselines.combinatorial_kalman_filter import PRESETS
from hitforge.core.errors import require
from hitforge.detectors import acts_geometry
from hitforge.events import Events
from tests.helix_gun import TRACKER, gun

OTHER = {
    "seed_volumes": (8,), "seed_layers": ((8, 2),), "variable_middle": (5.0, 9.0), "max_delta_z": 400.0,
    "max_eta_seed": 2.0, "free_seeds": 2, "confirmation": 1, "z_edges": (-3000.0, 0.0, 3000.0), "max_holes": 7,
    "max_outliers": 7, "max_holes_and_outliers": 3, "max_pixel_holes": 1, "max_strip_holes": 1, "max_chi2": 90.0,
    "max_loc0": 2.0, "max_z0": 100.0,
}  # fmt: skip
"""Values of settings that are no plain numbers, or none by default."""
WITH = {
    "z_order": ((2, 1), "z_edges"), "z_neighbours_bottom": (((0, 1), (-1, 0)), "z_edges"),
    "z_neighbours_top": (((0, 1), (-1, 0)), "z_edges"), "confirmed_seeds": (3, "confirmation"),
    "quality_seeds": (3, "confirmation"), "confirmation_radius": (50.0, "confirmation"),
    "confirmation_origin": (99.0, "confirmation"), "confirmation_impact": (2.0, "confirmation"),
}  # fmt: skip
"""Settings that mean something beside another one: their value, and that one."""


@pytest.fixture(scope="module")
def measured():
    return measurements(gun(3, 30, 1, smear=True, largest=2.5)[0], TRACKER.modules)


def found(measured, preset="default", min_pt=0.5, max_eta=3.0, min_measurements=7, **settings):
    surfaces, field = acts_geometry(TRACKER)
    chain = Chain(measured)
    chosen = TrackingSettings(**{**PRESETS[preset], **settings})
    asked = Asked(min_pt, max_eta, min_measurements)
    add_tracking(chain, chosen, asked, surfaces, field, TRACKER.field, (7, 8, 9), (12, 13, 14, 16, 17, 18))
    return chain.run(TRACKS)[0]


def told(monkeypatch, settings):
    """Return all that ACTS is told for some settings."""
    said = []

    def recorded(name):
        def make(*arguments, **keywords):
            said.append((name, arguments, keywords))
            return SimpleNamespace(**keywords)

        return make

    names = ("GridTripletSeeding", "TrackParamsEstimation", "TrackFinding", "GreedyAmbiguityResolution")
    examples = SimpleNamespace(**{f"{name}Algorithm": recorded(name) for name in names})
    examples.SpacePointMaker = recorded("SpacePointMaker")
    for name in ("makeTrackFinderFunction", "makeBremTrackFinderFunction"):
        setattr(examples.TrackFindingAlgorithm, name, lambda *_: None)
    acts = require("acts")
    plain = SimpleNamespace(
        logging=acts.logging, UnitConstants=acts.UnitConstants, ParticleHypothesis=acts.ParticleHypothesis,
        GeometryIdentifier=lambda **where: where,
        SeedConfirmationRangeConfig=SimpleNamespace,
        MeasurementSelector=SimpleNamespace(Config=lambda cuts: cuts),
        TrackSelector=SimpleNamespace(Config=lambda **limits: limits),
    )  # fmt: skip
    monkeypatch.setattr(kalman_filter, "require", lambda name: plain if name == "acts" else examples)
    chain = SimpleNamespace(add=lambda _: None, mark=lambda _: None)
    add_tracking(chain, settings, Asked(), None, None, 2.0, (7, 8, 9), (12,))
    return repr(said)


@pytest.mark.parametrize("name", TrackingSettings.model_fields)
def test_each_setting_reaches_acts(monkeypatch, name):
    value, beside = WITH.get(name, (OTHER.get(name), None))
    usual = TrackingSettings.model_fields[name].default
    if value is None:
        value = (not usual) if isinstance(usual, bool) else usual + (1 if isinstance(usual, int) else 0.25)
        value = usual - 0.25 if name in ("max_radius", "max_z") and isinstance(usual, float) else value
    common = {} if beside is None else {beside: OTHER[beside]}
    assert told(monkeypatch, TrackingSettings(**common, **{name: value})) != told(
        monkeypatch, TrackingSettings(**common)
    )


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
    assert (found(measured, more_measurements=5).sizes >= 12).all()
    assert np.abs(found(measured, max_z0=20.0).parameters[:, 1]).max() <= 20.0


def test_displaced_tracks_want_a_wider_impact():
    events, _, _ = gun(2, 40, 2, smear=True, spread=6.0)
    wide, narrow = (found(measurements(events, TRACKER.modules), impact=impact) for impact in (20.0, 3.0))
    assert len(wide.sizes) > 1.3 * len(narrow.sizes)
    assert np.abs(found(measurements(events, TRACKER.modules), impact=20.0, max_loc0=2.0).parameters[:, 0]).max() <= 2.0


def test_tracks_that_begin_outside_the_pixels_want_middle_points_there():
    events, _, _ = gun(2, 30, 3, smear=True, largest=1.0)
    outside = np.hypot(events.hits["x"], events.hits["y"]) > 150.0
    late = Events({name: table.select_rows(outside) for name, table in events.collections.items()})
    of_late = measurements(late, TRACKER.modules)
    assert len(found(of_late, max_middle=140.0).sizes) == 0
    assert len(found(of_late, max_middle=400.0).sizes) > 50


def test_the_tuned_settings_find_more_than_the_example_in_the_forward_part():
    events, _, _ = gun(3, 60, 3, smear=True, largest=2.5)
    counts = [len(found(measurements(events, TRACKER.modules), name).sizes) for name in ("default", "example")]
    assert counts[0] > 1.01 * counts[1]


def test_measurements_of_tracks_rise_outwards(measured):
    tracks = found(measured)
    radius = (measured.position[tracks.rows] ** 2).sum(axis=1)
    track = np.repeat(np.arange(len(tracks.sizes)), tracks.sizes)
    rising = np.diff(radius) > -10.0 * np.sqrt(radius[:-1])  # overlapping sensors are measured in either order
    assert rising[np.diff(track) == 0].all()
    assert math.isfinite(tracks.chi2.sum())
