"""What the algorithms that find showers share."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.events import Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects.shower.matching import match_showers, roi_side
from hitforge.tasks import TASKS
from tests.baselines.shower_finders import HONEYCOMB, NAMES, TASK, TEST, TRAIN, build, fit
from tests.many_showers import many_showers


@pytest.fixture(scope="module", params=NAMES)
def fitted(request):
    baseline = build(request.param, scan_rounds=1)
    return baseline, fit(baseline)


def test_showers_have_members_and_parameters(fitted):
    baseline, record = fitted
    found = baseline.find(TEST)
    chosen = baseline._chosen
    assert list(found.members.columns) == ["shower", "hit", "weight"]
    assert set(found.parameters.columns) == {"score", "energy", "hadron"}
    assert len(found.members) == len(found.parameters) == len(TEST) == len(found.seconds["clustering"])
    assert set(found.seconds) == {"clustering", "energy"}
    row = TEST.hits.offsets[found.members.event] + found.members["hit"]
    assert len(np.unique(row)) == len(row)  # a hit is in one shower at most
    assert roi_side(TEST, HONEYCOMB)[row].all()
    assert (TEST.hits["energy"][row] >= chosen.threshold * HONEYCOMB.mips[0]).all()
    shower = found.parameters.offsets[found.members.event] + found.members["shower"]
    raw = np.bincount(shower, TEST.hits["energy"][row], found.parameters.rows)
    np.testing.assert_allclose(raw, found.parameters["score"], rtol=1e-6)
    assert (found.parameters["score"] >= chosen.min_energy).all()
    assert (np.bincount(shower) >= chosen.min_hits).all()
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
    assert record["scan"]["value"] > 0.5
    good = overlap > 0.7
    true = particles["energy"][(particles.offsets[matches.event] + matches["particle"])[good]]
    energy = found.parameters["energy"][(found.parameters.offsets[matches.event] + matches["shower"])[good]]
    assert abs(np.median(energy / true) - 1) < 0.15
    assert ((found.parameters["hadron"] > 0) & (found.parameters["hadron"] < 1)).all()


def test_the_scan_opens_all_settings_and_keeps_the_best(fitted):
    baseline, record = fitted
    own = build(baseline.name, scan_events=0)
    kept = fit(own)
    assert kept["scan"] is None
    assert kept["settings"] == {name: getattr(own.config, name) for name in own.tried}
    scan = record["scan"]
    assert scan["tried"][0]["settings"] == kept["settings"]
    assert record["settings"] == scan["best"]
    assert scan["value"] == max(one["value"] for one in scan["tried"])
    assert len(scan["tried"]) > len(own.tried)
    ours = set(type(own.config).model_fields) - {"scan_events", "scan_rounds", "events", "energy"}
    assert set(own.tried) == ours  # no setting of the algorithm is left out


def test_the_objective_is_the_average_precision_of_the_metric(fitted):
    baseline, _ = fitted
    found = baseline.find(TEST)
    tables = match_showers(TEST, found.members, found.parameters, HONEYCOMB)
    settings = {name: getattr(baseline._chosen, name) for name in baseline.tried}
    trial = baseline._trial(TEST, baseline._points(TEST, baseline._chosen.threshold), settings)
    thresholds = (0.3, 0.4, 0.5, 0.6, 0.7)
    metric = METRICS.build({"name": "average_precision", "replicas": 50, "thresholds": thresholds}, where="test")
    values = metric.compute(Predictions({}, tables=tables), 1).values
    assert trial.more["ap_50"] == pytest.approx(values["ap_50"].value, abs=1e-5)
    assert trial.value == pytest.approx(np.mean([values[f"ap_{100 * at:g}"].value for at in thresholds]), abs=6e-4)


def test_trees_are_learned_where_showers_suffice(tmp_path):
    many = many_showers([2] * 80 + [3] * 40, seed=5, spread=150.0, low=20.0)
    trees, factors = (build("clue", scan_events=0, energy=energy) for energy in ("trees", "factors"))
    record = fit(trees, many)
    assert record["calibration"] == "trees"
    assert record["train_showers"] >= 200
    assert fit(factors, many)["calibration"] == "factors"
    np.testing.assert_array_equal(trees.find(TEST).parameters["score"], factors.find(TEST).parameters["score"])
    assert (trees.find(TEST).parameters["energy"] != factors.find(TEST).parameters["energy"]).any()
    trees.save(tmp_path)
    loaded = build("clue")
    loaded.load(tmp_path)
    for name in ("score", "energy", "hadron"):
        np.testing.assert_array_equal(loaded.find(TEST).parameters[name], trees.find(TEST).parameters[name])
    (tmp_path / "clue_energy.ubj").unlink()
    with pytest.raises(RunError, match="saved trees"):
        build("clue").load(tmp_path)


def test_calibration_looks_at_so_many_events_of_all_shards():
    baseline = build("clue", scan_events=0, events=15)
    parts = [TRAIN.take(np.arange(0, 10)), TRAIN.take(np.arange(10, 20))]
    record = baseline.fit(lambda: iter(parts), lambda: iter(()), 1, Progress())
    assert record["train_events"] == 15


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
                    json.dumps({**whole, "edges": ["a"]}), json.dumps({**whole, "settings": {}}),
                    json.dumps({**whole, "settings": {"esp": 3.0}}),
                    json.dumps({**whole, "settings": {"min_hits": -1}})):  # fmt: skip
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
    with pytest.raises(DataError, match="events to learn from"):
        build("clue", scan_events=0).fit(list, list, 1, Progress())
    with pytest.raises(DataError, match="must find showers"):
        fit(build("clue", min_energy=5000.0, scan_events=0))
    hits = TEST.hits
    far = Events({"hits": type(hits)(hits.offsets, {**hits.columns, "layer": hits["layer"] + 12})})
    baseline = build("clue", scan_events=0)
    fit(baseline)
    with pytest.raises(DataError, match="from 0 to 11"):
        baseline.find(far)
