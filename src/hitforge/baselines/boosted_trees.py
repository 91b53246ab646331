"""Boosted decision trees on shapes of showers or jets: what an analysis without a neural network would use."""

from __future__ import annotations

import json
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines import Baseline, Sample
from hitforge.baselines._scan import Ladder, SearchedSettings, Trial, search, tell_edges
from hitforge.baselines._trees import grow, importances, matrix, read_trees, write_trees
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError, require
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.core.random import integer_seed, stream
from hitforge.detectors import Detector
from hitforge.events import Events
from hitforge.representations import REPRESENTATIONS
from hitforge.tasks import Task

_MODEL, _RECORD = "trees.ubj", "trees.json"


class BoostedTrees(Baseline):
    """XGBoost (arXiv 1603.02754) with histograms, on a representation that gives one vector an event.

    Training stops once the loss on the validation events has not fallen for ``patience`` rounds; the best round's trees
    are kept. Only the features are held in memory, never the hits. The same seed gives the same trees.

    With ``scan_events``, depth, learning rate, leaves, shares, penalty and whether features of time are shown are
    searched on so many training events; the loss on the validation events decides. Then the trees are grown on all.

    Attributes:
        tried: Setting -> ladder of values that the scan tries, beside the recipe's own.
    """

    tried: ClassVar[dict[str, Ladder]] = {
        "max_depth": Ladder((1, 2, 3, 4, 5, 6, 7, 8, 10, 12), low_is_end=True),
        "learning_rate": Ladder((0.01, 0.02, 0.035, 0.05, 0.08, 0.12, 0.2, 0.3)),
        "min_child_weight": Ladder((0.0, 1.0, 3.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0), low_is_end=True),
        "subsample": Ladder((0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), high_is_end=True),
        "colsample": Ladder((0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0), high_is_end=True),
        "l2": Ladder((0.0, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0), low_is_end=True),
        "times": Ladder((True, False), ordered=False),
    }

    class Config(SearchedSettings):
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
        times: bool = Field(True, description="use the features of times, too: those named with the word 'time'")
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
        if not task.competing and task.outputs != 1:
            came = f"{task.outputs} of the task '{task.name}'"
            raise ConfigError("boosted trees answer with classes or with one number", came=came, where="evaluation")
        self._input = next(iter(shapes))
        self._chosen = config
        self._booster: Any = None

    @property
    def names(self) -> list[str]:
        """Names of the features that are used, in order."""
        return self._names(self._chosen.times)

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Grow the trees.

        Returns:
            ``settings`` and the ``scan`` that chose them (see ``Scan.record``; None without one); ``rounds`` that were
            kept, ``seconds``, ``train_events``, ``validation_loss`` and ``importances`` (feature -> share of the total
            gain, highest first).

        Raises:
            DataError: A label is unknown, a feature is not finite, or a sample has no events.
        """
        start = perf_counter()
        tables = [self._table(sample, name) for sample, name in ((train, "train"), (validation, "validation"))]
        scan = self._scan(tables, seed, progress) if self.config.scan_events else None
        booster = self._booster = self._grow(tables, self._chosen, seed, progress, "boosted trees")
        return {
            "settings": {name: getattr(self._chosen, name) for name in self.tried},
            "scan": scan,
            "rounds": booster.num_boosted_rounds(),
            "seconds": round(perf_counter() - start, 3),
            "train_events": len(tables[0][1]),
            "validation_loss": float(booster.best_score),
            "importances": importances(booster),
        }

    def outputs(self, events: Events) -> Array:
        """Return the sums of the trees, before the softmax of classes, (N, ``task.outputs``) float32.

        Raises:
            RunError: The trees are neither fitted nor loaded.
        """
        if self._booster is None:
            raise RunError("the trees must be fitted or loaded first")
        features = self._features(events)[:, self._columns(self._chosen.times)]
        table = require("xgboost").DMatrix(features, feature_names=self.names, nthread=self._threads)
        margin = self._booster.predict(table, output_margin=True)
        return np.asarray(margin, np.float32).reshape(len(events), self.task.outputs)

    def save(self, folder: Path) -> None:
        """Write the trees (UBJSON, which executes nothing when it is read) and the names of the features."""
        if self._booster is None:
            raise RunError("the trees must be fitted before they are saved")
        record = {**self._made_for(self._chosen.times), "sha256": write_trees(self._booster, folder / _MODEL)}
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
        ways = [times for times in (self.config.times, False) if record == self._made_for(times)]
        if not ways:
            raise RunError("the trees must be of the same features and classes", came=record, where=folder)
        self._chosen = self.config.model_copy(update={"times": ways[0]})
        self._booster = read_trees(folder / _MODEL, digest, len(self.names), self._threads)

    def _made_for(self, times: bool) -> dict[str, Any]:
        return {"features": self._names(times), "outputs": self.task.outputs}

    @property
    def _threads(self) -> int:
        return int(self.config.threads)

    def _names(self, times: bool) -> list[str]:
        names = self._representation.labels()[self._input]
        return [names[column] for column in self._columns(times)]

    def _columns(self, times: bool) -> Array:
        names = self._representation.labels()[self._input]
        return np.flatnonzero([times or "time" not in name.split("_") for name in names])

    def _features(self, events: Events) -> Array:
        """All features, those that are not used included."""
        prepared = self._representation.prepare(events)
        return self._representation.batch(prepared, np.arange(len(events)))[self._input]

    def _table(self, sample: Sample, name: str) -> tuple[Array, Array]:
        """All features, (N, F), and the classes, or what is to be found, (N,)."""
        features, target = [], []
        for events in sample():
            features.append(self._features(events))
            true = self.task.target(events)
            target.append(true if self.task.competing else true[:, 0])
        if not sum(map(len, target)):
            raise DataError("boosted trees must have events to learn from", came="none", where=name)
        table = np.concatenate(features)
        bad = np.argwhere(~np.isfinite(table))
        if len(bad):
            names = self._names(times=True)
            raise DataError(
                f"feature '{names[bad[0][1]]}' must be finite", came="NaN", where=f"{name}, event {bad[0][0]}"
            )
        return table, np.concatenate(target)

    def _grow(self, tables: list[tuple[Array, Array]], c: Any, seed: int, progress: Progress, title: str) -> Any:
        """Return trees of some settings."""
        settings = {
            **self._objective, "max_bin": c.bins, "eta": c.learning_rate, "max_depth": c.max_depth,
            "min_child_weight": c.min_child_weight, "subsample": c.subsample, "colsample_bytree": c.colsample,
            "lambda": c.l2, "nthread": c.threads,
        }  # fmt: skip
        columns, names = self._columns(c.times), self._names(c.times)
        learned, judged = (matrix(table[:, columns], target, names, self._threads) for table, target in tables)
        with progress.step(title, c.rounds, "rounds") as bar:
            random = integer_seed(seed, "boosted_trees")
            return grow(learned, judged, settings, rounds=c.rounds, patience=c.patience, seed=random, bar=bar)

    @property
    def _objective(self) -> dict[str, Any]:
        """What XGBoost lessens: the cross entropy of classes, else Huber's loss of the one number, which is smooth."""
        if self.task.competing:
            return {"objective": "multi:softprob", "num_class": self.task.outputs, "eval_metric": "mlogloss"}
        return {"objective": "reg:pseudohubererror", "eval_metric": "mae"}

    def _scan(self, tables: list[tuple[Array, Array]], seed: int, progress: Progress) -> dict[str, Any]:
        """Choose settings; those with the lowest loss on validation events are kept."""
        features, target = tables[0]
        few = stream(seed, self.name, "scan").permutation(len(target))[: self.config.scan_events]  # all classes
        some = [(features[few], target[few]), tables[1]]
        with progress.step("boosted trees: settings", 0, "settings") as step:

            def measure(settings: dict[str, Any]) -> Trial:
                trees = self._grow(some, self.config.model_copy(update=settings), seed, Progress(), "")
                step.advance()
                return Trial(settings, -float(trees.best_score), more={"rounds": trees.num_boosted_rounds()})

            own = {name: getattr(self.config, name) for name in self.tried}
            timed = self.config.times and self._names(times=True) != self._names(times=False)
            tried = {name: ladder for name, ladder in self.tried.items() if name != "times" or timed}
            found = search(tried, own, measure, self.config.scan_rounds)
        self._chosen = self.config.model_copy(update=found.best.settings)
        tell_edges(self.name, found, progress)
        return found.record("minus the loss on validation events", len(some[0][1]))
