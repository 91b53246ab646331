"""Tracks that are fitted to the hits of their particles, and what leaves the tracker."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("acts", reason="the tracker is ACTS's")

from hitforge.acts.fatras import Primaries
from hitforge.core.particles import charges, masses
from hitforge.detectors import DETECTORS, require_tracker
from hitforge.simulation.barrel.tracks import through_silicon

TRACKER = require_tracker(DETECTORS.build({"name": "silicon_barrel_endcap", "field": 3.8}, where="test"), "test")


def primaries(pdg: list[int], pt: list[float], event: list[int], vertex: list[tuple[float, float, float]]) -> Primaries:
    kind, size = np.array(pdg), np.array(pt)
    phi = 0.5 + 1.3 * np.arange(len(kind))
    momentum = size[:, None] * np.stack([np.cos(phi), np.sin(phi), np.full(len(kind), 0.3)], axis=1)
    number = np.array(event)
    return Primaries(
        int(number.max()) + 1, number, number * 0, kind, charges(kind), masses(kind, 7), momentum, np.array(vertex),
        np.zeros(len(kind)),
    )  # fmt: skip


def test_tracks_have_the_momentum_and_the_impact_parameters_of_their_particles() -> None:
    nowhere = (0.0, 0.0, 0.0)
    shot = primaries(
        [13, -13, 211, 13, 22],
        [20.0, 5.0, 8.0, 30.0, 9.0],
        [0, 0, 1, 2, 2],
        [nowhere] * 3 + [(1.0, -0.5, 4.0), nowhere],
    )
    tracks, leaving = through_silicon(TRACKER, shot, np.random.default_rng(1), 0.1, 6)
    charged = shot.charge != 0
    assert tracks.event.tolist() == [0, 0, 1, 2]
    assert tracks.pdg.tolist() == [13, -13, 211, 13]
    np.testing.assert_array_equal(tracks.charge, shot.charge[charged])
    size, true = np.linalg.norm(tracks.momentum, axis=1), np.linalg.norm(shot.momentum[charged], axis=1)
    assert (np.abs(size / true - 1) < 5 * tracks.spread).all()
    assert (tracks.spread < 0.05).all()
    phi = np.arctan2(shot.momentum[charged][:, 1], shot.momentum[charged][:, 0])
    x, y, z = shot.vertex[charged].T
    assert (np.abs(tracks.d0 - (-x * np.sin(phi) + y * np.cos(phi))) < 5 * tracks.d0_error + 0.01).all()
    assert abs(tracks.d0[3]) > 0.1
    away = x * np.cos(phi) + y * np.sin(phi)  # from the vertex back to where the track is nearest
    assert (np.abs(tracks.z0 - (z - 0.3 * away)) < 5 * tracks.z0_error + 0.01).all()
    muons = np.abs(leaving.pdg) == 13
    assert np.hypot(leaving.position[muons, 0], leaving.position[muons, 1]).min() > 900
    assert (np.linalg.norm(leaving.momentum[muons], axis=1) > 0.95 * true[[0, 1, 3]].min()).all()


def test_a_photon_that_converts_leaves_as_its_pair() -> None:
    count = 60
    shot = primaries([22] * count, [20.0] * count, list(range(count)), [(0.0, 0.0, 0.0)] * count)
    tracks, leaving = through_silicon(TRACKER, shot, np.random.default_rng(1), 0.1, 6)
    energy = np.bincount(leaving.event, np.linalg.norm(leaving.momentum, axis=1), count)
    true = np.linalg.norm(shot.momentum, axis=1)
    pairs = np.bincount(leaving.event[np.abs(leaving.pdg) == 11], minlength=count) >= 2
    assert 3 < pairs.sum() < 40
    assert energy == pytest.approx(true, rel=0.05)  # not twice that of those that converted
    assert set(tracks.event) <= set(np.flatnonzero(pairs))


def test_short_tracks_are_left_out_and_nothing_gives_nothing() -> None:
    shot = primaries([13], [10.0], [0], [(0.0, 0.0, 0.0)])
    few, _ = through_silicon(TRACKER, shot, np.random.default_rng(1), 0.1, 30)
    assert not len(few.event)
