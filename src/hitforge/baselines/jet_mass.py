"""Masses of jets as FastJet gives them, calibrated: what an analysis without a network would use."""

from __future__ import annotations

import json
from itertools import combinations_with_replacement
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.baselines import Baseline, Sample
from hitforge.baselines._calibration import robust_ridge
from hitforge.baselines._scan import Ladder, SearchedSettings, Trial, search, tell_edges
from hitforge.core import kinematics
from hitforge.core.arrays import Array
from hitforge.core.errors import ConfigError, DataError, RunError
from hitforge.core.files import write_text
from hitforge.core.progress import Progress
from hitforge.detectors import Detector
from hitforge.events import Collection, Events
from hitforge.events.jets import about_axis, axes, is_charged, require_one_jet
from hitforge.tasks import Task
from hitforge.tasks.regress import Regress

_RECORD = "jet_mass.json"
_LEAST = 1.0  # [GeV] masses below are taken as it
_TYPICAL = 100.0  # [GeV]
_OUTER = 2e-3  # share of the training jets at either end, where the polynomial goes on as a constant
_NAMES = ("jet", "soft_drop", "tracks", "track_assisted")


class _Fitted(NamedTuple):
    """Weights of the polynomial's terms, and the range of its variables in training, beyond which it is constant."""

    weights: Array
    low: Array
    high: Array


class JetMass(Baseline):
    """A mass of the jet times a polynomial's exponential, fitted robustly to the logarithm of the true value.

    Masses: of the jet; what soft drop leaves of it; of its charged constituents within ``radius``, and that times the
    jet's over their transverse momentum, the track-assisted mass (ATLAS-CONF-2016-035), which tracks measure and
    calorimeters scale; the jet's mass where there are no tracks. The polynomial is of the logarithms of the chosen
    mass, of those beside it (``beside``) and of the transverse momentum, and of abs(pseudorapidity); degree 0 is one
    factor. With ``scan_events`` mass, what stands beside it, degree, penalty and radius are searched; the mean relative
    error of the validation events decides.
    """

    tried: ClassVar[dict[str, Ladder]] = {
        "mass": Ladder(_NAMES, ordered=False),
        "beside": Ladder(((), ("jet",), ("soft_drop",), ("tracks",), ("jet", "tracks"), _NAMES[:3]), ordered=False),
        "degree": Ladder((0, 1, 2, 3, 4, 5, 6, 7, 8), low_is_end=True),
        "penalty": Ladder((1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1), low_is_end=True),
        "radius": Ladder((0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2)),
    }

    class Config(SearchedSettings):
        """Mass and calibration."""

        mass: Literal["jet", "soft_drop", "tracks", "track_assisted"] = Field(
            "soft_drop", description="mass that is calibrated"
        )
        beside: tuple[Literal["jet", "soft_drop", "tracks"], ...] = Field(
            (), description="other masses that the calibration knows"
        )
        degree: int = Field(2, ge=0, le=8, description="of the polynomial")
        penalty: float = Field(1e-4, gt=0, le=10, description="on its standardised terms")
        radius: float = Field(0.8, gt=0, le=2, description="of the charged constituents, from the jet's axis")

    def __init__(self, config: Config, detector: Detector, task: Task) -> None:
        super().__init__(config, detector, task)
        if not isinstance(task, Regress):
            raise ConfigError("'jet_mass' needs the task 'regress'", came=task.name, where="evaluation.baselines")
        self._chosen = config
        self._weights: _Fitted | None = None

    def fit(self, train: Sample, validation: Sample, seed: int, progress: Progress) -> dict[str, Any]:
        """Fit the calibration.

        Returns:
            ``settings`` and the ``scan`` that chose them (None without one), ``train_events``, ``validation_error``
            and ``seconds``.

        Raises:
            DataError: A sample has no events, or events lack the truth.
        """
        start = perf_counter()
        radii = self.tried["radius"].values if self.config.scan_events else ()
        radii = tuple(dict.fromkeys((self.config.radius, *radii)))
        samples = [self._table(sample, name, radii) for sample, name in ((train, "train"), (validation, "validation"))]
        record = None
        if self.config.scan_events:
            few = samples[0][0][: self.config.scan_events]
            some = [(few, samples[0][1][: len(few)]), samples[1]]
            with progress.step("jet_mass: settings", 0, "settings") as step:

                def measure(settings: dict[str, Any]) -> Trial:
                    step.advance()
                    chosen = self.config.model_copy(update=settings)
                    return Trial(settings, -self._error(chosen, self._solve(chosen, *some[0], radii), *some[1], radii))

                own = {name: getattr(self.config, name) for name in self.tried}
                found = search(self.tried, own, measure, self.config.scan_rounds)
            self._chosen = self.config.model_copy(update=found.best.settings)
            tell_edges(self.name, found, progress)
            record = found.record("minus the mean relative error of validation events", len(few))
        weights = self._weights = self._solve(self._chosen, *samples[0], radii)
        return {
            "settings": {name: getattr(self._chosen, name) for name in self.tried},
            "scan": record,
            "train_events": len(samples[0][0]),
            "validation_error": self._error(self._chosen, weights, *samples[1], radii),
            "seconds": round(perf_counter() - start, 3),
        }

    def outputs(self, events: Events) -> Array:
        """Return the calibrated masses as a network would give them, (N, 1) float32.

        Raises:
            RunError: The calibration is neither fitted nor loaded.
        """
        if self._weights is None:
            raise RunError("the calibration must be fitted or loaded first")
        radii = (self._chosen.radius,)
        values = np.exp(self._answer(self._chosen, self._weights, _numbers(events, radii), radii))
        return self._regress.encode(values, events)

    def save(self, folder: Path) -> None:
        """Write settings and weights."""
        if self._weights is None:
            raise RunError("the calibration must be fitted before it is saved")
        settings = {name: getattr(self._chosen, name) for name in self.tried}
        numbers = {name: getattr(self._weights, name).tolist() for name in _Fitted._fields}
        write_text(folder / _RECORD, json.dumps({"settings": settings, **numbers}, indent=1))

    def load(self, folder: Path) -> None:
        """Read what ``save`` wrote.

        Raises:
            RunError: The file is absent or damaged.
        """
        try:
            record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
            settings = {name: record["settings"][name] for name in self.tried}
            chosen = self.Config.model_validate({**self.config.model_dump(), **settings})
            fitted = _Fitted(*(np.array(record[name], np.float64) for name in _Fitted._fields))
            count = 3 + len(chosen.beside)
            if [of.shape for of in fitted] != [(len(_powers(count, chosen.degree)),), (count,), (count,)]:
                raise ValueError(f"{fitted.weights.shape} weights")
        except (OSError, ValueError, LookupError, TypeError) as error:
            came = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise RunError("the folder must hold a saved calibration", came=came, where=folder) from None
        self._chosen, self._weights = chosen, fitted

    @property
    def _regress(self) -> Regress:
        assert isinstance(self.task, Regress)  # of the constructor
        return self.task

    def _table(self, sample: Sample, name: str, radii: tuple[float, ...]) -> tuple[Array, Array]:
        """Numbers of jets, (N, K), and the logarithms of what is to be found, (N,)."""
        tables, true = [], []
        for events in sample():
            tables.append(_numbers(events, radii))
            target = self._regress.target(events).astype(np.float64)
            true.append(target[:, 0] * self._regress.config.width + target[:, 1])
        if not sum(map(len, true)):
            raise DataError("jet_mass must have events to learn from", came="none", where=name)
        return np.concatenate(tables), np.concatenate(true)

    @staticmethod
    def _solve(c: Any, table: Array, true: Array, radii: tuple[float, ...]) -> _Fitted:
        unit, base = _variables(c, table, radii)
        low, high = np.quantile(unit, [_OUTER, 1 - _OUTER], axis=0)
        terms = _terms(np.clip(unit, low, high), c.degree)
        return _Fitted(robust_ridge(terms, true - base, c.penalty), low, high)

    @staticmethod
    def _answer(c: Any, fitted: _Fitted, table: Array, radii: tuple[float, ...]) -> Array:
        """Logarithms of the answers, (N,)."""
        unit, base = _variables(c, table, radii)
        terms = _terms(np.clip(unit, fitted.low, fitted.high), c.degree)
        answer: Array = base + terms @ fitted.weights
        return answer

    def _error(self, c: Any, weights: _Fitted, table: Array, true: Array, radii: tuple[float, ...]) -> float:
        return float(np.abs(np.expm1(self._answer(c, weights, table, radii) - true)).mean())


