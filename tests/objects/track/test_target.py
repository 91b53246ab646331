"""Which particles are to be found as tracks, in words and deeds."""

from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.objects.track.target import TrackTarget
from tests.targets import target


def test_margins_give_the_numbers_that_they_say() -> None:
    settings = target("track").config
    assert settings.widened(0.2, 0.2, 2) == (0.8, 2.7, 7)
    assert target("track", min_pt=0.9, max_eta=4.0).config.widened(0.05, 0.1, 0) == (0.85, 4.1, 9)
    assert target("track", min_pt=0.9).config.widened(0.2, 0.0, 100) == (0.7, 2.5, 1)


def test_cuts_in_words_and_deeds() -> None:
    cuts = TrackTarget(min_pt=0.9, max_radius=30.0)
    assert cuts.cuts(4) == "charged particles with pT > 0.9 GeV, |eta| < 2.5, production radius < 30 mm, >= 4 hits"
    assert TrackTarget(charged=False).cuts(0) == "particles with pT > 1 GeV, |eta| < 2.5"
    columns = {
        "pt": np.array([0.9, 1.0, 1.0, 1.0, 1.0]),
        "eta": np.array([0.0, -2.5, 2.4, 0.0, 0.0]),
        "charge": np.array([1, 1, -1, 0, 1]),
        "radius": np.array([0.0, 0.0, 0.0, 0.0, 30.0]),
    }
    assert cuts.kinematic(columns).tolist() == [False, False, True, False, False]
    with pytest.raises(ConfigError, match="min_hits must not be below min_seen_hits"):
        TrackTarget.read({"min_hits": 2}, "test")


def test_to_be_found_needs_hits_enough() -> None:
    rows = {"pt": np.full(3, 2.0), "eta": np.array([0.0, 0.0, 3.0]), "charge": np.ones(3), "hits": np.array([9, 8, 9])}
    assert TrackTarget().reconstructable(rows).tolist() == [True, False, False]
    assert TrackTarget(min_hits=8).reconstructable(rows).tolist() == [True, True, False]
