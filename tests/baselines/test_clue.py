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


def test_the_scan_chooses_what_clusters_in_layers_too():
    baseline = build("clue", dc=400.0, rhoc=1e4)  # one cluster a layer, and no seed
    settings = fit(baseline)["settings"]
    assert (settings["dc"], settings["rhoc"]) != (400.0, 1e4)
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
