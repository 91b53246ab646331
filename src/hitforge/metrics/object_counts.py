"""How much was found in an event, counted without truth: objects, their hits and their energies."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import Field

from hitforge.core import config
from hitforge.core.arrays import Array
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.events import Collection
from hitforge.metrics import Metric, Predictions, Result, Value
from hitforge.metrics._intervals import percentile, unseen
from hitforge.metrics._sample import definition, require_same_events
from hitforge.objects import KINDS


class ObjectCounts(Metric):
    """Objects of an event, such as showers or tracks, and their hits; nothing here says whether they are right.

    None of it needs truth, so it is what is measured where a sample has none. Numbers are means over events, or
    shares of the hits and the energy of all events together; intervals are those of a bootstrap of events. Where no
    replica differs (nothing was found, or there is one event), the share of events that could be otherwise is bounded
    (``unseen``), each by the number itself or by one object, hit, GeV or the whole share, whichever is more.
    """

    version: ClassVar[int] = 2

    truth: ClassVar[bool] = False

    class Config(config.Config):
        """Fields of the metric."""

        replicas: int = Field(1000, ge=100, le=100_000, description="bootstrap replicas for the interval")

    config: Config

    def compute(self, predictions: Predictions, seed: int) -> Result:
        """Count, with 68.3 % intervals.

        Of showers: ``showers_per_event``, ``shower_energy_per_event`` [GeV], ``hit_energy_per_event`` [GeV] (of their
        hits), ``hits_per_event``; of tracks: ``tracks_per_event``, ``hits_per_event``, ``hits_per_track`` (left out
        where there is no track). Where the table ``measured`` tells what the events hold: ``share_of_hits`` and, of
        showers, ``share_of_energy``.

        Raises:
            DataError: The predictions hold objects of no kind, or no event.
        """
        draws, ratios = self._draws(predictions, seed), self._ratios(predictions)
        return Result({name: self._value(one.text, draws, one) for name, one in ratios.items() if one.below.any()})

    def compare(self, first: Predictions, second: Predictions, seed: int) -> Result:
        """Measure first - second of the numbers that both have, ``<number>_difference``; events are drawn once.

        Raises:
            DataError: As in ``compute``, or the events differ.
        """
        if len(first) != len(second):
            came = f"{len(first)} and {len(second)} events"
            raise DataError("both sets of predictions must be of the same events", came=came)
        if first.columns and second.columns:
            require_same_events(first, second)
        draws, others = self._draws(first, seed), self._ratios(second)
        values = {}
        for name, one in self._ratios(first).items():
            if name in others and one.below.any() and others[name].below.any():
                text = f"{one.text}; first - second, same events"
                values[f"{name}_difference"] = self._value(text, draws, one, others[name])
        return Result(values)

    def _draws(self, predictions: Predictions, seed: int) -> Array:
        """How often each replica takes each event, (R, N)."""
        events = len(predictions)
        if not events:
            raise DataError("the sample must have at least one event", came="an empty one")
        random = stream(seed, "object_counts")
        return random.multinomial(events, np.full(events, 1.0 / events), self.config.replicas)

    def _value(self, text: str, draws: Array, one: _Ratio, other: _Ratio | None = None) -> Value:
        def of(weights: Array) -> Array:
            return one.of(weights) if other is None else one.of(weights) - other.of(weights)

        drawn = of(draws)
        drawn = drawn[np.isfinite(drawn)]  # a replica may hold no track at all
        number, value = len(one.above), float(of(np.ones((1, len(one.above))))[0])
        if len(drawn) and np.ptp(drawn) > 1e-9 * abs(value):
            low, high = percentile(drawn, value, number)
        else:
            width = unseen(number) * max(abs(value), 1.0)
            low, high = value - width, value + width
        if other is None:
            low, high = max(low, 0.0), min(high, 1.0) if one.is_share else high
        text = definition(self, f"{text}; bootstrap of events (if without spread: bound of events that may differ)")
        return Value(value, low, high, text, number)

    def _ratios(self, predictions: Predictions) -> dict[str, _Ratio]:
        tables = predictions.tables
        named = [kind for kind in KINDS.names() if f"{kind}s" in tables] if "members" in tables else []
        if not named:
            raise DataError(
                f"'{self.name}' counts objects, with the tables 'members' and one of "
                f"{', '.join(f'{kind}s' for kind in KINDS.names())}",
                came=", ".join([*tables, *predictions.columns]) or "nothing",
                do="choose other metrics in 'evaluation.metrics', or a task that finds objects",
            )
        kind, measured = named[0], tables.get("measured")
        objects, held = tables[f"{kind}s"], _hits(tables["members"])
        each = np.ones(len(objects))
        result = {
            f"{kind}s_per_event": _Ratio(objects.counts, each, f"mean number of {kind}s in an event"),
            "hits_per_event": _Ratio(held, each, f"mean number of an event's hits that are in {kind}s, each once"),
        }
        for name, (above, below, text) in KINDS.get(kind).counted(objects, measured).items():
            result[name] = _Ratio(above, each if below is None else below, text)
        if measured is not None:
            result["share_of_hits"] = _Ratio(held, measured["hits"], f"hits in {kind}s over all hits of all events")
        return {name: one._replace(is_share=name.startswith("share_")) for name, one in result.items()}


class _Ratio(NamedTuple):
    """Of each event a number above and one below the line, (N,) each, and what the ratio of their sums is."""

    above: Array
    below: Array
    text: str
    is_share: bool = False

    def of(self, weights: Array) -> Array:
        """Ratio where events are taken several times, (R, N) -> (R,); NaN without anything below the line."""
        below = weights @ self.below.astype(np.float64)
        result: Array = np.where(below > 0, weights @ self.above / np.where(below > 0, below, 1.0), np.nan)
        return result


def _hits(members: Collection) -> Array:
    """Number of different hits of each event that are in objects, (N,)."""
    pair = np.unique(np.stack([members.event, members["hit"].astype(np.int64)]), axis=1)
    return np.bincount(pair[0], minlength=len(members))
