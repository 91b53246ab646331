"""Energy and class of showers that clustering found, learned from the training showers that match a particle."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hitforge.baselines._shower_features import NAMES
from hitforge.baselines._trees import grow, importances, matrix, read_trees, write_trees
from hitforge.core.arrays import Array
from hitforge.core.random import integer_seed

_BINS = 10  # of the depth, in which the share of hadrons is counted
_LEAST = 200  # showers that trees need
_FOLDS = 5  # one event of so many ends the training of the trees
_ROUNDS, _PATIENCE = 2000, 60
_TREES = {"eta": 0.04, "max_depth": 5, "min_child_weight": 10, "subsample": 0.7, "colsample_bytree": 0.6, "lambda": 1.0}
_ENERGY = {"objective": "reg:pseudohubererror", "huber_slope": 0.1, "eval_metric": "mphe"}
_CLASS = {"objective": "binary:logistic", "eval_metric": "logloss", "base_score": 0.5}
_DEPTH = NAMES.index("depth")


class ShowerCalibration(Protocol):
    """Energies and classes of showers."""

    def answer(self, raw: Array, features: Array) -> tuple[Array, Array]:
        """Return energies, (S,) [GeV], and probabilities of a hadron, (S,), 0 to 1.

        Args:
            raw: Sum of the hits' energies, (S,) [GeV].
            features: ``NAMES`` of each shower, (S, F).
        """

    def record(self) -> dict[str, Any]:
        """Return what ``record.json`` tells."""

    def save(self, folder: Path, name: str) -> dict[str, Any]:
        """Write what the settings' file cannot hold to the folder, and return the rest."""


class Factors:
    """A share of hadrons in bins of depth, and one factor of the energy for each of the two classes.

    Args:
        factors: Of showers that are rather electromagnetic, and rather of hadrons.
        edges: Between bins of depth, rising.
        hadrons: Share of hadrons in each bin.
    """

    def __init__(self, factors: list[float], edges: list[float], hadrons: list[float]) -> None:
        self.factors, self.edges, self.hadrons = factors, edges, hadrons

    @classmethod
    def fit(cls, raw: Array, features: Array, energy: Array, hadron: Array) -> Factors:
        """Take the medians of true over summed energy.

        Args:
            raw: Sum of the hits' energies, (S,) [GeV].
            features: ``NAMES`` of each shower, (S, F).
            energy: True, (S,) [GeV].
            hadron: 1 for hadrons, (S,).
        """
        depth = features[:, _DEPTH]
        edges = np.unique(np.quantile(depth, np.arange(1, _BINS) / _BINS))
        bins = np.searchsorted(edges, depth, side="right")
        # one shower of either class is added to each bin: no certainty from few
        hadrons = (np.bincount(bins, hadron, len(edges) + 1) + 1.0) / (np.bincount(bins, minlength=len(edges) + 1) + 2)
        guess, ratio = hadrons[bins] >= 0.5, energy / raw
        whole = float(np.median(ratio))
        factors = [float(np.median(ratio[guess == one])) if (guess == one).any() else whole for one in (False, True)]
        return cls(factors, edges.tolist(), hadrons.tolist())

    def answer(self, raw: Array, features: Array) -> tuple[Array, Array]:
        """Return energies and probabilities, see ``ShowerCalibration``."""
        hadron = np.asarray(self.hadrons)[np.searchsorted(self.edges, features[:, _DEPTH], side="right")]
        return raw * np.asarray(self.factors)[(hadron >= 0.5).astype(int)], hadron

    def record(self) -> dict[str, Any]:
        """Return the factors."""
        return {"calibration": "factors", "factors": self.factors}

    def save(self, folder: Path, name: str) -> dict[str, Any]:
        """Return all numbers; no file is written."""
        return {"factors": self.factors, "edges": self.edges, "hadrons": self.hadrons}

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> Factors:
        """Return what ``save`` gave.

        Raises:
            ValueError: A number is not finite, or lists have wrong lengths.
        """
        values = {name: [float(one) for one in record[name]] for name in ("factors", "edges", "hadrons")}
        if len(values["factors"]) != 2 or len(values["hadrons"]) != len(values["edges"]) + 1:
            raise ValueError("lists have wrong lengths")
        if not np.isfinite([*itertools.chain(*values.values())]).all():
            raise ValueError("a number is not finite")
        return cls(**values)


