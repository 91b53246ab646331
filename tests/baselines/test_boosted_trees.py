from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.baselines import BASELINES
from hitforge.baselines.boosted_trees import BoostedTrees
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.progress import Progress
from hitforge.detectors.crystal_barrel import CrystalBarrel
from hitforge.events import Collection, Events, FieldInfo
from hitforge.tasks import TASKS
from hitforge.tasks.classify import Classify
from hitforge.testing._samples import sample, toy_jets

BARREL = CrystalBarrel(CrystalBarrel.Config())
TASK = Classify(Classify.Config())


def showers(number: int, seed: int) -> Events:
    """Photons are points; electrons have a second blob in phi."""
    random = np.random.default_rng(seed)
    electron = random.random(number) < 0.5
    offset = random.integers(-8, 9, (number, 10))
    column = 100 + np.where(electron[:, None], offset, offset // 4)
    row = 80 + random.integers(-1, 2, (number, 10))
    column[:, 0], row[:, 0] = 100, 80
    energy = random.exponential(1.0, (number, 10))
    energy[:, 0] += 20
    zero = np.zeros(energy.size)
    columns = {"x": zero, "y": zero, "z": zero, "time": zero, "energy": energy.ravel(),
               "cell": BARREL.cell_of(row.ravel(), column.ravel()), "layer": zero, "subsystem": zero}  # fmt: skip
    return Events(
        {"hits": Collection.from_counts(np.full(number, 10), columns)},
        {"primary_pdg": np.where(electron, 11, 22)},
        {"primary_pdg": FieldInfo("int32", "", "label")},
    )


TRAIN = [showers(500, 1), showers(300, 2)]
VALIDATION, TEST = [showers(400, 3)], showers(400, 4)


def build(task: Classify = TASK, **values: Any) -> BoostedTrees:
    settings = {"rounds": 200, "learning_rate": 0.3, "patience": 5, "threads": 1, **values}
    return BoostedTrees(BoostedTrees.Config.read(settings, where="test"), BARREL, task)


def fit(trees: BoostedTrees, seed: int = 1) -> dict[str, Any]:
    return trees.fit(lambda: TRAIN, lambda: VALIDATION, seed, Progress())


@pytest.fixture(scope="module")
def fitted() -> tuple[BoostedTrees, dict[str, Any]]:
    trees = build()
    return trees, fit(trees)


def test_learns_and_stops_early(fitted: tuple[BoostedTrees, dict[str, Any]]) -> None:
    trees, record = fitted
    scores = TASK.decode(trees.outputs(TEST), np.zeros(len(TEST)))["score_electron"]
    assert trees.outputs(TEST).dtype == np.float32
    assert ((scores > 0.5) == (TEST.field("primary_pdg") == 11)).mean() > 0.95
    assert 1 <= record["rounds"] < 200
    assert record["train_events"] == 800
    assert json.loads(json.dumps(record)) == record


def test_importances_have_names_and_sum_to_one(fitted: tuple[BoostedTrees, dict[str, Any]]) -> None:
    trees, record = fitted
    importances = record["importances"]
    assert set(importances) <= set(trees.names)
    assert sum(importances.values()) == pytest.approx(1)
    assert list(importances.values()) == sorted(importances.values(), reverse=True)
    assert next(iter(importances)) in {"phi_width", "second_iphi", "strip_outside", "e25_energy", "second_energy"}


def test_validation_loss_is_that_of_the_kept_trees(fitted: tuple[BoostedTrees, dict[str, Any]]) -> None:
    trees, record = fitted
    decoded = TASK.decode(trees.outputs(VALIDATION[0]), TASK.target(VALIDATION[0]))
    scores = np.stack([decoded[f"score_{name}"] for name in ("photon", "electron")], axis=1)
    loss = -np.log(scores[np.arange(400), TASK.target(VALIDATION[0])]).mean()
    assert record["validation_loss"] == pytest.approx(loss, rel=1e-4)


def test_the_same_seed_gives_the_same_trees_on_any_number_of_threads(
    fitted: tuple[BoostedTrees, dict[str, Any]],
) -> None:
    expected = fitted[0].outputs(TEST)
    for threads, seed, equal in ((1, 1, True), (2, 1, True), (1, 2, False)):
        trees = build(threads=threads)
        fit(trees, seed)
        assert np.array_equal(trees.outputs(TEST), expected) is equal


def test_saved_trees_give_the_same_outputs(fitted: tuple[BoostedTrees, dict[str, Any]], tmp_path: Path) -> None:
    fitted[0].save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["trees.json", "trees.ubj"]
    loaded = build()
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(TEST), fitted[0].outputs(TEST))


def test_damaged_absent_and_foreign_trees_are_refused(
    fitted: tuple[BoostedTrees, dict[str, Any]], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="must hold saved trees"):
        build().load(tmp_path)
    fitted[0].save(tmp_path)
    with pytest.raises(RunError, match="same features and classes"):
        build(representation={"name": "features", "names": ["r9"]}).load(tmp_path)
    for content in (b"", (tmp_path / "trees.ubj").read_bytes()[:500], b"\x80\x04]\x94."):
        (tmp_path / "trees.ubj").write_bytes(content)
        with pytest.raises(RunError, match="must hold saved trees"):
            build().load(tmp_path)
    for content in ("", "[]", "{}", '{"sha256": 1}'):
        (tmp_path / "trees.json").write_text(content)
        with pytest.raises(RunError, match="must hold saved trees"):
            build().load(tmp_path)


