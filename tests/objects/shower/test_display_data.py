from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.metrics import METRICS, Predictions
from hitforge.objects.shower import display_data as module
from tests.drawn_showers import HGCAL, explain_showers, found_showers, shower_events

CUT = METRICS.build({"name": "shower_efficiency", "min_score": 0.5}, where="test")


@pytest.fixture(scope="module")
def sample() -> tuple[Events, Predictions]:
    events = shower_events()
    return events, found_showers(events)


def _written(folder: Path) -> dict[str, np.ndarray]:
    with np.load(folder / "display_shower.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def arrays(sample: tuple[Events, Predictions], tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    folder = tmp_path_factory.mktemp("shown")
    explain_showers(*sample, folder, HGCAL, [METRICS.build("average_precision", where="test"), CUT])
    return _written(folder)


def _rows(arrays: dict[str, np.ndarray], kind: str, index: int) -> slice:
    return slice(*arrays[f"{kind}_offsets"][index : index + 2].tolist())


def test_events_run_from_few_particles_to_many(arrays: dict[str, np.ndarray]) -> None:
    assert arrays["chosen"].tolist() == [0, 1, 2, 3]  # of 4, 2, 6, 3, 5 particles: 2, 3, 4 and 6
    assert np.diff(arrays["particle_offsets"]).tolist() == [4, 2, 6, 3]
    assert np.diff(arrays["shower_offsets"]).tolist() == [7, 5, 9, 6]


def test_statuses_are_those_that_the_metric_counts(
    sample: tuple[Events, Predictions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_EVENTS", 5)
    explain_showers(*sample, tmp_path, HGCAL, [CUT])
    arrays = _written(tmp_path)
    values = CUT.compute(sample[1], 0).values
    efficiency, fakes, merges = (values[name] for name in ("efficiency", "fake_rate", "merge_rate"))
    status, kind = arrays["particle_status"], arrays["shower_status"]
    assert (status == 0).sum() == round(efficiency.value * efficiency.n)
    assert len(status) == efficiency.n
    assert (kind != 4).sum() == fakes.n
    assert (kind == 1).sum() == round(fakes.value * fakes.n) == 0  # of little energy: noise counts nowhere
    assert (kind == 3).sum() <= round(merges.value * merges.n)
    assert (status == 2).sum() >= 1
    assert (status == 1).sum() >= 2
    assert (kind == 2).sum() >= 1
    assert "at least 0.5" in str(arrays["definition"])
    assert "score 0.5" in str(arrays["definition"])


def test_a_strict_iou_is_used(
    sample: tuple[Events, Predictions], tmp_path: Path, arrays: dict[str, np.ndarray]
) -> None:
    strict = METRICS.build({"name": "shower_efficiency", "min_score": 0.5, "iou": 0.999}, where="test")
    explain_showers(*sample, tmp_path, HGCAL, [strict])
    assert (_written(tmp_path)["particle_status"] == 0).sum() < (arrays["particle_status"] == 0).sum()


def test_hits_are_of_one_side_and_keep_their_owners(
    sample: tuple[Events, Predictions], arrays: dict[str, np.ndarray]
) -> None:
    events, predictions = sample
    assert (arrays["hit_z"] < 0).all()
    for index, number in enumerate(arrays["chosen"].tolist()):
        hits = events.hits.slice(number, number + 1)
        rows = _rows(arrays, "hit", index)
        np.testing.assert_allclose(arrays["hit_energy"][rows], hits["energy"][hits["z"] < 0], rtol=1e-6)
        energy = arrays["hit_energy"][rows].astype(float)
        for kind, name, table, column in (
            ("share", "particle", "particles", "deposited"), ("member", "shower", "showers", "raw")
        ):  # fmt: skip
            part = _rows(arrays, kind, index)
            hit, owner, weight = (arrays[f"{kind}_{key}"][part] for key in ("hit", name, "weight"))
            true = predictions.tables[table].slice(number, number + 1)[column]
            np.testing.assert_allclose(np.bincount(owner, energy[hit] * weight, len(true)), true, rtol=1e-4)


def test_boxes_hold_the_middle_of_the_energy(arrays: dict[str, np.ndarray]) -> None:
    rows, part = _rows(arrays, "hit", 1), _rows(arrays, "share", 1)
    z = np.abs(arrays["hit_z"][rows])
    u, v = (arrays[f"hit_{name}"][rows] * arrays["plane"] / z for name in "xy")
    place = np.stack([arrays["hit_layer"][rows], u, v], axis=1)
    hit, owner, weight = (arrays[f"share_{name}"][part] for name in ("hit", "particle", "weight"))
    for number, box in enumerate(arrays["particle_box"][_rows(arrays, "particle", 1)]):
        mine = hit[owner == number]
        energy = arrays["hit_energy"][rows][mine] * weight[owner == number]
        for axis in range(3):
            inside = (place[mine, axis] >= box[axis] - 1e-2) & (place[mine, axis] <= box[3 + axis] + 1e-2)
            assert 0.955 < energy[inside].sum() / energy.sum() <= 1.0
            assert energy[place[mine, axis] < box[axis] - 1e-2].sum() <= 0.021 * energy.sum()


def test_a_box_is_at_least_a_cell_wide_and_absent_without_energy() -> None:
    place = np.array([[3.0, 10.0, 20.0], [9.0, 0.0, 0.0]])
    boxes = module._boxes(place, np.array([1, 2]), np.array([2.0, 0.0]), 3)
    assert np.isnan(boxes[[0, 2]]).all()
    assert boxes[1].tolist() == [2.5, 5.0, 15.0, 3.5, 15.0, 25.0]
    assert module._boxes(place[:0], np.zeros(0, int), np.zeros(0), 0).shape == (0, 6)


def test_hits_of_objects_are_kept_first(
    sample: tuple[Events, Predictions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: dict[str, np.ndarray]
) -> None:
    monkeypatch.setattr(module, "_MAX_HITS", 200)
    explain_showers(*sample, tmp_path, HGCAL, [CUT])
    few = _written(tmp_path)
    assert np.diff(few["hit_offsets"]).tolist() == [200] * 4
    np.testing.assert_array_equal(few["left_hits"] + 200, np.diff(arrays["hit_offsets"]))
    assert arrays["left_hits"].tolist() == [0] * 4
    first, whole = _rows(few, "hit", 0), _rows(arrays, "hit", 0)
    total = arrays["hit_energy"][whole].sum()
    assert few["hit_energy"][first].sum() + few["left_energy"][0] == pytest.approx(total, rel=1e-5)
    assert few["hit_energy"][first].min() > np.median(arrays["hit_energy"][whole])
    np.testing.assert_allclose(few["particle_box"], arrays["particle_box"])
    assert few["share_hit"].max() < 200


def test_events_without_truth_are_kept_without_a_match(sample: tuple[Events, Predictions], tmp_path: Path) -> None:
    events, predictions = sample
    tables = {name: predictions.tables[name] for name in ("showers", "members")}
    tables["showers"] = Collection(
        tables["showers"].offsets, {name: tables["showers"][name] for name in ("score", "energy", "hadron", "raw")}
    )
    explain_showers(Events({"hits": events.hits}), Predictions({}, tables=tables), tmp_path, HGCAL)
    arrays = _written(tmp_path)
    assert len(arrays["chosen"]) == 4
    assert arrays["particle_offsets"].tolist() == [0] * 5
    assert set(arrays["shower_status"].tolist()) == {5}
    assert str(arrays["definition"]) == ""


def test_predictions_of_something_else_are_refused(sample: tuple[Events, Predictions], tmp_path: Path) -> None:
    tables = sample[1].tables
    with pytest.raises(DataError, match="measures showers"):
        explain_showers(sample[0], Predictions({}, tables={"members": tables["members"]}), tmp_path, HGCAL)


def test_arrays_are_read_as_they_were(arrays: dict[str, np.ndarray]) -> None:
    again = module.ShowerDisplays.read(arrays).arrays()
    assert again.keys() == arrays.keys()
    for name, values in arrays.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
