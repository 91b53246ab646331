from __future__ import annotations

import numpy as np
import pytest

from hitforge.baselines._centroid import LINEAR, Candidate, best_candidate, centroids
from hitforge.representations.region import RegionSettings, find_regions
from tests.baselines.toys import HONEYCOMB, sample, showers, without_hits

SETTINGS = RegionSettings()
NONE = np.zeros(12)


def by_hand(events, regions, event, w0, radius, min_hit_energy=NONE):
    """The definition, written out for one event."""
    part = events.take(np.array([event])).hits
    x, y, z, e, layer = (part[name].astype(float) for name in ("x", "y", "z", "energy", "layer"))
    scale = HONEYCOMB.plane / np.abs(z)
    distance = np.hypot(
        x * scale - regions.slope_x[event] * HONEYCOMB.plane, y * scale - regions.slope_y[event] * HONEYCOMB.plane
    )
    keep = (distance < radius) & (z * regions.side[event] > 0) & (e >= min_hit_energy[layer.astype(int)])
    centres = []
    for i in np.unique(layer[keep]):
        one = keep & (layer == i)
        weight = e[one] if w0 == LINEAR else np.maximum(0, w0 + np.log(e[one] / e[one].sum()))
        centres.append(
            (e[one].sum(), np.average(x[one], weights=weight), np.average(y[one], weights=weight), z[one][0])
        )
    energy, cx, cy, cz = np.array(centres).T
    slopes = [np.polyfit(np.abs(cz), c, 1, w=np.sqrt(energy))[0] for c in (cx, cy)]
    return np.average(cx, weights=energy), np.average(cy, weights=energy), *slopes


@pytest.mark.parametrize(("w0", "radius"), [(2.5, 30.0), (4.0, 90.0), (LINEAR, 60.0)])
@pytest.mark.parametrize("min_hit_energy", [0.0, 0.05])
def test_centroid_and_line_equal_the_definition(w0, radius, min_hit_energy):
    events = showers(12, 2)
    regions = find_regions(events, SETTINGS, HONEYCOMB)
    cut = np.full(12, min_hit_energy)
    centre, line = centroids(events, regions, HONEYCOMB.plane, [Candidate(3.0, 10.0), Candidate(w0, radius)], cut)
    for event in range(12):
        expected = by_hand(events, regions, event, w0, radius, cut)
        np.testing.assert_allclose([*centre[event, 1], *line[event, 1]], expected, rtol=1e-5, atol=2e-4)


def test_centroid_is_near_the_truth_and_the_best_way_is_chosen():
    events = sample(300, 5)
    regions = find_regions(events, SETTINGS, HONEYCOMB)
    ways = [Candidate(3.0, 5.0), Candidate(LINEAR, 90.0), Candidate(3.0, 60.0)]
    centre, line = centroids(events, regions, HONEYCOMB.plane, ways, NONE)
    true = np.stack([events.field("barycentre_x"), events.field("barycentre_y")], 1)
    assert best_candidate(centre, true) == 1
    assert np.abs(centre[:, 1] - true).mean() < 0.5
    slope = events.field("direction_x") / np.abs(events.field("direction_z"))
    assert np.abs(line[:, 1, 0] - slope).mean() < 0.02


def test_events_without_hits_or_with_none_above_the_cut_have_answers():
    events = without_hits(showers(6, 2), [1, 4])
    regions = find_regions(events, SETTINGS, HONEYCOMB)
    centre, line = centroids(events, regions, HONEYCOMB.plane, [Candidate(3.0, 60.0)], np.full(12, 1e9))
    np.testing.assert_array_equal(centre[[1, 4]], 0)
    np.testing.assert_allclose(centre[0, 0], [regions.x[0], regions.y[0]])
    np.testing.assert_allclose(line[0, 0], [regions.slope_x[0], regions.slope_y[0]])
    assert np.isfinite(centre).all()
    assert np.isfinite(line).all()


def test_mip_is_in_units_of_the_hits():
    np.testing.assert_allclose(HONEYCOMB.mips, 8e-3)
