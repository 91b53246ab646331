"""Tune a classical algorithm on training events: a search on ladders of values, all of which is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import Field

from hitforge.baselines import Sample
from hitforge.core import config
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.progress import Progress
from hitforge.events import Events


class SearchedSettings(config.Config):
    """Settings of an algorithm that may be searched before it is fitted."""

    scan_events: int = Field(
        0, ge=0, description="training events, at most, on which settings are tried; 0 to keep them as they are"
    )
    scan_rounds: int = Field(8, ge=1, le=100, description="most rounds of the scan over all settings")


@dataclass(frozen=True)
class Ladder:
    """Values that a setting may take.

    Attributes:
        values: In rising order; what has no order, such as a kernel, is tried in full.
        low_is_end: The setting ends there by nature, such as at 0 holes, so that choosing the first value is no edge.
        high_is_end: The same of the last value, such as no limit at all.
        ordered: False where neighbours in ``values`` are not alike: each value is tried, and none is an edge.
    """

    values: tuple[Any, ...]
    low_is_end: bool = False
    high_is_end: bool = False
    ordered: bool = True


@dataclass(frozen=True)
class Trial:
    """One set of settings and what it gave.

    Attributes:
        settings: Setting -> value.
        value: What is to be great.
        excess: How far a bound is exceeded, 0 within it; less of it wins before ``value`` is looked at.
        more: Other numbers for the record, name -> value.
    """

    settings: dict[str, Any]
    value: float
    excess: float = 0.0
    more: dict[str, float] = field(default_factory=dict)

    def beats(self, other: Trial, min_gain: float = 0.0) -> bool:
        """Whether this one is better: nearer to the bound, or equally near and its value greater by ``min_gain``."""
        if self.excess != other.excess:
            return self.excess < other.excess
        return self.value > other.value + min_gain


@dataclass(frozen=True)
class Scan:
    """What a search found.

    Attributes:
        best: The best trial.
        trials: All, in their order.
        edges: Settings whose best value lies on the edge of its ladder: a wider one might have found a better one.
        settled: Whether no single step on any ladder improves the best trial.
    """

    best: Trial
    trials: tuple[Trial, ...]
    edges: tuple[str, ...]
    settled: bool

    def record(self, objective: str, events: int) -> dict[str, Any]:
        """Return what ``record.json`` keeps, and the report draws.

        Args:
            objective: What ``value`` is, in words.
            events: Training events that each trial was measured on.
        """
        tried = [
            {"settings": one.settings, "value": one.value, "excess": one.excess, **one.more}
            for one in self.trials
            if math.isfinite(one.excess)  # settings that contradict each other were never tried
        ]
        return {
            "objective": objective, "events": events, "best": self.best.settings, "value": self.best.value,
            "edges": list(self.edges), "settled": self.settled, "tried": tried,
        }  # fmt: skip


def search(
    ladders: Mapping[str, Ladder],
    start: Mapping[str, Any],
    measure: Callable[[dict[str, Any]], Trial],
    rounds: int = 4,
    min_gain: float = 0.0,
) -> Scan:
    """Climb from a start, one setting after another, until no step on any ladder improves.

    From the value that a setting has, its neighbours on the ladder are tried, and the better direction is followed as
    long as it improves. A round does so for all settings; the search ends after a round without any change. Equal
    trials keep the value that is there. The neighbours of the best values have all been tried then, so that the record
    shows each setting's profile through the optimum. Interactions of two settings that only help together are not
    found: start from several places where they are suspected.

    Args:
        ladders: Setting -> its ladder; their order is the order of the search.
        start: Setting -> first value; one that is not on the ladder is put in its place there.
        measure: Gives the trial of settings; asked once for each combination.
        rounds: Most rounds.
        min_gain: Gain of a step that counts: what is less is noise of the few events.

    Raises:
        ConfigError: A setting has no start, or its start cannot be compared with the ladder's values.
    """
    steps = {name: _with(ladder, start, name) for name, ladder in ladders.items()}
    done: dict[tuple[Any, ...], Trial] = {}

    def trial(settings: Mapping[str, Any]) -> Trial:
        key = tuple(settings[name] for name in steps)
        if key not in done:
            done[key] = measure(dict(settings))
        return done[key]

    best, settled = trial({name: start[name] for name in steps}), False
    for _ in range(rounds):
        before = best
        for name, ladder in steps.items():
            best = _along(name, ladder, best, trial, min_gain)
        if best is before:
            settled = True
            break
    edges = tuple(name for name, ladder in steps.items() if _on_edge(ladder, best.settings[name]))
    return Scan(best, tuple(done.values()), edges, settled)


def first_events(train: Sample, number: int) -> Events:
    """Return the first events of a sample, at most ``number``.

    Raises:
        DataError: There are none.
    """
    parts, count = [], 0
    for events in train():
        parts.append(events)
        count += len(events)
        if count >= number:
            break
    if not count:
        raise DataError("a scan needs training events", came="none", do="set source.train, or leave out the scan")
    whole = Events.concatenate(parts)
    return whole.take(np.arange(min(number, len(whole))))


def tell_edges(who: str, scan: Scan, progress: Progress) -> None:
    """Say which settings lie on the edge of their ladder, or that the search began beyond a bound or had not settled.

    Args:
        who: Name of the algorithm.
        scan: Its search.
        progress: Hears it.
    """
    if scan.edges:
        chosen = ", ".join(f"{name} {scan.best.settings[name]}" for name in scan.edges)
        progress.say(f"{who}: chosen on the edge of what was tried, so that a wider scan might find better: {chosen}")
    first, *_ = scan.trials
    if first.excess > 0:  # the first step back is taken whatever it costs, and hides what a scan inside would find
        progress.say(f"{who}: the scan began beyond its bound: begin within it, or widen it")
    if not scan.settled:
        progress.say(f"{who}: the scan ended before it had settled")


def _along(
    name: str, ladder: Ladder, best: Trial, trial: Callable[[Mapping[str, Any]], Trial], min_gain: float
) -> Trial:
    """Follow one ladder from the best trial."""
    if not ladder.ordered:
        for value in ladder.values:
            other = trial({**best.settings, name: value})
            best = other if other.beats(best, min_gain) else best
        return best
    home = best
    for way in (-1, 1):
        place = ladder.values.index(home.settings[name]) + way
        ahead = home
        while 0 <= place < len(ladder.values):
            other = trial({**home.settings, name: ladder.values[place]})
            if not other.beats(ahead, min_gain):
                break
            ahead, place = other, place + way
        best = ahead if ahead.beats(best, min_gain) else best
    return best


def _on_edge(ladder: Ladder, value: Any) -> bool:
    if not ladder.ordered or len(ladder.values) == 1:
        return False
    first, last = value == ladder.values[0], value == ladder.values[-1]
    return (first and not ladder.low_is_end) or (last and not ladder.high_is_end)


def _with(ladder: Ladder, start: Mapping[str, Any], name: str) -> Ladder:
    """The ladder with the start on it."""
    if name not in start:
        raise ConfigError(f"the scan of '{name}' must have a value to start from", came=sorted(start))
    if start[name] in ladder.values:
        return ladder
    try:
        values = tuple(sorted((*ladder.values, start[name]))) if ladder.ordered else (*ladder.values, start[name])
    except TypeError:
        raise ConfigError(
            f"the scan of '{name}' must start from one of its values", came=start[name], do=f"choose of {ladder.values}"
        ) from None
    return Ladder(values, ladder.low_is_end, ladder.high_is_end, ladder.ordered)
