from __future__ import annotations

import numpy as np
import pytest

from hitforge.representations.region import find_regions
from tests.baselines.toys import HONEYCOMB, TASK, build, errors, fit, sample


def test_one_factor_calibrates_the_raw_energy():
    events = sample(600, 1, 1.6)
    baseline = build("log_weighted_centroid")
    record = fit(baseline, [events], [])
    assert record["factor"] == pytest.approx(1.6, rel=0.01)
    columns = TASK.decode(baseline.outputs(events), TASK.target(events))
    raw = find_regions(events, TASK.region, HONEYCOMB).energy
    np.testing.assert_allclose(columns["predicted_energy"], record["factor"] * raw, rtol=1e-5)
    assert errors(baseline.outputs(events), events)["energy_sigma68"] < 0.01


def test_the_best_way_is_found_and_used():
    train, test = [sample(400, 1)], sample(400, 2)
    tried = {}
    for w0 in (1.0, 2.0, 4.0):
        baseline = build("log_weighted_centroid", w0=(w0,), radii=(15.0,))
        fit(baseline, train, [])
        tried[w0] = errors(baseline.outputs(test), test)["barycentre_x_error"]
    baseline = build("log_weighted_centroid", w0=(1.0, 2.0, 4.0), radii=(15.0, 90.0))
    record = fit(baseline, train, [])
    found = errors(baseline.outputs(test), test)["barycentre_x_error"]
    assert found <= min(tried.values())
    assert found < 0.5  # mm, a twentieth of a cell
    assert record["radius"] in baseline.config.radii


def test_direction_is_that_of_the_line_from_the_origin():
    events = sample(200, 1)
    baseline = build("log_weighted_centroid")
    fit(baseline, [events], [])
    columns = TASK.decode(baseline.outputs(events), TASK.target(events))
    position = np.stack([columns[f"predicted_barycentre_{c}"] for c in "xyz"], 1)
    direction = np.stack([columns[f"predicted_direction_{c}"] for c in "xyz"], 1)
    np.testing.assert_allclose(position / np.linalg.norm(position, axis=1)[:, None], direction, atol=1e-5)
