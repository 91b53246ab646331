"""Jets in the barrel: what the detector tells of them, and what it needs."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.simulation import SIMULATIONS

CALORIMETERS = {"ecal": {"name": "crystal_barrel"}, "hcal": {"name": "tower_barrel"}}
needs_all = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pythia8mc", "fastjet", "acts")),
    reason="needs hitforge[gen] and pyacts",
)


def jets(**settings: Any) -> Events:
    detector = DETECTORS.build("composite", where="test")
    block = {
        "name": "barrel_jets",
        "train": 16,
        "validation": 0,
        "test": 0,
        "shard_size": 16,
        "pt": (300, 600),
        **settings,
    }
    return (
        SIMULATIONS.build({"radius": 0.4, "kinds": ("quark",), **block}, detector, where="test")
        .shard("train", 0)
        .check()
    )


@needs_all
def test_the_detector_sees_what_was_generated() -> None:
    events = jets()
    parts, axis = events.constituents, events.jets
    kind = np.abs(parts["pdg"])
    assert set(kind) <= {13, 22, 130, 211}
    pt = np.hypot(parts["px"], parts["py"])
    true = events.field("particle_jet_pt")
    seen = np.hypot(axis["px"], axis["py"])
    assert np.median(seen / true) == pytest.approx(0.88, abs=0.08)  # cells alone, without correction
    tracks = kind == 211
    for share, low, high in ((tracks, 0.4, 0.8), (kind == 22, 0.2, 0.7), (kind == 130, 0.2, 0.7)):
        assert low < np.median(parts.sum(pt * share) / true) < high
    assert (parts["charge"][tracks] == np.sign(parts["pdg"][tracks])).all()
    assert not parts["charge"][(kind == 22) | (kind == 130)].any()
    assert (parts["d0_error"][tracks] > 0).all()
    assert not parts["d0_error"][~tracks & (kind != 13)].any()
    prompt = np.abs(parts["d0"][tracks]) < 5 * parts["d0_error"][tracks]
    assert 0.5 < prompt.mean() < 1.0
    eta = np.arcsinh(parts["pz"] / pt)
    deta = eta - np.arcsinh(axis["pz"] / seen)[parts.event]
    assert 0.8 < np.abs(deta).max() < 1.5  # all about the axis, not the jet alone
    np.testing.assert_allclose((parts["energy"] ** 2 - (pt**2 + parts["pz"] ** 2))[kind == 130], 0, atol=0.05)
    assert not events.field("unclustered").any()
    assert not events.field("failed_tracks").sum() > 0.02 * tracks.sum()
    assert (events.field("lost_energy") < 0.05 * events.jets["energy"]).mean() > 0.8
    assert events.field("particle_jet_mass").min() > 0


@needs_all
def test_without_energy_cells_give_no_jet_which_is_counted() -> None:
    events = jets(
        crystals={"noise": 0, "threshold": 20},
        towers={"noise": 0, "threshold": 20},
        train=4,
        pt=(20, 30),
        kinds=("gluon",),
    )
    assert events.field("unclustered").sum() > 0
    assert len(events.jets["px"]) == 4


def test_another_detector_is_refused() -> None:
    for detector, came in (
        ("point_cloud", "point_cloud"),
        ({"name": "composite", "parts": CALORIMETERS}, "ecal, hcal"),
    ):
        with pytest.raises(ConfigError, match=rf"composite with the parts tracker, ecal, hcal; got: {came}"):
            SIMULATIONS.build("barrel_jets", DETECTORS.build(detector, where="test"), where="test")
