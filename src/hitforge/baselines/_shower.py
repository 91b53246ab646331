"""What the classical algorithms for showers share: the region, the answers' form, and files of numbers."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from hitforge.baselines import Baseline, Sample
from hitforge.baselines._scan import Ladder, Trial, first_events, search, tell_edges
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.files import write_text
from hitforge.core.kernels import njit
from hitforge.core.progress import Progress
from hitforge.detectors import Detector, pointing_scale, require_layered
from hitforge.events import Events
from hitforge.representations.region import Regions, find_regions
from hitforge.tasks import Task
from hitforge.tasks.shower import MeasureShower


@dataclass(frozen=True)
class ShowerAnswers:
    """True answers of N events, those that the task asks for and zeros for the rest.

    Attributes:
        energy: (N,) [GeV].
        position: Barycentre, (N, 3) [mm].
        slopes: dx/d|z| and dy/d|z| of the direction, (N, 2).
    """

    energy: Array
    position: Array
    slopes: Array


class ShowerBaseline(Baseline):
    """A classical algorithm that answers the task ``shower`` in a calorimeter of layers.

    Attributes:
        tried: Setting -> ladder of values that a scan tries, beside the recipe's own.
        chosen: The settings, those that a scan chose among them.

    Raises:
        ConfigError: The task or the detector is another one.
    """

    tried: ClassVar[Mapping[str, Ladder]] = {}
    chosen: Any

    def __init__(self, config: Any, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        if not isinstance(task, MeasureShower):
            raise ConfigError(f"'{self.name}' needs the task 'shower'", came=task.name, where="evaluation.baselines")
        self.shower = task
        self.layered = require_layered(detector, f"the baseline '{self.name}'")
        self._numbers: dict[str, Any] | None = None
        self.use(config)

    def use(self, settings: Any) -> None:
        """Work with these settings from now on."""
        self.chosen = settings

    @abstractmethod
    def learn(self, train: Sample, validation: Sample, progress: Progress) -> dict[str, Any]:
        """Fit the numbers with the settings ``chosen``.

        Returns:
            What ``record.json`` keeps of it.

        Raises:
            DataError: The events lack the truth, or none has a region.
        """

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Search settings where the recipe asks for it, and fit the numbers.

        Returns:
            ``settings`` and the ``scan`` that chose them (see ``Scan.record``; None without one), and what ``learn``
            returns.

        Raises:
            DataError: The events lack the truth, or none has a region.
        """
        scan = self._scan(train, validation, progress) if self.config.scan_events and self.tried else None
        record = {"settings": self._settings(), "scan": scan, **self.learn(train, validation, progress)}
        told: dict[str, Any] = json.loads(json.dumps(record))  # as it will be read
        return told

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self.chosen, name) for name in self.tried}

    def _scan(self, train: Sample, validation: Sample, progress: Progress) -> dict[str, Any]:
        """Choose settings; those with the smallest error on validation events are kept."""
        few, judged = first_events(train, self.config.scan_events), list(validation())
        if not sum(map(len, judged)):
            raise DataError(
                "a scan needs validation events", came="none", do="set source.validation, or scan_events: 0"
            )
        found_in = [find_regions(events, self.shower.region, self.detector).found.astype(bool) for events in judged]
        inside = np.concatenate(found_in)  # what is said of events without a region does not count
        true = np.concatenate([self.task.target(events)[:, : self.task.outputs] for events in judged])[inside]
        with progress.step(f"{self.name}: settings", 0, "settings") as step:

            def measure(settings: dict[str, Any]) -> Trial:
                self.use(self.config.model_copy(update=settings))
                self.learn(lambda: iter([few]), validation, Progress())
                answer = np.concatenate([self.outputs(events) for events in judged])[inside]
                step.advance()
                return Trial(settings, -float(np.abs(answer - true).mean()))

            start = {name: getattr(self.config, name) for name in self.tried}
            found = search(self.tried, start, measure, self.config.scan_rounds)
        self.use(self.config.model_copy(update=found.best.settings))
        tell_edges(self.name, found, progress)
        text = "minus the mean absolute error on validation events, over the answers in the units of the task's scales"
        return found.record(text, len(few))

    @abstractmethod
    def residuals(self, events: Events, regions: Regions) -> Array:
        """Return the task's outputs, (N, ``task.outputs``); what stands for events without a region does not count."""

    @abstractmethod
    def made_for(self) -> dict[str, Any]:
        """Return what must be the same for numbers to be loaded."""

    @property
    def numbers(self) -> dict[str, Any]:
        """What was fitted.

        Raises:
            RunError: Nothing is fitted or loaded.
        """
        if self._numbers is None:
            raise RunError(f"'{self.name}' must be fitted or loaded first")
        return self._numbers

    def outputs(self, events: Events) -> Array:
        """Return what a network would, (N, ``task.outputs``) float32; zeros for events without a region.

        Raises:
            RunError: Nothing is fitted or loaded.
        """
        regions = find_regions(events, self.shower.region, self.detector)
        return np.where(regions.found[:, None], self.residuals(events, regions), 0.0).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write the fitted numbers as ``<name>.json``."""
        record = {**self.made_for(), "settings": self._settings(), "numbers": self.numbers}
        write_text(folder / f"{self.name}.json", json.dumps(record, indent=1, allow_nan=False))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: The file is absent or damaged, or was made for another task, detector or setting.
        """
        path = folder / f"{self.name}.json"
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            numbers, settings = record.pop("numbers"), record.pop("settings", {})
            if self.config.scan_events:
                self.use(type(self.config).model_validate({**self.config.model_dump(), **settings}))
            if not isinstance(numbers, dict) or set(numbers) != self.expected():
                raise ValueError("numbers are missing")
            for key, value in numbers.items():
                if not np.isfinite(np.asarray(value, np.float64)).all():
                    raise ValueError(f"'{key}' is not a list of finite numbers")
        except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RunError(f"the folder must hold the numbers of '{self.name}'", came=came, where=path) from None
        expected = json.loads(json.dumps(self.made_for()))
        if record != expected:
            wrong = sorted(key for key in record.keys() | expected.keys() if record.get(key) != expected.get(key))
            raise RunError(
                "the numbers must be fitted for this recipe", came=f"other {', '.join(wrong)}", where=path,
                do="fit again, or use the recipe that they were fitted with",
            )  # fmt: skip
        self._numbers = numbers

    @abstractmethod
    def expected(self) -> set[str]:
        """Return the names of the fitted numbers."""

    def truth(self, events: Events) -> ShowerAnswers:
        """Return the true answers.

        Raises:
            DataError: The events lack them.
        """
        count, asked = len(events), self.shower.quantities
        energy, position, slopes = np.zeros(count), np.zeros((count, 3)), np.zeros((count, 2))
        if "energy" in asked:
            energy = events.field("energy").astype(np.float64)
        if "barycentre" in asked:
            position = np.stack([events.field(f"barycentre_{c}") for c in "xyz"], axis=1).astype(np.float64)
        if "direction" in asked:
            x, y, z = (events.field(f"direction_{c}").astype(np.float64) for c in "xyz")
            slopes = np.stack([x, y], axis=1) / np.abs(z)[:, None]
        return ShowerAnswers(energy, position, slopes)

    def collect(
        self, sample: Sample, name: str, progress: Progress, measure: Callable[[Events, Regions], dict[str, Array]]
    ) -> dict[str, Array]:
        """Return what ``measure`` gives of the events with a region, shard after shard; hits are not kept.

        The columns ``energy``, ``position`` and ``slopes`` are the truth.

        Raises:
            DataError: The events lack the truth, or none has a region.
        """
        parts: list[dict[str, Array]] = []
        with progress.step(f"{self.name}: {name} events", 0, "events") as step:
            for events in sample():
                self.task.target(events)  # refuses wrong truth by name
                regions = find_regions(events, self.shower.region, self.detector)
                found = regions.found.astype(bool)
                table = {**vars(self.truth(events)), **measure(events, regions)}
                parts.append({key: values[found] for key, values in table.items()})
                step.advance(len(events))
        if not sum(len(part["energy"]) for part in parts):
            raise DataError(f"'{self.name}' must have events with hits to learn from", came="none", where=name)
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def layer_groups(section: Array, size: int) -> Array:
    """Return the group of each layer, (L,) int: at most ``size`` neighbours of one section; 0 for whole sections."""
    starts = np.flatnonzero(np.append(True, section[1:] != section[:-1]))
    inside = np.arange(len(section)) - np.repeat(starts, np.diff(np.append(starts, len(section))))
    new = inside == 0 if size == 0 else inside % size == 0
    return np.asarray(np.cumsum(new) - 1)


