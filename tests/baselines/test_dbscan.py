"""The algorithm that recipes call dbscan."""

from __future__ import annotations

from tests.baselines.shower_finders import TEST, build, fit


def test_a_large_distance_joins_all_showers():
    near, far = (build("dbscan", eps=eps, scan_events=0) for eps in (16.0, 400.0))
    fit(near)
    fit(far, TEST.take(TEST.particles.counts == 1))
    assert (far.find(TEST).parameters.counts == 1).all()
    assert near.find(TEST).parameters.rows > len(TEST)