def _numbers(events: Events, radii: tuple[float, ...]) -> Array:
    """Logarithms of pT, mass, soft-drop mass; abs(eta); for each radius logarithms of tracks' mass and pT."""
    require_one_jet(events, "'jet_mass'")
    axis, jets = axes(events), events.jets
    groomed = jets["soft_drop_mass"].astype(np.float64)
    unknown = np.flatnonzero(groomed < 0)
    if len(unknown):
        came = f"{groomed[unknown[0]]:g}, which stands for unknown, in {len(unknown)} jets"
        raise DataError("'jet_mass' needs the soft-drop mass of jets", came=came, where=f"event {int(unknown[0])}")
    columns = [axis.pt, axis.mass, groomed]
    _, deta, dphi = about_axis(events)
    charged, distance = is_charged(events.constituents), np.hypot(deta, dphi)
    for radius in radii:
        columns += _sums(events.constituents, charged & (distance < radius))
    logs = np.log(np.maximum(np.stack(columns, axis=1), _LEAST))
    return np.insert(logs, 3, np.abs(axis.eta), axis=1)


def _sums(parts: Collection, chosen: Array) -> list[Array]:
    """Mass and transverse momentum of the sum of some constituents, (N,) each."""
    sums = [parts.sum(parts[name].astype(np.float64) * chosen) for name in ("px", "py", "pz", "energy")]
    return [kinematics.mass(*sums), kinematics.pt(*sums[:2])]


def _variables(c: Any, table: Array, radii: tuple[float, ...]) -> tuple[Array, Array]:
    """Variables of the polynomial, (N, V), and the logarithm of the mass that it multiplies, (N,)."""
    at = 4 + 2 * radii.index(c.radius)
    known = {"jet": table[:, 1], "soft_drop": table[:, 2], "tracks": table[:, at]}
    assisted = table[:, at] + table[:, 0] - table[:, at + 1]
    known["track_assisted"] = np.where(table[:, at + 1] > 0, assisted, table[:, 1])
    base = known[c.mass]
    logs = np.stack([base, table[:, 0], *(known[name] for name in c.beside)], axis=1) - np.log(_TYPICAL)
    return np.column_stack([logs, table[:, 3]]), base


def _terms(unit: Array, degree: int) -> Array:
    """Terms of the polynomial, (N, T)."""
    return np.stack([np.prod(unit[:, list(power)], axis=1) for power in _powers(unit.shape[1], degree)], axis=1)


def _powers(count: int, degree: int) -> list[tuple[int, ...]]:
    """Columns that are multiplied in each term of a polynomial."""
    return [power for size in range(degree + 1) for power in combinations_with_replacement(range(count), size)]
