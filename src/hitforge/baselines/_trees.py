"""Boosted trees of XGBoost (arXiv 1603.02754): grown with early stopping, written and read without running anything."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from hitforge.core.arrays import Array
from hitforge.core.errors import RunError, require
from hitforge.core.files import atomic, sha256


def grow(
    train: Any, validation: Any, settings: dict[str, Any], *, rounds: int, patience: int, seed: int, bar: Any = None
) -> Any:
    """Return a booster that holds the trees up to the round with the lowest validation loss.

    Histograms are used; the same seed gives the same trees on any number of threads.

    Args:
        train: XGBoost's matrix of the training events.
        validation: That of the events whose loss ends the training.
        settings: Of XGBoost, ``objective`` and ``eval_metric`` among them.
        rounds: Most rounds of boosting.
        patience: Rounds without a lower validation loss until training stops.
        seed: Of the random parts.
        bar: Progress bar, one step a round.
    """
    xgboost = require("xgboost")
    callbacks = [xgboost.callback.EarlyStopping(rounds=patience, save_best=True)]
    if bar is not None:
        callbacks.append(_reporter(xgboost, bar, settings["eval_metric"]))
    return xgboost.train(
        {"tree_method": "hist", "verbosity": 0, "seed": seed, **settings}, train, rounds,
        evals=[(validation, "validation")], callbacks=callbacks, verbose_eval=False,
    )  # fmt: skip


def write_trees(booster: Any, path: Path) -> str:
    """Write trees as UBJSON, which executes nothing when it is read, and return the file's SHA-256."""
    with atomic(path) as temporary:
        temporary.write_bytes(booster.save_raw("ubj"))
    return sha256(path)


def read_trees(path: Path, digest: Any, features: int, threads: int) -> Any:
    """Return the booster that ``write_trees`` wrote.

    XGBoost ends the whole process on a damaged file, so the content is compared before it sees it.

    Args:
        path: The file.
        digest: Its SHA-256.
        features: Number of features that the trees must have.
        threads: CPU threads of predictions, 0 for all.

    Raises:
        RunError: The file is absent or damaged, or of other features.
    """
    xgboost = require("xgboost")
    try:
        raw = path.read_bytes()
        if hashlib.sha256(raw).hexdigest() != digest:
            raise ValueError("a damaged file (SHA-256)")
        booster = xgboost.Booster({"nthread": threads})
        booster.load_model(bytearray(raw))
        if booster.num_features() != features:
            raise ValueError(f"trees of {booster.num_features()} features instead of {features}")
    except (OSError, ValueError, TypeError, xgboost.core.XGBoostError) as error:
        came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RunError("the folder must hold saved trees", came=came, where=path) from None
    return booster


def importances(booster: Any) -> dict[str, float]:
    """Return the share of each feature in the total gain, highest first."""
    gain = booster.get_score(importance_type="total_gain")
    total = sum(gain.values()) or 1.0
    return dict(sorted(((name, float(g) / total) for name, g in gain.items()), key=lambda x: -x[1]))


def matrix(features: Array, target: Array, names: list[str], threads: int = 0) -> Any:
    """Return XGBoost's matrix of features, (N, F), and what is to be predicted, (N,)."""
    return require("xgboost").DMatrix(features, target, feature_names=names, nthread=threads)


def _reporter(xgboost: Any, bar: Any, loss: str) -> Any:
    """A callback that advances the progress bar; XGBoost's base class exists only once it is imported."""

    class Reporter(xgboost.callback.TrainingCallback):  # type: ignore[misc]
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            bar.advance(1, f"validation loss {evals_log['validation'][loss][-1]:.4f}")
            return False

    return Reporter()