def test_three_classes() -> None:
    task = Classify(Classify.Config(classes={"a": (22,), "b": (11,), "c": (13,)}, signal="a"))
    sample = showers(600, 7)
    sample.fields["primary_pdg"][:100] = 13
    trees = build(task, rounds=5)
    trees.fit(lambda: [sample], lambda: [sample], 1, Progress())
    assert trees.outputs(TEST).shape == (400, 3)


def test_progress_is_reported() -> None:
    class Recorder(Progress):
        done = 0

        @contextmanager
        def step(self, name: str, total: int, unit: str = "") -> Any:
            yield self

        def advance(self, amount: int = 1, note: str = "") -> None:
            assert note.startswith("validation loss 0.")
            self.done += amount

    recorder = Recorder()
    build(rounds=3).fit(lambda: TRAIN, lambda: VALIDATION, 1, recorder)
    assert recorder.done == 3


def test_is_registered_and_takes_vectors_only() -> None:
    assert BASELINES.get("boosted_trees") is BoostedTrees
    with pytest.raises(ConfigError, match="one vector an event"):
        build(representation={"name": "image"})
    with pytest.raises(ConfigError, match=r"no feature 'r8'.*boosted_trees: representation"):
        build(representation={"name": "features", "names": ["r8"]})


def test_unfitted_trees_and_empty_samples_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="fitted or loaded"):
        build().outputs(TEST)
    with pytest.raises(RunError, match="must be fitted"):
        build().save(tmp_path)
    with pytest.raises(DataError, match="events to learn from"):
        build().fit(lambda: [], lambda: VALIDATION, 1, Progress())


def test_a_feature_that_is_not_finite_is_named() -> None:
    broken = showers(20, 9)
    broken.hits["time"][30] = np.nan
    with pytest.raises(DataError, match=r"'seed_time' must be finite.*train, event 3"):
        build().fit(lambda: [broken], lambda: VALIDATION, 1, Progress())


def test_the_scan_chooses_by_the_validation_loss_and_is_told(tmp_path: Path) -> None:
    start = {"max_depth": 4, "learning_rate": 0.01, "rounds": 5}
    plain, scanned = build(**start), build(**start, scan_events=500, scan_rounds=1)
    fixed, record = fit(plain), fit(scanned)
    assert fixed["scan"] is None
    assert fixed["settings"]["learning_rate"] == 0.01
    scan = record["scan"]
    assert scan["events"] == 500
    assert scan["value"] == max(one["value"] for one in scan["tried"]) > scan["tried"][0]["value"]
    assert record["settings"] == scan["best"]
    assert record["settings"]["learning_rate"] > 0.01
    assert record["validation_loss"] < fixed["validation_loss"]
    assert json.loads(json.dumps(record)) == record
    scanned.save(tmp_path)
    loaded = build(**start, scan_events=500)
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.outputs(TEST), scanned.outputs(TEST))


def test_a_lifetime_is_no_time() -> None:
    detector = sample("jets")[0]
    block = {"name": "boosted_trees", "representation": {"name": "jet_features"}, "times": False}
    trees = BASELINES.build(block, detector, TASK, where="test")
    assert "lifetime_1" in trees.names
    assert trees.names == BASELINES.build({**block, "times": True}, detector, TASK, where="test").names


def test_times_may_be_left_out(tmp_path: Path) -> None:
    trees = build(times=False, rounds=3)
    fit(trees)
    assert [name for name in build().names if name not in trees.names] == ["seed_time", "time_spread", "time_outside"]
    trees.save(tmp_path)
    loaded = build()  # as after a scan that left them out
    loaded.load(tmp_path)
    assert loaded.names == trees.names
    np.testing.assert_array_equal(loaded.outputs(TEST), trees.outputs(TEST))
    whole = build(rounds=3)
    fit(whole)
    whole.save(tmp_path)
    with pytest.raises(RunError, match="same features and classes"):
        build(times=False).load(tmp_path)


def test_trees_find_a_number(tmp_path: Path) -> None:
    detector, _ = sample("jets")
    random = np.random.default_rng(1)
    jets = toy_jets(600)
    width = np.where(jets.field("jet_label") == 1, 160.0, 80.0) * (1 + 0.02 * random.normal(size=600))
    jets = jets.with_fields({"true_mass": width}, {"true_mass": FieldInfo("float32", "GeV", "a mass")})
    asked = TASKS.build("regress", where="test")
    block = {"name": "boosted_trees", "representation": {"name": "jet_features"}, "rounds": 60, "threads": 1}
    trees = BASELINES.build(block, detector, asked, where="test")
    trees.fit(lambda: [jets.take(np.arange(400))], lambda: [jets.take(np.arange(400, 500))], 1, Progress())
    test = jets.take(np.arange(500, 600))
    outputs = trees.outputs(test)
    assert outputs.shape == (100, 1)
    assert asked.score(outputs, asked.target(test))["mass_error"] < 0.15  # of the mean alone it is 0.38
    trees.save(tmp_path)
    again = BASELINES.build(block, detector, asked, where="test")
    again.load(tmp_path)
    np.testing.assert_array_equal(again.outputs(test), outputs)
