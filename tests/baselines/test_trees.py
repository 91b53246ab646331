"""Boosted trees: early stopping, and files that are refused where they are not what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitforge.baselines._trees import grow, importances, matrix, read_trees, write_trees
from hitforge.core.errors import RunError

NAMES = ["a", "b", "c"]


def sample(seed: int, count: int = 400):
    random = np.random.default_rng(seed)
    features = random.normal(size=(count, 3)).astype(np.float32)
    return features, features[:, 0] * 2 + np.abs(features[:, 1]) + random.normal(0, 0.3, count)


def grown(seed: int = 1, names: list[str] = NAMES, rounds: int = 300):
    matrices = [matrix(features[:, : len(names)], target, names, 1) for features, target in (sample(1), sample(2))]
    settings = {"objective": "reg:squarederror", "eval_metric": "rmse", "eta": 0.3, "nthread": 1, "subsample": 0.7}
    return grow(*matrices, settings, rounds=rounds, patience=5, seed=seed)


def test_growing_ends_with_the_validation_loss_and_follows_the_seed() -> None:
    features, target = sample(3)
    booster = grown()
    assert 1 < booster.num_boosted_rounds() < 300
    assert np.std(booster.inplace_predict(features) - target) < 0.5 * np.std(target)
    np.testing.assert_array_equal(booster.inplace_predict(features), grown().inplace_predict(features))
    assert (booster.inplace_predict(features) != grown(seed=2).inplace_predict(features)).any()


def test_importances_sum_to_one_and_fall() -> None:
    found = importances(grown())
    assert sum(found.values()) == pytest.approx(1)
    assert list(found)[:2] == ["a", "b"]


def test_written_trees_are_read_and_others_refused(tmp_path: Path) -> None:
    booster, features = grown(), sample(3)[0]
    path = tmp_path / "trees.ubj"
    digest = write_trees(booster, path)
    read = read_trees(path, digest, 3, threads=1)
    np.testing.assert_array_equal(read.inplace_predict(features), booster.inplace_predict(features))
    with pytest.raises(RunError, match=r"saved trees.*2 features instead of 3"):
        read_trees(tmp_path / "two.ubj", write_trees(grown(names=["a", "b"]), tmp_path / "two.ubj"), 3, threads=1)
    for content in (b"", path.read_bytes()[:300], b"\x80\x04]\x94."):
        path.write_bytes(content)
        with pytest.raises(RunError, match="saved trees"):
            read_trees(path, digest, 3, threads=1)
    with pytest.raises(RunError, match="saved trees"):
        read_trees(tmp_path / "absent.ubj", digest, 3, threads=1)
