"""The summary of a region as one vector."""

from __future__ import annotations

import numpy as np

from hitforge.representations.features.shower_features import ShowerFeatures
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.representations.region.summary import SUMMARY, summarise
from tests.layered import HONEYCOMB, showers


def test_features_are_the_summary_of_the_region() -> None:
    settings = RegionSettings(radius=100)
    representation = ShowerFeatures(ShowerFeatures.Config(region=settings), HONEYCOMB)
    events = showers(6)
    found = representation.batch(representation.prepare(events), np.array([4, 1]))["features"]
    wanted = summarise(events, find_regions(events, settings, HONEYCOMB), settings, HONEYCOMB)
    np.testing.assert_array_equal(found, wanted[[4, 1]])
    assert found.std(0).max() > 0
    assert representation.labels()["features"] == list(SUMMARY)