def zone_energies(events: Events, regions: Regions, plane: float, radii: tuple[float, float], group: Array) -> Array:
    """Return the energy in each group of layers, in the core and around it, (N, groups, 2) [GeV].

    Args:
        events: N events with hits.
        regions: Their regions.
        plane: abs(z) at which distances from the axis are counted [mm].
        radii: Of the core and of the whole [mm].
        group: Of each layer, (L,).
    """
    hits = events.hits
    axis = np.stack([regions.slope_x, regions.slope_y, regions.side], axis=1)
    table: Array = _zones(
        hits.offsets, hits["x"], hits["y"], hits["z"], hits["layer"], hits["energy"], axis, plane, radii[0], radii[1],
        group, int(group.max()) + 1,
    )  # fmt: skip
    return table


@njit(nogil=True, cache=True)
def _zones(offsets, x, y, z, layer, energy, axis, plane, core, radius, group, groups):  # type: ignore[no-untyped-def]
    out = np.zeros((len(offsets) - 1, groups, 2))
    for event in range(len(offsets) - 1):
        slope_x, slope_y, side = axis[event]
        for hit in range(offsets[event], offsets[event + 1]):
            if z[hit] * side <= 0.0:
                continue
            scale = pointing_scale(z[hit], plane)
            square = (x[hit] * scale - slope_x * plane) ** 2 + (y[hit] * scale - slope_y * plane) ** 2
            if square <= radius * radius:
                out[event, group[layer[hit]], 0 if square < core * core else 1] += energy[hit]
    return out
