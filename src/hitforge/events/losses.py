"""What the events of a dataset say of dropped, clipped, moved, unmatched or guessed things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from hitforge.core.arrays import Array
from hitforge.events.events import Events
from hitforge.events.schema import FieldInfo


@dataclass
class LossCount:
    """What one event field says in all.

    Attributes:
        name: Of the field.
        info: Of the field; ``loss`` says what ``value`` is.
        value: The sum over events, or the largest value; of a flag the number of events where it is 0.
        events: Events that have it.
        of: All events.
        files: File -> (value, events), of files that have it; empty where events come from one file or none.
    """

    name: str
    info: FieldInfo
    value: float = 0.0
    events: int = 0
    of: int = 0
    files: dict[str, tuple[float, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        unit = f" {self.info.unit}" if self.info.unit else ""
        what = f"{'up to ' if self.info.loss == 'largest' else ''}{self.value:.10g}{unit}"
        what = "not so" if self.info.loss == "flag" else what
        return f"{self.name}: {what} in {self.events} of {self.of} events ({self.info.description})"


def losses_of(shards: Iterable[Events], files: list[str]) -> list[LossCount]:
    """Return what is not 0 of the fields that tell losses.

    Args:
        shards: Events; their fields are enough.
        files: Those that the field ``file`` counts.
    """
    found: dict[str, LossCount] = {}
    for events in shards:
        file = events.fields.get("file", np.zeros(len(events), np.int64))
        for name, info in events.info.items():
            if info.loss:
                one = found.setdefault(name, LossCount(name, info))
                one.of += len(events)
                _add(one, events.field(name).astype(np.float64), file, files if len(files) > 1 else [])
    return [one for one in found.values() if one.events]


def _add(one: LossCount, values: Array, file: Array, files: list[str]) -> None:
    lost = values == 0 if one.info.loss == "flag" else values != 0
    amount = lost.astype(np.float64) if one.info.loss == "flag" else values
    largest = one.info.loss == "largest"

    def joined(before: float, some: Array) -> float:
        return float(max(before, some.max(initial=0.0)) if largest else before + some.sum())

    one.value, one.events = joined(one.value, amount), one.events + int(lost.sum())
    for number in np.unique(file[lost]) if files else ():
        mine = lost & (file == number)
        name = files[number] if 0 <= number < len(files) else f"file {number}"
        value, count = one.files.get(name, (0.0, 0))
        one.files[name] = joined(value, amount[mine]), count + int(mine.sum())
