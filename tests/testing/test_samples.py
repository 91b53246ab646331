"""Samples that plug-ins are tried on."""

from __future__ import annotations

import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.testing._samples import fitting, sample, without_truth


def test_a_sample_is_made_once_and_has_truth() -> None:
    detector, events = sample("images")
    assert sample("images")[1] is events
    assert detector.name == "crystal_barrel"
    assert len(events) == 64
    assert "primary_pdg" in events.fields


def test_truth_is_left_out(gun_events: Events) -> None:
    blind = without_truth(gun_events)
    assert set(blind.collections) <= {"hits", "clusters"}
    assert "primary_pdg" not in blind.fields
    assert len(blind) == len(gun_events)


def test_the_first_sample_that_fits_is_taken(barrel: Detector, gun_events: Events) -> None:
    def refuse(detector: Detector, events: Events) -> str:
        if detector.name != "silicon_barrel_endcap":
            raise ConfigError("no tracker")
        return detector.name

    assert fitting(lambda detector, _: detector, barrel, gun_events, ()) == (barrel, gun_events)
    with pytest.raises(AssertionError, match="give 'detector' and 'events'; images: no tracker"):
        fitting(refuse, None, None, ("images",))
    with pytest.raises(AssertionError, match="a detector must come with its events"):
        fitting(refuse, barrel, None, ())
    with pytest.raises(AssertionError, match="events must come with their detector"):
        fitting(refuse, None, gun_events, ())
