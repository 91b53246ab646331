"""Energy and class of showers by trees, and by factors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hitforge.baselines._shower_energy import Factors, ShowerTrees, calibrate, load_calibration
from hitforge.baselines._shower_features import NAMES
from hitforge.core.errors import RunError

DEPTH, SHARE = NAMES.index("depth"), NAMES.index("hottest_share")


def sample(seed: int, count: int = 1500):
    """Hadrons lie deep and lose a part of their energy that a shape tells."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, len(NAMES))).astype(np.float32)
    hadron = random.integers(0, 2, count)
    features[:, DEPTH] = np.where(hadron, 20, 10) + random.normal(0, 2, count)
    features[:, SHARE] = random.uniform(0, 1, count)
    raw = random.uniform(10, 100, count)
    energy = raw * np.exp(hadron * features[:, SHARE]) * random.normal(1, 0.03, count)
    return features, np.arange(count) // 3, raw, energy, hadron


def width(ratio: np.ndarray) -> float:
    low, high = np.quantile(ratio, [0.16, 0.84])
    return float((high - low) / 2 / np.median(ratio))


@pytest.fixture(scope="module")
def trees() -> ShowerTrees:
    return ShowerTrees.fit(*sample(1), seed=1)


def test_trees_use_what_factors_cannot(trees: ShowerTrees) -> None:
    features, _, raw, energy, hadron = sample(2)
    factors = Factors.fit(*(sample(1)[i] for i in (2, 0, 3, 4)))
    deep = hadron == 1
    widths = [width((one.answer(raw, features)[0] / energy)[deep]) for one in (trees, factors)]
    assert widths[0] < 0.07 < 0.2 < widths[1]
    assert abs(np.median(trees.answer(raw, features)[0] / energy) - 1) < 0.02
    said = trees.answer(raw, features)[1]
    assert ((said > 0) & (said < 1)).all()
    assert ((said > 0.5) == deep).mean() > 0.97


def test_factors_are_the_medians_of_either_class() -> None:
    features, _, raw, _, hadron = sample(1)
    exact = Factors.fit(raw, features, raw * np.where(features[:, DEPTH] > 15, 2.0, 1.0), hadron)
    assert exact.factors == pytest.approx([1.0, 2.0])
    assert exact.answer(np.array([10.0]), features[:1])[0][0] in (10.0, 20.0)


def test_the_seed_and_nothing_else_decides(trees: ShowerTrees) -> None:
    features, _, raw, _, _ = sample(2)
    again, other = (ShowerTrees.fit(*sample(1), seed=seed) for seed in (1, 2))
    np.testing.assert_array_equal(trees.answer(raw, features)[0], again.answer(raw, features)[0])
    assert (trees.answer(raw, features)[0] != other.answer(raw, features)[0]).any()


def test_few_showers_get_factors_and_one_class_alone_is_no_fault() -> None:
    few = [column[:199] for column in sample(1)]
    assert calibrate(*few, seed=1, trees=True).record()["calibration"] == "factors"
    assert calibrate(*sample(1), seed=1, trees=False).record()["calibration"] == "factors"
    features, event, raw, energy, hadron = sample(1)
    one = calibrate(features, event * 0, raw, energy, hadron * 0, seed=1, trees=True)
    assert one.record()["calibration"] == "trees"
    assert (one.answer(raw, features)[1] < 0.2).all()
    assert [len(part) for part in one.answer(np.zeros(0), np.zeros((0, len(NAMES))))] == [0, 0]


def test_both_are_saved_and_loaded(trees: ShowerTrees, tmp_path: Path) -> None:
    features, _, raw, _, _ = sample(2)
    for one in (trees, Factors.fit(*(sample(1)[i] for i in (2, 0, 3, 4)))):
        record = json.loads(json.dumps(one.save(tmp_path, "clue")))
        loaded = load_calibration(record, tmp_path, "clue")
        for mine, theirs in zip(one.answer(raw, features), loaded.answer(raw, features), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert json.loads(json.dumps(one.record())) == one.record()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clue_energy.ubj", "clue_hadron.ubj"]


def test_damaged_and_foreign_ones_are_refused(trees: ShowerTrees, tmp_path: Path) -> None:
    record = trees.save(tmp_path, "clue")
    with pytest.raises(ValueError, match="other features"):
        load_calibration({**record, "features": ["r9"]}, tmp_path, "clue")
    with pytest.raises(LookupError):
        load_calibration({**record, "trees": {}}, tmp_path, "clue")
    (tmp_path / "clue_hadron.ubj").write_bytes(b"\x80\x04]\x94.")
    with pytest.raises(RunError, match="saved trees"):
        load_calibration(record, tmp_path, "clue")
    whole = {"factors": [1.0, 2.0], "edges": [3.0], "hadrons": [0.1, 0.9]}
    for wrong in ({"factors": [1.0]}, {"hadrons": [0.5]}, {"edges": [float("nan")]}):
        with pytest.raises(ValueError, match=r"wrong lengths|not finite"):
            load_calibration({**whole, **wrong}, tmp_path, "clue")
