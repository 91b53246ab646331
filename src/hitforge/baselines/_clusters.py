"""What the classical algorithms that find showers share: hits that count, objects, a scan of settings, calibration."""

from __future__ import annotations

import itertools
import json
from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from hitforge.baselines import Baseline, Sample
from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, pointing_scale, require_layered
from hitforge.events import Collection, Events
from hitforge.objects import Candidates
from hitforge.objects.shower.matching import iou, match_showers, roi_side
from hitforge.objects.shower.target import ShowerTarget
from hitforge.tasks import Task

_BINS = 10  # of the depth, in which the share of hadrons is counted


@dataclass(frozen=True)
class ClusteredHits:
    """The K hits that are clustered.

    Attributes:
        row: Row in the collection of hits, (K,) int64.
        event: (K,) int64.
        x: (K,) float64 [mm].
        y: (K,) [mm].
        u: Pointing coordinate, (K,) [mm].
        v: (K,) [mm].
        layer: (K,) int64.
        energy: (K,) float64 [GeV].
        mip: Energy of a minimum ionising particle in the layer, (K,) [GeV].
    """

    row: Array
    event: Array
    x: Array
    y: Array
    u: Array
    v: Array
    layer: Array
    energy: Array
    mip: Array


class FinderConfig(config.Config):
    """What all of these algorithms need to know."""

    renamed: ClassVar[dict[str, str]] = {"visible": "target.min_deposited"}

    threshold: float = Field(1.0, ge=0, le=100, description="least energy of a hit that is clustered [MIP]")
    min_energy: float = Field(2.0, ge=0, le=1e4, description="least sum of the hits' energies of a shower [GeV]")
    min_hits: int = Field(5, ge=1, le=10_000, description="least number of hits of a shower")
    scan_events: int = Field(
        60, ge=0, le=100_000, description="training events on which settings are tried; 0 to keep them as they are"
    )
    events: int = Field(300, ge=1, le=1_000_000, description="training events, at most, for the calibration")


