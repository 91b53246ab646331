from __future__ import annotations

import numpy as np
import pytest

from tests.baselines.toys import FACTORS, build, errors, fit, sample

TRAIN, TEST = [sample(700, 1, FACTORS), sample(700, 2, FACTORS)], sample(800, 3, FACTORS)


@pytest.fixture(scope="module")
def fitted():
    baseline = build("weighted_sum")
    fit(baseline, TRAIN, [])
    return baseline


def test_known_calibration_is_recovered(fitted):
    weights = fitted.numbers["weights"]
    np.testing.assert_allclose(weights[:5], FACTORS[:10:2], rtol=0.02)  # hardly any energy lies in the last group
    assert errors(fitted.outputs(TEST), TEST)["energy_sigma68"] < 0.005


def test_weights_beat_the_plain_sum_and_the_response_is_linear(fitted):
    plain = build("log_weighted_centroid")
    fit(plain, TRAIN, [])
    own, other = errors(fitted.outputs(TEST), TEST), errors(plain.outputs(TEST), TEST)
    assert own["energy_sigma68"] < 0.2 * other["energy_sigma68"]
    assert own["energy_linearity"] < 0.003
    assert own["barycentre_z_error"] < 0.5 * other["barycentre_z_error"]
    for axis in "xy":
        assert own[f"barycentre_{axis}_error"] < 0.8
    assert own["direction_error"] <= other["direction_error"] * 1.05


def test_curved_response_is_made_linear():
    def bent(events):
        true = events.field("energy")
        events.hits["energy"][:] *= (0.7 * (true / 50) ** 0.1)[events.hits.event]
        return events

    baseline = build("weighted_sum", groups="sections")
    fit(baseline, [bent(sample(1000, 1))], [])
    test = bent(sample(700, 2))
    values = errors(baseline.outputs(test), test)
    assert values["energy_linearity"] < 0.01
    assert values["energy_error"] < 0.02


def test_pileup_of_a_known_density_is_subtracted():
    def flooded(number, seed):
        """Each hit far from the axis is joined by a flat glow, the more the larger the event's own level."""
        events = sample(number, seed)
        level = np.random.default_rng(seed).uniform(0.0, 0.01, number)
        events.hits["energy"][:] += level[events.hits.event].astype(np.float32)
        return events

    baseline, plain = build("weighted_sum", core=15.0), build("log_weighted_centroid")
    train, test = [flooded(1000, 1)], flooded(700, 2)
    fit(baseline, train, [])
    fit(plain, train, [])
    own, other = errors(baseline.outputs(test), test), errors(plain.outputs(test), test)
    assert own["energy_sigma68"] < 0.6 * other["energy_sigma68"]


def test_groups_can_be_sections():
    baseline = build("weighted_sum", groups="sections")
    fit(baseline, [sample(100, 1)], [])
    assert len(baseline.numbers["weights"]) == 2 * 2 + 3
    assert build("weighted_sum", layers=4).made_for()["group"] == [0] * 4 + [1] * 4 + [2] * 4
