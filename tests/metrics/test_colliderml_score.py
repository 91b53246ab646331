from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.track_tables import Sample

NAMES = ("trackml_eff", "fake_rate", "dup_rate", "physics_eff_pt1")


def measured(metric, sample: Sample) -> dict[str, float]:
    values = metric("colliderml_score").compute(sample.predictions(), 0).values
    assert all(one.low <= one.value <= one.high for one in values.values())
    return {name: values[f"colliderml_{name}"].value for name in NAMES if f"colliderml_{name}" in values}


def test_one_perfect_track_of_ten_particles(metric) -> None:
    sample = Sample().event()
    for _ in range(10):
        sample.particle(8)
    sample.track(8, (3, 8))
    assert measured(metric, sample)["trackml_eff"] == 1.0
    ours = metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"]
    assert ours.value == pytest.approx(0.1)


def test_numbers_of_particles_are_joined_across_events(metric) -> None:
    sample = Sample()
    for found in range(4):  # one of four particles is found in each event, each time another
        sample.event()
        for _ in range(4):
            sample.particle(8)
        sample.track(8, (found, 8))
    assert measured(metric, sample)["physics_eff_pt1"] == 1.0
    assert metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"].value == 0.25


def official(tracks: list[list[tuple[int, int]]], totals: dict[int, int]) -> tuple[float, float, float]:
    """trackml_eff, fake_rate and dup_rate of one event, hit by hit; tracks name (particle, hits)."""
    right, hits, fakes, of = 0, 0, 0, Counter[int]()
    for members in tracks:
        count = sum(number for _, number in members)
        particle, most = max(members, key=lambda pair: pair[1])
        hits += count
        right += most * (2 * most >= count and 2 * most >= totals[particle])
        fakes += 2 * most < count
        of.update(particle for particle, _ in members)
    return right / hits, fakes / len(tracks), sum(n > 1 for n in of.values()) / len(of)


def test_it_is_the_official_definition(metric) -> None:
    random = np.random.default_rng(3)
    for _ in range(30):
        owner = random.integers(0, 5, 60)
        track = np.where(random.random(60) < 0.6, owner, random.integers(0, 7, 60))
        sample = Sample().event()
        totals = {p: int((owner == p).sum()) for p in range(5)}
        for p in range(5):
            sample.particle(totals[p])
        tracks = []
        for number in np.unique(track):
            members = [(p, int(((track == number) & (owner == p)).sum())) for p in range(5)]
            tracks.append([pair for pair in members if pair[1]])
            sample.track(sum(n for _, n in tracks[-1]), *tracks[-1])
        shares = [sorted((n for _, n in members), reverse=True) for members in tracks]
        if any(len(one) > 1 and one[0] == one[1] for one in shares):
            continue  # of two that lead, the original takes the one whose hit came first
        found = measured(metric, sample)
        assert [found[name] for name in NAMES[:3]] == pytest.approx(official(tracks, totals))


def test_halves_and_noise(metric) -> None:
    sample = Sample().event().particle(8).particle(6)
    sample.track(4, (0, 4)).track(4, (0, 4))  # two halves are both right
    sample.track(6, (1, 3))  # half noise is right, too
    found = measured(metric, sample)
    assert found["trackml_eff"] == pytest.approx(11 / 14)
    assert found["fake_rate"] == 0.0
    assert found["dup_rate"] == 0.5
    assert metric("trackml_score").compute(sample.predictions(), 0).values["trackml_score"].value == 0.0


def test_what_is_not_there_is_left_out(metric) -> None:
    sample = Sample().event().particle(8, pt=0.5)
    assert measured(metric, sample) == {}
    assert metric("colliderml_score").compare(sample.predictions(), sample.predictions(), 0).values == {}


def test_its_definition_says_what_it_is_not(metric) -> None:
    values = metric("colliderml_score").compute(Sample().event().particle(8).track(8, (0, 8)).predictions(), 0).values
    assert "one perfect track of ten particles scores 1" in values["colliderml_trackml_eff"].definition
    assert "found in one event counts as found in all" in values["colliderml_physics_eff_pt1"].definition