class ShowerFinder(Baseline):
    """A classical algorithm that groups hits of a calorimeter of layers into showers.

    Only hits on the side of an event with more energy and above the threshold are clustered; each belongs
    to one shower or none. The score of a shower is the sum of its hits' energies.

    ``fit`` tries the combinations of ``tried``, on some training events, and keeps the one whose showers overlap best
    with the particles: the mean over particles of the best energy-weighted IoU. Showers that overlap with a particle
    by one half or more then give the share of hadrons in bins of depth (the energy-weighted mean layer), which is
    ``hadron``, and for each of the two classes the median of true over summed energy, which makes the energy.

    Attributes:
        tried: Setting -> values that the scan tries, beside the recipe's own.

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
    tried: ClassVar[dict[str, tuple[float, ...]]] = {}

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        self._mips = require_layered(detector, f"the baseline '{self.name}'").mips
        self._settings: dict[str, float] = {name: float(getattr(config, name)) for name in self.tried}
        self._numbers: dict[str, Any] | None = None

    @abstractmethod
    def labels(self, points: ClusteredHits, settings: dict[str, float]) -> Array:
        """Return the shower of each hit, (K,) int64, unique in all events together, -1 for none.

        Args:
            points: Hits.
            settings: Values of ``tried``.
        """

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Choose settings and calibrate.

        Returns:
            ``settings``, ``overlap`` (mean best IoU with them), ``factors`` of the classes, ``train_events``,
            ``seconds``.

        Raises:
            DataError: No training particle is found at all.
        """
        start = perf_counter()
        events = self._collect(train)
        overlap = None
        if self.config.scan_events and self.tried:
            few = events.take(np.arange(min(len(events), self.config.scan_events)))
            own = {name: float(getattr(self.config, name)) for name in self.tried}
            ways = [dict(zip(self.tried, way, strict=True)) for way in itertools.product(*self.tried.values())]
            ways = [own, *(way for way in ways if way != own)]
            figures = []
            with progress.step(f"{self.name}: settings", len(ways), "settings") as step:
                for way in ways:
                    figures.append(self._overlap(few, way))
                    step.advance()
            best = int(np.argmax(figures))
            self._settings, overlap = ways[best], round(figures[best], 4)
        self._numbers = self._calibrate(events)
        return {
            "settings": self._settings, "overlap": overlap, "factors": self._numbers["factors"],
            "train_events": len(events), "seconds": round(perf_counter() - start, 3),
        }  # fmt: skip

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
        if self._numbers is None:
            raise RunError(f"'{self.name}' must be fitted or loaded first")
        members, showers, seconds = self._cluster(events, self._settings)
        edges, share = np.asarray(self._numbers["edges"]), np.asarray(self._numbers["hadrons"])
        hadron = share[np.searchsorted(edges, showers["depth"], side="right")]
        energy = showers["score"] * np.asarray(self._numbers["factors"])[(hadron >= 0.5).astype(int)]
        parameters = {"score": showers["score"], "energy": energy, "hadron": hadron}
        return Candidates(members, Collection(showers.offsets, parameters), {"clustering": seconds})

    def save(self, folder: Path) -> None:
        """Write the settings and the calibration as ``<name>.json``.

        Raises:
            RunError: Nothing is fitted or loaded.
        """
        if self._numbers is None:
            raise RunError(f"'{self.name}' must be fitted or loaded first")
        record = {"settings": self._settings, **self._numbers}
        write_text(folder / f"{self.name}.json", json.dumps(record, indent=1, allow_nan=False))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: The file is absent or damaged.
        """
        path = folder / f"{self.name}.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            settings = {name: float(record["settings"][name]) for name in self.tried}
            values = {name: [float(one) for one in record[name]] for name in ("factors", "edges", "hadrons")}
            if len(values["factors"]) != 2 or len(values["hadrons"]) != len(values["edges"]) + 1:
                raise ValueError("lists have wrong lengths")
            if not np.isfinite([*itertools.chain(*values.values()), *settings.values()]).all():
                raise ValueError("a number is not finite")
        except (OSError, ValueError, LookupError, TypeError) as error:
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RunError(f"the folder must hold the numbers of '{self.name}'", came=came, where=path) from None
        self._settings, self._numbers = settings, values

    def _points(self, events: Events) -> ClusteredHits:
        hits = events.hits
        if hits.rows and not (hits["layer"].min() >= 0 and hits["layer"].max() < len(self._mips)):
            raise DataError(
                f"hits.layer must be from 0 to {len(self._mips) - 1}", came=(hits["layer"].min(), hits["layer"].max())
            )
        mip = self._mips[hits["layer"]]
        row = np.flatnonzero(
            roi_side(events, self.detector) & (hits["energy"] > 0) & (hits["energy"] >= self.config.threshold * mip)
        )
        x, y, z, energy = (hits[name][row].astype(np.float64) for name in ("x", "y", "z", "energy"))
        away = pointing_scale(z, self.detector.plane)
        layer = hits["layer"][row].astype(np.int64)
        return ClusteredHits(row, hits.event[row], x, y, x * away, y * away, layer, energy, mip[row])

    def _cluster(self, events: Events, settings: dict[str, float]) -> tuple[Collection, Collection, Array]:
        """Members, a table of showers with ``score`` and ``depth``, and seconds an event, shared out by hits."""
        start = perf_counter()
        points = self._points(events)
        label = self.labels(points, settings)
        count = int(label.max(initial=-1)) + 1
        inside = np.flatnonzero(label >= 0)
        own = label[inside]
        raw, size = np.bincount(own, points.energy[inside], count), np.bincount(own, minlength=count)
        depth = np.bincount(own, points.energy[inside] * points.layer[inside], count) / np.maximum(raw, 1e-12)
        event = np.zeros(count, np.int64)
        event[own] = points.event[inside]
        kept = np.flatnonzero((size >= self.config.min_hits) & (raw >= self.config.min_energy) & (size > 0))
        kept = kept[np.lexsort((-raw[kept], event[kept]))]  # by event, then by falling energy
        showers = Collection.from_counts(
            np.bincount(event[kept], minlength=len(events)), {"score": raw[kept], "depth": depth[kept]}
        )
        number = np.full(count, -1, np.int64)
        number[kept] = np.arange(len(kept))
        shower = number[own]
        inside, shower = inside[shower >= 0], shower[shower >= 0]
        order = np.argsort(shower, kind="stable")
        inside, shower = inside[order], shower[order]
        where = points.event[inside]
        columns = {
            "shower": (shower - showers.offsets[where]).astype(np.int32),
            "hit": (points.row[inside] - events.hits.offsets[where]).astype(np.int32),
            "weight": np.ones(len(inside), np.float32),
        }
        members = Collection.from_counts(np.bincount(where, minlength=len(events)), columns)
        share = np.bincount(points.event, minlength=len(events)) / max(len(points.row), 1)
        return members, showers, share * (perf_counter() - start)

    def _match(self, events: Events, settings: dict[str, float]) -> tuple[Collection, Collection, Collection, Array]:
        """Particles, showers and matches, and the energy-weighted IoU of the matches."""
        members, showers, _ = self._cluster(events, settings)
        half = np.full(showers.rows, 0.5)
        told = Collection(showers.offsets, {**showers.columns, "energy": showers["score"], "hadron": half})
        least = ShowerTarget() if self.task.object_kind is None else self.task.object_kind.config
        tables = match_showers(events, members, told, self.detector, min_energy=least.min_deposited)
        matches = tables["matches"]
        return tables["particles"], tables["showers"], matches, iou(matches["shared"], matches["union"])

    def _overlap(self, events: Events, settings: dict[str, float]) -> float:
        particles, _, matches, overlap = self._match(events, settings)
        best = np.zeros(particles.rows)
        np.maximum.at(best, particles.offsets[matches.event] + matches["particle"], overlap)
        return float(best.mean()) if len(best) else 0.0

    def _calibrate(self, events: Events) -> dict[str, Any]:
        particles, showers, matches, overlap = self._match(events, self._settings)
        good = overlap >= 0.5  # of a particle and of a shower at most one
        particle = (particles.offsets[matches.event] + matches["particle"])[good]
        shower = (showers.offsets[matches.event] + matches["shower"])[good]
        if not len(particle):
            raise DataError(
                f"'{self.name}' must find showers in the training events",
                came=f"none that overlaps with one of {particles.rows} particles by half of their energy",
            )
        depth, kind = showers["depth"][shower], particles["kind"][particle]
        edges = np.unique(np.quantile(depth, np.arange(1, _BINS) / _BINS))
        bins = np.searchsorted(edges, depth, side="right")
        # one shower of either class is added to each bin: no certainty from few
        hadrons = (np.bincount(bins, kind, len(edges) + 1) + 1.0) / (np.bincount(bins, minlength=len(edges) + 1) + 2.0)
        guess, ratio = hadrons[bins] >= 0.5, particles["energy"][particle] / showers["raw"][shower]
        whole = float(np.median(ratio))
        factors = [float(np.median(ratio[guess == one])) if (guess == one).any() else whole for one in (False, True)]
        return {"factors": factors, "edges": edges.tolist(), "hadrons": hadrons.tolist()}

    def _collect(self, sample: Sample) -> Events:
        parts: list[Events] = []
        missing = self.config.events
        for events in sample():
            parts.append(events.take(np.arange(min(missing, len(events)))))
            missing -= len(parts[-1])
            if not missing:
                break
        if not parts:
            raise DataError(f"'{self.name}' must have events to learn from", came="none", where="train")
        return Events.concatenate(parts)
