"""Boosted decision trees on shower shapes: what an analysis without a neural network would use."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.baselines import Baseline, Sample
from hitforge.baselines._trees import grow, importances, matrix, read_trees, write_trees
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError, require
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.core.random import integer_seed
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import REPRESENTATIONS
from hitforge.tasks import Task

_MODEL, _RECORD = "trees.ubj", "trees.json"


class BoostedTrees(Baseline):
    """XGBoost (arXiv 1603.02754) with histograms, on a representation that gives one vector an event.

    Training stops once the loss on the validation events has not fallen for ``patience`` rounds; the best round's trees
    are kept. Only the features are held in memory, never the hits. The same seed gives the same trees.
    """

    class Config(config.Config):
        """Trees and their features."""

        representation: dict[str, Any] = Field(
            {"name": "features"},
            description="block of the representation",
            json_schema_extra={"plugins": "representations"},
        )
        rounds: int = Field(1500, ge=1, description="most rounds of boosting")
        learning_rate: float = Field(0.05, gt=0, le=1, description="share of each tree that is added")
        max_depth: int = Field(6, ge=1, le=16, description="depth of a tree")
        min_child_weight: float = Field(5.0, ge=0, description="least sum of second derivatives in a leaf")
        subsample: float = Field(0.8, gt=0, le=1, description="share of the events for each tree")
        colsample: float = Field(0.8, gt=0, le=1, description="share of the features for each tree")
        l2: float = Field(1.0, ge=0, description="penalty on the squares of the leaves")
        bins: int = Field(256, ge=8, le=1024, description="bins of the histogram of a feature")
        patience: int = Field(50, ge=1, description="rounds without a lower validation loss until training stops")
        threads: int = Field(0, ge=0, description="CPU threads, 0 for all; the trees do not depend on it")

    def __init__(self, config: Config, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        self._representation = REPRESENTATIONS.build(
            config.representation, detector, where="boosted_trees: representation"
        )
        shapes = self._representation.shapes()
        if len(shapes) != 1 or len(next(iter(shapes.values()))) != 1:
            raise ConfigError(
                "boosted trees take one vector an event", came=shapes, do="use the representation 'features'"
            )
        self._input = next(iter(shapes))
        self._booster: Any = None

    @property
    def names(self) -> list[str]:
        """Names of the features, in order."""
        return self._representation.labels()[self._input]

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Grow the trees.

        Returns:
            ``rounds`` that were kept, ``seconds``, ``train_events``, ``validation_loss`` and ``importances`` (feature
            -> share of the total gain, highest first).

        Raises:
            DataError: A label is unknown, a feature is not finite, or a sample has no events.
        """
        start = perf_counter()
        matrices = [self._matrix(sample, name) for sample, name in ((train, "train"), (validation, "validation"))]
        c = self.config
        settings = {
            "objective": "multi:softprob", "num_class": self.task.outputs, "eval_metric": "mlogloss",
            "max_bin": c.bins, "eta": c.learning_rate, "max_depth": c.max_depth,
            "min_child_weight": c.min_child_weight, "subsample": c.subsample, "colsample_bytree": c.colsample,
            "lambda": c.l2, "nthread": c.threads,
        }  # fmt: skip
        with progress.step("boosted trees", c.rounds, "rounds") as bar:
            self._booster = booster = grow(
                *matrices, settings, rounds=c.rounds, patience=c.patience, seed=integer_seed(seed, "boosted_trees"),
                bar=bar,
            )  # fmt: skip
        return {
            "rounds": booster.num_boosted_rounds(),
            "seconds": round(perf_counter() - start, 3),
            "train_events": int(matrices[0].num_row()),
            "validation_loss": float(booster.best_score),
            "importances": importances(booster),
        }

    def outputs(self, events: Events) -> Array:
        """Return the sums of the trees before the softmax, (N, classes) float32.

        Raises:
            RunError: The trees are neither fitted nor loaded.
        """
        if self._booster is None:
            raise RunError("the trees must be fitted or loaded first")
        matrix = require("xgboost").DMatrix(self._features(events), feature_names=self.names, nthread=self._threads)
        margin = self._booster.predict(matrix, output_margin=True)
        return np.asarray(margin, np.float32).reshape(len(events), self.task.outputs)

    def save(self, folder: Path) -> None:
        """Write the trees (UBJSON, which executes nothing when it is read) and the names of the features."""
        if self._booster is None:
            raise RunError("the trees must be fitted before they are saved")
        record = {**self._made_for(), "sha256": write_trees(self._booster, folder / _MODEL)}
        write_text(folder / _RECORD, json.dumps(record, indent=1))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: A file is absent or damaged, or the trees are of other features or classes.
        """
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            digest = record.pop("sha256")
            if not isinstance(digest, str):
                raise ValueError("no SHA-256")
        except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RunError("the folder must hold saved trees", came=came, where=folder) from None
        if record != self._made_for():
            raise RunError("the trees must be of the same features and classes", came=record, where=folder)
        self._booster = read_trees(folder / _MODEL, digest, len(self.names), self._threads)

    def _made_for(self) -> dict[str, Any]:
        return {"features": self.names, "outputs": self.task.outputs}

    @property
    def _threads(self) -> int:
        return int(self.config.threads)

    def _features(self, events: Events) -> Array:
        prepared = self._representation.prepare(events)
        return self._representation.batch(prepared, np.arange(len(events)))[self._input]

    def _matrix(self, sample: Sample, name: str) -> Any:
        features, target = [], []
        for events in sample():
            features.append(self._features(events))
            target.append(self.task.target(events))
        if not sum(map(len, target)):
            raise DataError("boosted trees must have events to learn from", came="none", where=name)
        table = np.concatenate(features)
        bad = np.argwhere(~np.isfinite(table))
        if len(bad):
            raise DataError(
                f"feature '{self.names[bad[0][1]]}' must be finite", came="NaN", where=f"{name}, event {bad[0][0]}"
            )
        return matrix(table, np.concatenate(target), self.names, self._threads)