class ShowerTrees:
    """Boosted trees on ``NAMES``: one set for the logarithm of true over summed energy, one for the class.

    So does TICL, the framework of the CMS endcap calorimeter, with a network in place of the trees.

    Args:
        energy: Trees of the energy.
        hadron: Trees of the class.
    """

    def __init__(self, energy: Any, hadron: Any) -> None:
        self.energy, self.hadron = energy, hadron

    @classmethod
    def fit(cls, features: Array, event: Array, raw: Array, energy: Array, hadron: Array, seed: int) -> ShowerTrees:
        """Grow the trees; every fifth event ends their training.

        The energies are robustly fitted: pseudo-Huber loss of the logarithm, quadratic to about 0.1.

        Args:
            features: ``NAMES`` of each shower, (S, F).
            event: (S,).
            raw: Sum of the hits' energies, (S,) [GeV].
            energy: True, (S,) [GeV].
            hadron: 1 for hadrons, (S,).
            seed: Of the trees.
        """
        kept = event % _FOLDS == _FOLDS - 1
        if kept.all() or not kept.any():
            kept = np.arange(len(event)) % _FOLDS == _FOLDS - 1
        ratio = np.log(energy / raw)
        ways = {
            "energy": (_ENERGY | {"base_score": float(np.median(ratio))}, ratio), "hadron": (_CLASS, hadron),
        }  # fmt: skip
        grown = [
            grow(
                matrix(features[~kept], target[~kept], list(NAMES)), matrix(features[kept], target[kept], list(NAMES)),
                {**_TREES, **settings}, rounds=_ROUNDS, patience=_PATIENCE, seed=integer_seed(seed, "showers", what),
            )
            for what, (settings, target) in ways.items()
        ]  # fmt: skip
        for booster in grown:
            booster.set_param({"nthread": 1})  # events come one by one
        return cls(*grown)

    def answer(self, raw: Array, features: Array) -> tuple[Array, Array]:
        """Return energies and probabilities, see ``ShowerCalibration``."""
        if not len(raw):
            return np.zeros(0), np.zeros(0)
        ratio, hadron = (np.asarray(one.inplace_predict(features), np.float64) for one in (self.energy, self.hadron))
        return raw * np.exp(ratio), hadron

    def record(self) -> dict[str, Any]:
        """Return rounds and the five features that count most."""
        found = {"energy": self.energy, "hadron": self.hadron}
        return {
            "calibration": "trees",
            "rounds": {name: trees.num_boosted_rounds() for name, trees in found.items()},
            "importances": {name: dict(list(importances(trees).items())[:5]) for name, trees in found.items()},
        }

    def save(self, folder: Path, name: str) -> dict[str, Any]:
        """Write both sets of trees, and return their SHA-256."""
        found = {"energy": self.energy, "hadron": self.hadron}
        digests = {one: write_trees(trees, folder / f"{name}_{one}.ubj") for one, trees in found.items()}
        return {"features": list(NAMES), "trees": digests}

    @classmethod
    def load(cls, record: Mapping[str, Any], folder: Path, name: str) -> ShowerTrees:
        """Read what ``save`` wrote.

        Raises:
            ValueError: The features are others.
            RunError: A file is absent or damaged.
        """
        if record["features"] != list(NAMES):
            raise ValueError("trees of other features")
        return cls(*(
            read_trees(folder / f"{name}_{one}.ubj", record["trees"][one], len(NAMES), threads=1)
            for one in ("energy", "hadron")
        ))  # fmt: skip


def calibrate(
    features: Array, event: Array, raw: Array, energy: Array, hadron: Array, seed: int, trees: bool
) -> ShowerCalibration:
    """Return trees where they are asked for and showers suffice, else factors; see ``ShowerTrees.fit``."""
    if trees and len(raw) >= _LEAST:
        return ShowerTrees.fit(features, event, raw, energy, hadron, seed)
    return Factors.fit(raw, features, energy, hadron)


def load_calibration(record: Mapping[str, Any], folder: Path, name: str) -> ShowerCalibration:
    """Return the calibration that ``save`` of either class wrote.

    Raises:
        LookupError: A key is absent.
        ValueError: A number is not finite, lists have wrong lengths, or the features are others.
        RunError: A file of trees is absent or damaged.
    """
    return ShowerTrees.load(record, folder, name) if "trees" in record else Factors.load(record)
