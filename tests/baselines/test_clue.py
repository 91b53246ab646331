"""The algorithm that recipes call clue."""

from __future__ import annotations

import numpy as np

from tests.baselines.shower_finders import TEST, build, fit


def test_outliers_of_a_layer_may_be_left_out():
    with_singles, without = (build("clue", singles=value, scan_events=0) for value in (True, False))
    fit(with_singles)
    fit(without)
    more, fewer = with_singles.find(TEST), without.find(TEST)
    assert more.members.rows > fewer.members.rows > 0
    assert more.parameters["score"].sum() > fewer.parameters["score"].sum()


def test_the_scan_leaves_settings_that_join_all_showers():
    baseline = build("clue", link_distance=400.0, scan_rounds=1)
    record = fit(baseline)
    settings = record["settings"]
    assert settings["link_distance"] < 400.0
    assert record["scan"]["value"] > record["scan"]["tried"][0]["value"] + 0.1
    same = build("clue", scan_events=0, **settings)
    fit(same)
    found, again = baseline.find(TEST), same.find(TEST)
    for name in ("shower", "hit"):
        np.testing.assert_array_equal(found.members[name], again.members[name])


def test_showers_far_apart_in_one_event_are_parted():
    baseline = build("clue", scan_events=0, link_distance=25.0)
    fit(baseline)
    particles = TEST.particles
    u = particles["px"] / np.abs(particles["pz"]) * 3221
    v = particles["py"] / np.abs(particles["pz"]) * 3221
    far = [
        i for i in range(len(TEST))
        if particles.counts[i] == 2
        and np.hypot(*(np.diff(w[particles.offsets[i] : particles.offsets[i + 1]])[0] for w in (u, v))) > 100
    ]  # fmt: skip
    assert far
    assert (baseline.find(TEST).parameters.counts[far] >= 2).all()
