"""Progress on the terminal: bars, or where nobody looks, such as in a batch job, now and then a line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from rich import progress as rich_bars
from rich.console import Console
from rich.markup import escape
from rich.table import Column

from hitforge.core.compiling import NOTE, told_when_compiling
from hitforge.core.progress import Progress, Step

_PAUSE = 30.0  # seconds between two lines of a step


@contextmanager
def bars_of(console: Console) -> Iterator[Progress]:
    """Show the progress of a block, and say when kernels are compiled."""
    if not console.is_terminal:
        lines = _Lines(console)
        with told_when_compiling(partial(lines.say, NOTE)):
            yield lines
        return
    columns = [
        rich_bars.TextColumn("{task.description:>12}"),
        rich_bars.BarColumn(None, table_column=Column(ratio=1, min_width=6)),
        rich_bars.TaskProgressColumn(),
        rich_bars.TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        rich_bars.TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True, overflow="ellipsis")),
    ]
    if console.width >= 110:
        columns[3:3] = [rich_bars.MofNCompleteColumn(), rich_bars.TextColumn("{task.fields[unit]}")]
    with rich_bars.Progress(*columns, console=console, refresh_per_second=2, expand=True) as display:
        shown = _Bars(display)
        with told_when_compiling(partial(shown.say, NOTE)):
            yield shown


class _Bars(Progress):
    def __init__(self, display: rich_bars.Progress) -> None:
        self._display = display
        self._said = ""

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        task = self._display.add_task(escape(name), total=total or None, note="", unit=unit)
        yield _Bar(self._display, task)
        if not total:  # nobody knew how much it would be
            done = self._display.tasks[self._display.task_ids.index(task)].completed
            self._display.update(task, total=done)
        self._display.stop_task(task)

    def say(self, message: str) -> None:
        if message != self._said:  # compiling is noticed by the sample, too
            self._said = message
            self._display.console.print(escape(message))


class _Bar:
    def __init__(self, display: rich_bars.Progress, task: rich_bars.TaskID) -> None:
        self._display, self._task = display, task

    def advance(self, amount: int = 1, note: str = "") -> None:
        if note:
            self._display.update(self._task, note=escape(note))
        self._display.advance(self._task, amount)


class _Lines(Progress):
    """What bars would show, as lines that are not more frequent than ``_PAUSE``, and one at the end of a step."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock, self._said = console, clock, ""

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        line = _Line(self, name, total, unit, self._clock)
        yield line
        line.tell(f"took {_span(line.seconds)}")

    def say(self, message: str) -> None:
        if message != self._said:
            self._said = message
            self._console.print(escape(message), highlight=False)


class _Line:
    def __init__(self, lines: _Lines, name: str, total: int, unit: str, clock: Callable[[], float]) -> None:
        self._lines, self._name, self._total, self._unit, self._clock = lines, name, total, unit, clock
        self._done, self._note, self._start = 0, "", clock()
        self._told = self._start
        self._resumed: int | None = None

    @property
    def seconds(self) -> float:
        return self._clock() - self._start

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._note = note or self._note
        if self._resumed is None and not note and amount > 1:  # a continued training begins with what is done already
            self._resumed = amount
        self._done += amount
        if self._clock() - self._told >= _PAUSE:
            self._told = self._clock()
            fresh = self._done - (self._resumed or 0)
            left = self._total - self._done
            self.tell(f"{_span(self.seconds * left / fresh)} left" if fresh > 0 and left > 0 else "")

    def tell(self, when: str) -> None:
        amount = f"{self._done} of {self._total}" if self._total else f"{self._done}"
        parts = (f"{self._name}: {amount} {self._unit}".rstrip(), self._note, when)
        self._lines.say(", ".join(part for part in parts if part))


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
