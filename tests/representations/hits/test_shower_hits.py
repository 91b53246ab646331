"""Hits of many showers as nodes."""

from __future__ import annotations

import numpy as np

from hitforge.representations.hits.shower_hits import ShowerHits
from tests.layered import HONEYCOMB
from tests.many_showers import PLANE, many_showers


def test_places_are_pointing_coordinates_about_the_centre() -> None:
    events, index = many_showers([3, 2]), np.array([1, 0])
    made = ShowerHits(ShowerHits.Config(), HONEYCOMB)
    prepared = made.prepare(events)
    batch = made.batch(prepared, index)
    hits = events.take(index).hits
    row = hits.offsets[batch["event"]] + made.hit_index(prepared, index)
    centre = prepared.dense["centre"][index][batch["event"]]
    expected = [hits["layer"][row] / 25]
    expected += [(hits[n][row] * PLANE / abs(hits["z"][row]) - centre[:, i]) / 100 for i, n in enumerate("xy")]
    np.testing.assert_allclose(batch["place"], np.stack(expected, 1), atol=1e-4)
    np.testing.assert_array_equal(np.sign(hits["z"][row]), prepared.dense["side"][index][batch["event"]])


def test_a_pointing_shower_keeps_its_place_along_the_depth() -> None:
    events = many_showers([1], spots=3000, noise=0)
    made = ShowerHits(ShowerHits.Config(), HONEYCOMB)
    batch = made.batch(made.prepare(events), np.array([0]))
    for half in (batch["layer"] < 4, batch["layer"] >= 4):
        mean = batch["energy"][half] @ batch["place"][half, 1:] / batch["energy"][half].sum()
        np.testing.assert_allclose(mean, 0, atol=0.02)  # 2 mm of a centre that all hits give


def test_region_of_interest_is_a_square_on_one_side_whatever_the_energy() -> None:
    events = many_showers([3, 2, 4])
    made = ShowerHits(ShowerHits.Config(size=120.0, threshold=0.02), HONEYCOMB)
    roi, prepared = made.region(events), made.prepare(events)
    hits, index = events.hits, np.arange(3)
    centre, side = (prepared.dense[name][hits.event] for name in ("centre", "side"))
    place = np.stack([hits[n] * PLANE / abs(hits["z"]) for n in "xy"], 1) - centre
    near, edge = (abs(place) < 59.9).all(1), (abs(abs(place) - 60) < 0.1).any(1)
    np.testing.assert_array_equal((near & (np.sign(hits["z"]) == side))[~edge], roi[~edge])
    assert 0 < roi.sum() < hits.rows
    row = hits.offsets[prepared.ragged.event] + made.hit_index(prepared, index)
    np.testing.assert_array_equal(np.flatnonzero(roi & (hits["energy"] > 0.02)), row)
