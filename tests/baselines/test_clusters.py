"""What the algorithms that find showers share."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.objects.shower.matching import match_showers, roi_side
from hitforge.tasks import TASKS
from tests.baselines.shower_finders import HONEYCOMB, NAMES, TASK, TEST, TRAIN, build, fit


@pytest.fixture(scope="module", params=NAMES)
def fitted(request):
    baseline = build(request.param)
    return baseline, fit(baseline)


def test_showers_have_members_and_parameters(fitted):
    baseline, record = fitted
    found = baseline.find(TEST)
    assert list(found.members.columns) == ["shower", "hit", "weight"]
    assert set(found.parameters.columns) == {"score", "energy", "hadron"}
    assert len(found.members) == len(found.parameters) == len(TEST) == len(found.seconds["clustering"])
    row = TEST.hits.offsets[found.members.event] + found.members["hit"]
    assert len(np.unique(row)) == len(row)  # a hit is in one shower at most
    assert roi_side(TEST, HONEYCOMB)[row].all()
    assert (TEST.hits["energy"][row] >= HONEYCOMB.layers.mip[0] * HONEYCOMB.layers.weight[0]).all()
    shower = found.parameters.offsets[found.members.event] + found.members["shower"]
    raw = np.bincount(shower, TEST.hits["energy"][row], found.parameters.rows)
    np.testing.assert_allclose(raw, found.parameters["score"], rtol=1e-6)
    assert (found.parameters["score"] >= baseline.config.min_energy).all()
    for i in range(len(TEST)):  # the brightest first
        assert (np.diff(found.parameters.slice(i, i + 1)["score"]) <= 0).all()
    assert json.loads(json.dumps(record)) == record
    assert record["train_events"] == len(TRAIN)


def test_most_particles_are_found(fitted):
    baseline, record = fitted
    found = baseline.find(TEST)
    tables = match_showers(TEST, found.members, found.parameters, HONEYCOMB)
    particles, matches = tables["particles"], tables["matches"]
    best = np.zeros(particles.rows)
    overlap = matches["shared"] / matches["union"]
    np.maximum.at(best, particles.offsets[matches.event] + matches["particle"], overlap)
    alone = particles["nearest"] > 80
    assert alone.sum() >= 8
    assert best[alone].mean() > 0.7
    assert record["overlap"] > 0.5
    good = overlap > 0.7
    true = particles["energy"][(particles.offsets[matches.event] + matches["particle"])[good]]
    energy = found.parameters["energy"][(found.parameters.offsets[matches.event] + matches["shower"])[good]]
    assert abs(np.median(energy / true) - 1) < 0.15
    assert ((found.parameters["hadron"] > 0) & (found.parameters["hadron"] < 1)).all()


def test_the_scan_keeps_the_best_setting(fitted):
    baseline, record = fitted
    own = build(baseline.name, scan_events=0)
    kept = fit(own)
    assert kept["overlap"] is None
    assert kept["settings"] == {name: getattr(own.config, name) for name in own.tried}
    assert record["overlap"] >= round(own._overlap(TRAIN, kept["settings"]), 4)


def test_events_one_by_one_and_empty_ones(fitted):
    baseline, _ = fitted
    whole = baseline.find(TEST)
    one = baseline.find(TEST.take(np.array([5])))
    for name in ("shower", "hit", "weight"):
        np.testing.assert_array_equal(one.members[name], whole.members.slice(5, 6)[name])
    keep = ~np.isin(TEST.hits.event, [0, 7])
    empty = baseline.find(Events({"hits": TEST.hits.select_rows(keep)}))
    assert empty.parameters.counts[0] == empty.parameters.counts[7] == 0
    np.testing.assert_allclose(empty.parameters["score"], whole.parameters.slice(1, 7)["score"])
    nothing = baseline.find(Events({"hits": TEST.hits.select_rows(keep & False)}))
    assert nothing.members.rows == nothing.parameters.rows == 0


def test_saved_numbers_give_the_same_showers(fitted, tmp_path):
    baseline, _ = fitted
    baseline.save(tmp_path)
    path = tmp_path / f"{baseline.name}.json"
    loaded = build(baseline.name)
    loaded.load(tmp_path)
    for name in ("score", "energy", "hadron"):
        np.testing.assert_array_equal(loaded.find(TEST).parameters[name], baseline.find(TEST).parameters[name])
    whole = json.loads(path.read_text())
    for content in ("", "[]", "{}", path.read_text()[:-9], json.dumps({**whole, "factors": [1.0]}),
                    json.dumps({**whole, "edges": ["a"]}), json.dumps({**whole, "settings": {}})):  # fmt: skip
        path.write_text(content)
        with pytest.raises(RunError, match="must hold the numbers"):
            build(baseline.name).load(tmp_path)


def test_what_cannot_be_is_refused(tmp_path):
    barrel = DETECTORS.build("crystal_barrel", where="test")
    for name in NAMES:
        baseline = build(name)
        with pytest.raises(ConfigError, match="finds showers"):
            type(baseline)(baseline.config, HONEYCOMB, TASKS.build("classify", where="test"))
        with pytest.raises(ConfigError, match="hgcal"):
            type(baseline)(baseline.config, barrel, TASK)
        with pytest.raises(ConfigError, match="finds showers"):
            baseline.outputs(TEST)
        for action in (lambda b: b.find(TEST), lambda b: b.save(tmp_path), lambda b: b.load(tmp_path)):
            with pytest.raises(RunError, match=r"fitted or loaded|must hold the numbers"):
                action(baseline)
    with pytest.raises(DataError, match="events to learn from"):
        build("clue").fit(list, list, 1, Progress())
    with pytest.raises(DataError, match="must find showers"):
        fit(build("clue", min_energy=5000.0))
    hits = TEST.hits
    far = Events({"hits": type(hits)(hits.offsets, {**hits.columns, "layer": hits["layer"] + 12})})
    baseline = build("clue")
    fit(baseline)
    with pytest.raises(DataError, match="from 0 to 11"):
        baseline.find(far)
