"""What the classical algorithms that find showers share: hits that count, objects, a scan of settings, calibration."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from hitforge.baselines import Baseline, Sample
from hitforge.baselines._scan import Ladder, Trial, search, tell_edges
from hitforge.baselines._shower_energy import ShowerCalibration, calibrate, load_calibration
from hitforge.baselines._shower_features import ClusteredHits, shower_features
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, pointing_scale, require_layered
from hitforge.events import Collection, Events
from hitforge.objects import Candidates
from hitforge.objects.shower.matching import iou, match_showers, roi_side
from hitforge.objects.shower.rules import Showers, ranked, showers_of
from hitforge.objects.shower.target import ShowerTarget
from hitforge.tasks import Task

_MATCHED = 0.5  # IoU from which on a shower teaches energy and class
_IOUS = (0.3, 0.4, 0.5, 0.6, 0.7)  # several, as one alone changes by steps and a scan would follow its noise
_LEAST = 0.001  # of the average precision: a smaller gain on a few hundred events is noise
_OBJECTIVE = "mean of the average precision at IoU 0.3, 0.4, 0.5, 0.6 and 0.7"
TRIED: dict[str, Ladder] = {
    "threshold": Ladder((0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0), low_is_end=True),
    "min_energy": Ladder((0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0, 13.0, 20.0), low_is_end=True),
    "min_hits": Ladder((1, 3, 5, 8, 12, 20, 30, 50, 80, 130), low_is_end=True),
}
"""Ladders of the settings that all of these algorithms have; without a limit on energy or hits they end by nature."""


class FinderConfig(config.Config):
    """What all of these algorithms need to know."""

    renamed: ClassVar[dict[str, str]] = {"visible": "target.min_deposited"}

    threshold: float = Field(1.0, ge=0, le=100, description="least energy of a hit that is clustered [MIP]")
    min_energy: float = Field(2.0, ge=0, le=1e4, description="least sum of the hits' energies of a shower [GeV]")
    min_hits: int = Field(5, ge=1, le=10_000, description="least number of hits of a shower")
    scan_events: int = Field(
        300, ge=0, le=100_000, description="training events on which settings are tried; 0 to keep them as they are"
    )
    scan_rounds: int = Field(4, ge=1, le=100, description="most rounds of the scan over all settings")
    events: int = Field(3000, ge=1, le=1_000_000, description="training events, at most, for the calibration")
    energy: Literal["trees", "factors"] = Field(
        "trees",
        description="energy and class by boosted trees on the showers' shapes, or by a factor for each of two classes "
        "told by depth; also where fewer than 200 training showers match a particle",
    )


@dataclass(frozen=True)
class _Found:
    """Showers of N events: the hits and the shower of each, (K,), -1 for none, showers, members, seconds an event."""

    points: ClusteredHits
    label: Array
    showers: Collection
    members: Collection
    seconds: Array


class ShowerFinder(Baseline):
    """A classical algorithm that groups hits of a calorimeter of layers into showers.

    Only hits on the side of an event with more energy and above the threshold are clustered; each belongs
    to one shower or none. The score of a shower is the sum of its hits' energies.

    ``fit`` searches the ladders of ``tried``, from the recipe's settings on, and keeps those with the greatest average
    precision on some training events, the mean over energy-weighted IoUs of 0.3 to 0.7; a step must gain 0.1 % to
    be made, since less is noise. Showers that overlap with a particle by
    one half or more then teach boosted trees their energy and class, see ``ShowerTrees``; or give the share of hadrons
    in bins of depth and two factors of the energy, see ``Factors``.

    Attributes:
        tried: Setting -> ladder of values that the scan tries, beside the recipe's own.

    Args:
        config: Settings.
        detector: A calorimeter of layers.
        task: One that finds showers.

    Raises:
        ConfigError: The detector or the task is another one.
    """

    learns_from: ClassVar[frozenset[str]] = frozenset({"hits", "particles", "links"})
    kind: ClassVar[str | None] = "shower"
    one_by_one: ClassVar[bool] = True
    tried: ClassVar[dict[str, Ladder]] = TRIED

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        self._mips = require_layered(detector, f"the baseline '{self.name}'").mips
        self._chosen = config
        self._calibration: ShowerCalibration | None = None

    @abstractmethod
    def labels(self, points: ClusteredHits, settings: Any) -> Array:
        """Return the shower of each hit, (K,) int64, unique in all events together, -1 for none.

        Args:
            points: Hits.
            settings: The algorithm's configuration, with the values that are tried or were chosen.
        """

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Choose settings and calibrate.

        Returns:
            ``settings``; ``scan``, all that was tried (see ``Scan.record``), None without a scan; ``train_events`` and
            ``train_showers`` of the calibration, what this tells of itself, and ``seconds``.

        Raises:
            DataError: No training particle is found at all.
        """
        start = perf_counter()
        scan = None
        if self.config.scan_events:
            few = Events.concatenate(list(self._first(train, self.config.scan_events)))
            points: dict[float, ClusteredHits] = {}
            own = {name: getattr(self.config, name) for name in self.tried}
            with progress.step(f"{self.name}: settings", 0, "settings") as step:

                def measure(settings: dict[str, Any]) -> Trial:
                    step.advance()
                    chosen = self.config.model_copy(update=settings)
                    if chosen.threshold not in points:
                        points[chosen.threshold] = self._points(few, chosen.threshold)
                    return self._trial(few, points[chosen.threshold], settings)

                found = search(self.tried, own, measure, self.config.scan_rounds, _LEAST)
            self._chosen = self.config.model_copy(update=found.best.settings)
            tell_edges(self.name, found, progress)
            scan = found.record(_OBJECTIVE, len(few))
        self._calibration, told = self._calibrate(train, seed, progress)
        if self.config.energy != self._calibration.record()["calibration"]:
            progress.say(f"{self.name}: too few showers in the training events for trees: energies by two factors")
        settings = {name: getattr(self._chosen, name) for name in self.tried}
        seconds = round(perf_counter() - start, 3)
        return {"settings": settings, "scan": scan, **told, **self._calibration.record(), "seconds": seconds}

    def outputs(self, events: Events) -> Array:
        """Refuse: there are showers, not numbers of events.

        Raises:
            ConfigError: Always.
        """
        raise ConfigError(f"the baseline '{self.name}' finds showers", came=f"the task '{self.task.name}'")

    def find(self, events: Events) -> Candidates:
        """Return the showers of events.

        Raises:
            DataError: A hit's layer is not one of the detector's.
            RunError: Nothing is fitted or loaded.
        """
        calibration = self._fitted()
        found = self._cluster(events, self._points(events, self._chosen.threshold), self._chosen)
        start = perf_counter()
        energy, hadron = calibration.answer(found.showers["score"], self._features(found))
        spent = found.seconds / max(found.seconds.sum(), 1e-12) * (perf_counter() - start)
        parameters = {"score": found.showers["score"], "energy": energy, "hadron": hadron}
        told = Collection(found.showers.offsets, parameters)
        return Candidates(found.members, told, {"clustering": found.seconds, "energy": spent})

    def save(self, folder: Path) -> None:
        """Write the settings and the calibration as ``<name>.json``, with trees beside it.

        Raises:
            RunError: Nothing is fitted or loaded.
        """
        numbers = self._fitted().save(folder, self.name)
        record = {"settings": {name: getattr(self._chosen, name) for name in self.tried}, **numbers}
        write_text(folder / f"{self.name}.json", json.dumps(record, indent=1, allow_nan=False))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: A file is absent or damaged.
        """
        path = folder / f"{self.name}.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            unknown = sorted(record["settings"].keys() - self.tried.keys())
            if unknown or not record["settings"]:
                raise ValueError(f"no settings of '{self.name}': {', '.join(unknown) or 'none'}")
            chosen = type(self.config).read({**self.config.model_dump(), **record["settings"]}, where=path.name)
            calibration = load_calibration(record, folder, self.name)
        except (OSError, ValueError, LookupError, TypeError, AttributeError, ConfigError) as error:
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RunError(f"the folder must hold the numbers of '{self.name}'", came=came, where=path) from None
        self._chosen, self._calibration = chosen, calibration

    def _fitted(self) -> ShowerCalibration:
        if self._calibration is None:
            raise RunError(f"'{self.name}' must be fitted or loaded first")
        return self._calibration

    def _points(self, events: Events, threshold: float) -> ClusteredHits:
        hits = events.hits
        if hits.rows and not (hits["layer"].min() >= 0 and hits["layer"].max() < len(self._mips)):
            raise DataError(
                f"hits.layer must be from 0 to {len(self._mips) - 1}", came=(hits["layer"].min(), hits["layer"].max())
            )
        mip = self._mips[hits["layer"]]
        row = np.flatnonzero(
            roi_side(events, self.detector) & (hits["energy"] > 0) & (hits["energy"] >= threshold * mip)
        )
        x, y, z, energy = (hits[name][row].astype(np.float64) for name in ("x", "y", "z", "energy"))
        away = pointing_scale(z, self.detector.plane)
        layer = hits["layer"][row].astype(np.int64)
        return ClusteredHits(row, hits.event[row], x, y, x * away, y * away, layer, energy, mip[row])

    def _cluster(self, events: Events, points: ClusteredHits, settings: Any) -> _Found:
        """Showers with ``score`` by event and falling energy, and their members; seconds are shared out by hits."""
        start = perf_counter()
        label = self.labels(points, settings)
        count = int(label.max(initial=-1)) + 1
        inside = np.flatnonzero(label >= 0)
        own = label[inside]
        raw, size = np.bincount(own, points.energy[inside], count), np.bincount(own, minlength=count)
        event = np.zeros(count, np.int64)
        event[own] = points.event[inside]
        kept = np.flatnonzero((size >= settings.min_hits) & (raw >= settings.min_energy) & (size > 0))
        kept = kept[np.lexsort((-raw[kept], event[kept]))]
        showers = Collection.from_counts(np.bincount(event[kept], minlength=len(events)), {"score": raw[kept]})
        number = np.full(count + 1, -1, np.int64)  # the last stands for hits of none
        number[kept] = np.arange(len(kept))
        label = number[label]
        inside = np.flatnonzero(label >= 0)
        inside = inside[np.argsort(label[inside], kind="stable")]
        where = points.event[inside]
        columns = {
            "shower": (label[inside] - showers.offsets[where]).astype(np.int32),
            "hit": (points.row[inside] - events.hits.offsets[where]).astype(np.int32),
            "weight": np.ones(len(inside), np.float32),
        }
        members = Collection.from_counts(np.bincount(where, minlength=len(events)), columns)
        share = np.bincount(points.event, minlength=len(events)) / max(len(points.row), 1)
        return _Found(points, label, showers, members, share * (perf_counter() - start))

    def _features(self, found: _Found) -> Array:
        return shower_features(found.points, found.label, found.showers.rows, len(self._mips))

    def _match(self, events: Events, found: _Found) -> dict[str, Collection]:
        """Particles, showers and matches."""
        score = found.showers["score"]
        told = Collection(found.showers.offsets, {"score": score, "energy": score, "hadron": np.full(len(score), 0.5)})
        return match_showers(events, found.members, told, self.detector, min_energy=self._min_deposited)

    @property
    def _min_deposited(self) -> float:
        return (ShowerTarget() if self.task.object_kind is None else self.task.object_kind.config).min_deposited

    def _trial(self, events: Events, points: ClusteredHits, settings: dict[str, Any]) -> Trial:
        found = self._cluster(events, points, self.config.model_copy(update=settings))
        tables = self._match(events, found)
        if not tables["particles"].rows:
            raise DataError(
                f"the scan of '{self.name}' needs particles to be found", came="none in the training events"
            )
        sample = showers_of(tables, self.name)
        best = np.zeros(len(sample.event))
        np.maximum.at(best, sample.particle, sample.iou)
        precisions = [_precision(sample, self._min_deposited, iou) for iou in _IOUS]
        more = {"ap_50": round(precisions[2], 5), "overlap": round(float(best.mean()), 5)}
        return Trial(settings, float(np.mean(precisions)), more=more)

    def _calibrate(self, train: Sample, seed: int, progress: Progress) -> tuple[ShowerCalibration, dict[str, Any]]:
        parts: list[tuple[Array, ...]] = []
        count, particles = 0, 0
        with progress.step(f"{self.name}: calibration", 0, "events") as step:
            for events in self._first(train, self.config.events):
                found = self._cluster(events, self._points(events, self._chosen.threshold), self._chosen)
                tables = self._match(events, found)
                true, matches = tables["particles"], tables["matches"]
                good = iou(matches["shared"], matches["union"]) >= _MATCHED  # of a particle and of a shower at most one
                particle = (true.offsets[matches.event] + matches["particle"])[good]
                shower = (found.showers.offsets[matches.event] + matches["shower"])[good]
                parts.append((
                    self._features(found)[shower], count + found.showers.event[shower],
                    found.showers["score"][shower], true["energy"][particle], true["kind"][particle],
                ))  # fmt: skip
                count, particles = count + len(events), particles + true.rows
                step.advance(len(events))
        features, event, raw, energy, hadron = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        if not len(raw):
            raise DataError(
                f"'{self.name}' must find showers in the training events",
                came=f"none that overlaps with one of {particles} particles by half of their energy",
            )
        trees = self.config.energy == "trees"
        calibration = calibrate(features, event, raw, energy, hadron, seed, trees)
        return calibration, {"train_events": count, "train_showers": len(raw)}

    def _first(self, sample: Sample, count: int) -> Iterator[Events]:
        """The first events of a sample, shard by shard."""
        missing = count
        for events in sample():
            yield events.take(np.arange(min(missing, len(events))))
            missing -= min(missing, len(events))
            if not missing:
                return
        if missing == count:
            raise DataError(f"'{self.name}' must have events to learn from", came="none", where="train")


def _precision(sample: Showers, min_deposited: float, iou: float) -> float:
    """Area under the envelope of precision over recall, as ``average_precision`` measures it of all showers."""
    right = sample.matched(iou) >= 0
    ranks = ranked(sample, right | sample.bright(min_deposited), right)
    place = np.flatnonzero(ranks.last)
    good = np.cumsum(ranks.right)[place]
    envelope = np.maximum.accumulate((good / (place + 1))[::-1])[::-1]
    return float((np.diff(good, prepend=0) * envelope).sum() / len(sample.event))
