"""The algorithm that recipes call seeded_cone."""

from __future__ import annotations

from tests.baselines.shower_finders import TEST, build, fit


def test_a_wider_cone_takes_more_and_wide_spacing_leaves_one():
    narrow, wide, one = (
        build("seeded_cone", radius=radius, apart=apart, scan_events=0)
        for radius, apart in ((30.0, 35.0), (100.0, 35.0), (1000.0, 1000.0))
    )
    for baseline in (narrow, wide):
        fit(baseline)
    fit(one, TEST.take(TEST.particles.counts == 1))
    assert wide.find(TEST).members.rows > narrow.find(TEST).members.rows
    assert (one.find(TEST).parameters.counts == 1).all()


def test_the_scan_chooses_the_core_too():
    baseline = build("seeded_cone", core=900.0)  # all energy of an event is one seed
    chosen = fit(baseline)["settings"]
    assert chosen["core"] < 100
    same = build("seeded_cone", scan_events=0, **chosen)
    fit(same)
    assert baseline.find(TEST).members["shower"].tolist() == same.find(TEST).members["shower"].tolist()
