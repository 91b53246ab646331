"""What the classical algorithms for showers share."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hitforge.baselines._shower import layer_groups, zone_energies
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.detectors import DETECTORS
from hitforge.representations.region import RegionSettings, find_regions
from hitforge.tasks import TASKS
from tests.baselines.toys import HONEYCOMB, TASK, build, fit, sample, showers, without_hits

NAMES = ("log_weighted_centroid", "weighted_sum", "quadratic_regression")
TRAIN, VALIDATION, TEST = [sample(120, 1), sample(80, 2)], [sample(60, 3)], sample(40, 4)


@pytest.fixture(scope="module", params=NAMES)
def fitted(request):
    baseline = build(request.param)
    return baseline, fit(baseline, TRAIN, VALIDATION)


def test_outputs_have_the_form_of_a_network(fitted):
    baseline, record = fitted
    outputs = baseline.outputs(TEST)
    assert outputs.shape == (40, TASK.outputs)
    assert outputs.dtype == np.float32
    assert np.isfinite(outputs).all()
    assert record["train_events"] == 200
    assert json.loads(json.dumps(record)) == record


def test_same_events_give_the_same_numbers_one_by_one(fitted):
    baseline, _ = fitted
    whole = baseline.outputs(TEST)
    np.testing.assert_allclose(baseline.outputs(TEST.take(np.array([7]))), whole[7:8], rtol=1e-4, atol=1e-5)
    again = build(baseline.name)
    fit(again, TRAIN, VALIDATION)
    np.testing.assert_array_equal(again.outputs(TEST), whole)


def test_saved_numbers_give_the_same_outputs(fitted, tmp_path):
    baseline, _ = fitted
    baseline.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{baseline.name}.json"]
    loaded = build(baseline.name)
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(TEST), baseline.outputs(TEST))


@pytest.mark.parametrize("name", NAMES)
def test_a_scan_chooses_settings_that_stay_with_the_numbers(name, tmp_path):
    settings = {"scan_events": 90, "scan_rounds": 1, "min_hit_mip": 5.0}
    baseline = build(name, **settings)
    record = fit(baseline, TRAIN, VALIDATION)
    scan = record["scan"]
    values = [one["value"] for one in scan["tried"]]
    assert scan["events"] == 90
    assert scan["tried"][0]["settings"]["min_hit_mip"] == 5.0
    assert scan["value"] == max(values) > values[0]  # so high a threshold takes hits that tell the place
    assert record["settings"] == scan["best"]
    assert record["settings"]["min_hit_mip"] < 5.0
    assert record["train_events"] == 200  # the numbers come from all of them
    baseline.save(tmp_path)
    loaded = build(name, **settings)
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(TEST), baseline.outputs(TEST))
    assert fit(build(name), TRAIN, VALIDATION)["scan"] is None


def test_a_scan_without_events_to_judge_on_is_refused():
    for train, validation, words in ((TRAIN, [], "validation events; got: none"), ([], VALIDATION, "training events")):
        with pytest.raises(DataError, match=f"a scan needs {words}"):
            fit(build("weighted_sum", scan_events=90), train, validation)


def test_events_without_a_region_do_not_count_in_a_scan():
    settings = {"scan_events": 90, "scan_rounds": 1}
    told = [
        fit(build("weighted_sum", **settings), TRAIN, [events])["scan"]["value"]
        for events in (
            VALIDATION[0],
            without_hits(VALIDATION[0], [0, 9]),
            VALIDATION[0].take(np.delete(np.arange(60), [0, 9])),
        )
    ]
    assert told[1] == pytest.approx(told[2], rel=1e-6)
    assert told[1] != told[0]


def test_events_without_hits_are_left_out_of_the_fit_and_get_zeros(fitted):
    baseline, _ = fitted
    outputs = baseline.outputs(without_hits(TEST, [0, 9]))
    assert not outputs[[0, 9]].any()
    np.testing.assert_allclose(outputs[1:9], baseline.outputs(TEST)[1:9], rtol=1e-4, atol=1e-5)
    other = build(baseline.name)
    record = fit(other, [without_hits(TRAIN[0], [0, 5, 8]), TRAIN[1]], VALIDATION)
    assert record["train_events"] == 197
    with pytest.raises(DataError, match="events with hits to learn from"):
        fit(build(baseline.name), [without_hits(TEST, list(range(40)))], VALIDATION)


def test_damaged_absent_and_foreign_numbers_are_refused(fitted, tmp_path):
    baseline, _ = fitted
    name, path = baseline.name, tmp_path / f"{baseline.name}.json"
    with pytest.raises(RunError, match="must hold the numbers"):
        build(name).load(tmp_path)
    baseline.save(tmp_path)
    whole = path.read_text()
    with pytest.raises(RunError, match=r"fitted for this recipe; got: other .*min_hit_mip"):
        build(name, min_hit_mip=2.0).load(tmp_path)
    task = TASKS.build({"name": "shower", "region": {"radius": 90}}, where="test")
    with pytest.raises(RunError, match=r"fitted for this recipe; got: other .*region"):
        build(name, task).load(tmp_path)
    numbers = json.loads(whole)["numbers"]
    broken = {**json.loads(whole), "numbers": {**numbers, next(iter(numbers)): ["a"]}}
    for content in (whole[:-20], "", "[]", "{}", '{"numbers": {}}', '{"numbers": 1}', json.dumps(broken)):
        path.write_text(content)
        with pytest.raises(RunError, match="must hold the numbers"):
            build(name).load(tmp_path)


def test_other_tasks_detectors_and_unfitted_numbers_are_refused(tmp_path):
    for name in NAMES:
        with pytest.raises(ConfigError, match=f"'{name}' needs the task 'shower'; got: classify"):
            build(name, TASKS.build("classify", where="test"))
        barrel = DETECTORS.build("crystal_barrel", where="test")
        with pytest.raises(ConfigError, match="hgcal"):
            type(build(name))(build(name).config, barrel, TASK)
        for action in (lambda b: b.outputs(TEST), lambda b: b.save(tmp_path)):
            with pytest.raises(RunError, match="must be fitted or loaded"):
                action(build(name))


@pytest.mark.parametrize("quantities", [("energy",), ("barycentre",), ("direction",)])
@pytest.mark.parametrize("name", NAMES)
def test_one_quantity_alone_is_answered(name, quantities):
    task = TASKS.build({"name": "shower", "quantities": quantities}, HONEYCOMB, where="test")
    events = [sample(150, 1)]
    for unused in {"energy", "barycentre_x", "direction_x"} - {f"{quantities[0]}{end}" for end in ("", "_x")}:
        del events[0].fields[unused]
        del events[0].info[unused]
    baseline = build(name, task)
    fit(baseline, events, events)
    outputs = baseline.outputs(TEST)
    truth = task.target(TEST)[:, : task.outputs]
    assert np.abs(outputs - truth).mean() < np.abs(truth - truth.mean(0)).mean() + 0.05


def test_wrong_truth_is_named():
    events = sample(50, 1)
    events.fields["barycentre_y"][3] = np.nan
    with pytest.raises(DataError, match="'barycentre_y' must be finite"):
        fit(build("weighted_sum"), [events], VALIDATION)


def test_groups_stay_inside_sections():
    section = np.array([0] * 5 + [1] * 3 + [2])
    np.testing.assert_array_equal(layer_groups(section, 2), [0, 0, 1, 1, 2, 3, 3, 4, 5])
    np.testing.assert_array_equal(layer_groups(section, 0), [0] * 5 + [1] * 3 + [2])
    np.testing.assert_array_equal(layer_groups(section, 1), np.arange(9))


def test_zones_hold_the_energy_of_the_region():
    events = showers(30, 3)
    settings = RegionSettings(radius=40)
    regions = find_regions(events, settings, HONEYCOMB)
    zones = zone_energies(events, regions, HONEYCOMB.plane, (15.0, 40.0), layer_groups(np.zeros(12, int), 4))
    assert zones.shape == (30, 3, 2)
    np.testing.assert_allclose(zones.sum((1, 2)), regions.energy, rtol=1e-5)
    assert (zones[:, :, 0].sum(1) > 0.5 * regions.energy).all()
