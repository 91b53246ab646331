"""Which particles are found, and which showers are fakes, merge particles or split them."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core.arrays import Array
from hitforge.core.random import stream
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import clustered_share, clustered_text, shares_in_bins
from hitforge.metrics._objects import Edges, Selection, best_cut, both_showers, score_cut, share_difference
from hitforge.metrics._sample import definition
from hitforge.objects.shower.rules import MATCHING, SHOWER_CLASSES, ShowerCriteria, Showers, showers_of
from hitforge.tasks import Better

_OF_PARTICLES = ("energy", "nearest", "eta", "depth")


class ShowerEfficiency(Metric):
    """Efficiency of particles, and the rates of fakes, merged and split ones, of the showers above a score.

    Showers that match no particle count only with ``target.min_deposited`` or more in their hits. Where
    ``min_score`` is not set, the showers that count are those from the score on at which F1, 2 right / (showers +
    particles), is greatest on the method's validation events: scores of networks and algorithms are not otherwise
    comparable. Of predictions that bring no such choice, it is that of the events themselves, and said to be.
    Shared energy is sum E min(w, f). Showers of one event are correlated, so intervals are those of events
    (``clustered_share``).

    - ``efficiency``: share of particles that a shower matches (see ``average_precision``).
    - ``fake_rate``: share of showers of whose energy all particles together gave less than ``fake``: noise or pile-up.
    - ``unmatched_rate``: share of showers that match no particle, for whatever reason; 1 less the precision.
    - ``merge_rate``: share of showers that hold at least ``merge`` of the deposited energy of two particles or more.
    - ``particle_merge_rate``: share of particles that are in such a shower so.
    - ``split_rate``: share of particles of which two showers or more hold at least ``split`` each, that share more
      energy with no other particle.
    """

    kind: ClassVar[str | None] = "shower"
    headline: ClassVar[tuple[str, ...]] = ("efficiency", "fake_rate")
    version: ClassVar[int] = 3
    better: ClassVar[dict[str, Better]] = {
        "efficiency": "max",
        "efficiency_electromagnetic": "max",
        "efficiency_hadron": "max",
        "fake_rate": "min",
        "unmatched_rate": "min",
        "merge_rate": "min",
        "particle_merge_rate": "min",
        "split_rate": "min",
    }

    class Config(Selection, ShowerCriteria):
        """What counts, and the bins of the curves."""

        split: float = Field(
            0.2, gt=0, le=1, description="share of a particle's deposited energy that makes a shower one of its pieces"
        )
        energy_edges: Edges = Field(
            (3.0, 10.0, 20.0, 30.0, 45.0, 65.0, 90.0, 120.0, 160.0, 200.0),
            description="edges of the bins of energy [GeV], rising",
        )
        nearest_edges: Edges = Field(
            (0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 80.0, 100.0, 150.0, 200.0, 300.0),
            description="edges of the bins of the distance to the nearest other particle to be found [mm], rising",
        )
        eta_edges: Edges = Field(
            (1.5, 1.7, 1.9, 2.1, 2.3, 2.5, 2.7, 3.0), description="edges of the bins of absolute pseudorapidity, rising"
        )
        depth_edges: Edges = Field(
            (0.0, 5.0, 8.0, 11.0, 14.0, 17.0, 20.0, 25.0, 30.0, 40.0, 50.0),
            description="edges of the bins of the mean layer of a particle's energy, rising",
        )

    @property
    def to_choose(self) -> tuple[str, ...]:
        """The cut on the score, where it is not set."""
        return ("min_score",) if self.config.min_score is None else ()

    def choose(self, validation: Predictions) -> dict[str, float]:
        """Return the cut where F1 is greatest; nothing without a particle to be found."""
        return best_cut(self, validation)

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Measure the rates, ``efficiency_electromagnetic`` and ``efficiency_hadron``, and ``score_cut``.

        Rates are left out where there is nothing to count. Tables ``shower_efficiency.<number>.<variable>``, of
        particles with the variables energy [GeV], nearest [mm], eta (absolute) and depth (layer), of showers with
        their energy [GeV]: ``low``, ``high``, ``value``, ``lo``, ``hi``, ``n``; bins without entry are left out.

        Raises:
            DataError: The predictions are not of showers, or no particle is to be found.
        """
        sample = showers_of(predictions.tables, self.name, predictions.columns)
        cut, chosen = score_cut(self, predictions)
        rates, cut = self._rates(sample, cut, chosen)
        values: dict[str, Value] = {}
        tables: dict[str, dict[str, Array]] = {}
        for name, rate in rates.items():
            passed, counted = _by_event(sample, rate)
            total = int(counted.sum())
            if not total:
                continue
            low, high = clustered_share(passed, counted)
            text = definition(self, f"{rate.text}; {clustered_text(counted)}")
            values[name] = Value(int(passed.sum()) / total, float(low), float(high), text, total)
            rows, event = (sample.showers, sample.shower_event) if rate.of_showers else (sample.particles, sample.event)
            for variable in ("energy",) if rate.of_showers else _OF_PARTICLES:
                value = np.abs(rows[variable][rate.counted])
                edges = np.array(getattr(self.config, f"{variable}_edges"))
                tables[f"{self.name}.{name}.{variable}"] = shares_in_bins(
                    value, rate.passed[rate.counted], edges, event[rate.counted]
                )
        text = definition(
            self, f"least score of showers that count, {f'of {chosen}' if chosen else 'as set'}; no interval"
        )
        values["score_cut"] = Value(cut, cut, cut, text, sample.events)
        return Result(values, tables)

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure paired differences first - second, ``<number>_difference``, where both have something to count."""
        pair = both_showers(self, first, second)
        rates = [
            self._rates(sample, *score_cut(self, told))[0] for sample, told in zip(pair, (first, second), strict=True)
        ]
        values: dict[str, Value] = {}
        for name, rate in rates[0].items():
            counts = np.stack([part for i in range(2) for part in _by_event(pair[i], rates[i][name])], axis=1)  # (N, 4)
            if not counts[:, [1, 3]].sum(axis=0).all():
                continue
            ends = share_difference(counts, self.config.replicas, stream(seed, self.name))
            text = f"{rate.text}; first - second, same events, each with its own least score; percentile bootstrap over"
            text = definition(self, f"{text} events, {self.config.replicas} replicas")
            values[f"{name}_difference"] = Value(*ends, text, int(counts[:, 1].sum()))
        return Result(values)

    def _rates(self, sample: Showers, min_score: float | None, chosen: str) -> tuple[dict[str, _Rate], float]:
        """All rates by name, and the least score of showers that count; see ``score_cut``."""
        c, kind = self.config.model_copy(update={"min_score": min_score}), sample.particles["kind"]
        told = sample.verdicts(c, self.target.min_deposited)
        matched, counted, cut = told.matched, told.counted, told.cut
        every, number, shower = np.ones(len(sample.event), bool), len(sample.event), sample.shower
        piece = counted[shower] & (told.held >= c.split) & (sample.leading()[shower] == sample.particle)
        of = f"showers of score >= {cut:.4g}" + (f" ({chosen})" if chosen else "")
        of += f", those without match only with >= {self.target.min_deposited:g} GeV in their hits"
        means = MATCHING.format(c.iou)
        text = f"share of {{}} that one of the {of} matches; {means}"
        rates = {"efficiency": _Rate(told.found, every, False, text.format("particles to be found"))}
        for place, name in enumerate(SHOWER_CLASSES):
            words = text.format(f"{name} particles to be found")
            rates[f"efficiency_{name}"] = _Rate(told.found, kind == place, False, words)
        rates["fake_rate"] = _Rate(
            told.fake, counted, True,
            f"share of {of}, of whose energy all particles to be found together gave less than {100 * c.fake:g} %"
            f" (sum E min(w, f), f the sum of their shares); match: {means}",
        )  # fmt: skip
        rates["unmatched_rate"] = _Rate(matched < 0, counted, True, f"share of {of}, that match no particle; {means}")
        half = f"at least {100 * c.merge:g} % of the deposited energy"
        rates["merge_rate"] = _Rate(
            told.merges,
            counted,
            True,
            f"share of {of}, that hold {half} of two particles to be found or more; match: {means}",
        )
        rates["particle_merge_rate"] = _Rate(
            told.merged, every, False,
            f"share of particles to be found of which a shower holds {half} that holds as much of another one; {of};"
            f" match: {means}",
        )  # fmt: skip
        rates["split_rate"] = _Rate(
            np.bincount(sample.particle[piece], minlength=number) >= 2, every, False,
            f"share of particles to be found of which two showers or more hold at least {100 * c.split:g} % of the"
            f" deposited energy each, and share more energy with no other particle; {of}; match: {means}",
        )  # fmt: skip
        return rates, cut


class _Rate(NamedTuple):
    """A share of particles or of showers: what passed, what is counted, both bool, and its definition."""

    passed: Array
    counted: Array
    of_showers: bool
    text: str


def _by_event(sample: Showers, rate: _Rate) -> list[Array]:
    """Passed and counted in each event, (N,) each."""
    event = sample.shower_event if rate.of_showers else sample.event
    return [
        np.bincount(event[kept], minlength=sample.events) for kept in (rate.passed & rate.counted, rate.counted)
    ]  # fmt: skip
