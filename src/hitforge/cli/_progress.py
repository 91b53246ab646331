"""Progress bars of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as bars

from hitforge.cli._console import err, escape
from hitforge.core.progress import Progress, Step


class _Bars(Progress):
    """Progress bars of the terminal."""

    def __init__(self, display: bars.Progress) -> None:
        self._display = display

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        task = self._display.add_task(name, total=total, note="", unit=unit)
        yield _Bar(self._display, task)
        self._display.stop_task(task)

    def say(self, message: str) -> None:
        self._display.console.print(escape(message))


class _Bar:
    def __init__(self, display: bars.Progress, task: bars.TaskID) -> None:
        self._display, self._task = display, task

    def advance(self, amount: int = 1, note: str = "") -> None:
        if note:
            self._display.update(self._task, note=note)
        self._display.advance(self._task, amount)


@contextmanager
def progress_bars() -> Iterator[Progress]:
    columns = (
        bars.TextColumn("{task.description:>12}"),
        bars.BarColumn(30),
        bars.MofNCompleteColumn(),
        bars.TextColumn("{task.fields[unit]}"),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
        bars.TextColumn("{task.fields[note]}"),
    )
    with bars.Progress(*columns, console=err, refresh_per_second=2) as display:
        yield _Bars(display)
