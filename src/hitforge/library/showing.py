"""Progress of library calls: bars in notebooks, silence in scripts, unless the caller says otherwise."""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from hitforge.core.progress import Progress, Step

_PAUSE = 0.3  # seconds between two pictures of a bar


def in_notebook() -> bool:
    """True in a Jupyter kernel."""
    ipython = sys.modules.get("IPython")  # a kernel has imported it
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


@contextmanager
def shown(progress: bool | None) -> Iterator[Progress]:
    """Show the progress of a block as the caller asks.

    Args:
        progress: True: bars, in a terminal on the standard error; False: none; None: in notebooks alone.
    """
    if progress is False or (progress is None and not in_notebook()):
        yield Progress()
        return
    if not in_notebook():
        from rich.console import Console

        from hitforge.library.bars import bars_of

        with bars_of(Console(stderr=True, soft_wrap=True)) as bars:
            yield bars
        return
    from hitforge.core.compiling import NOTE, told_when_compiling

    cell = NotebookBars()
    with told_when_compiling(partial(cell.say, NOTE)):
        yield cell


class NotebookBars(Progress):
    """Bars below a cell of a notebook, drawn by IPython alone; no widgets have to be installed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._said = clock, ""

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        """Show a bar, and leave it as it was at the end."""
        bar = _Bar(name, total, unit, self._clock)
        yield bar
        bar.draw()

    def say(self, message: str) -> None:
        """Show a line below the cell."""
        if message != self._said:
            self._said = message
            _display(f"<div>{html.escape(message)}</div>")


class _Bar:
    def __init__(self, name: str, total: int, unit: str, clock: Callable[[], float]) -> None:
        self._name, self._total, self._unit, self._clock = name, total, unit, clock
        self._done, self._note, self._start, self._drawn = 0, "", clock(), clock()
        self._handle = _display(self._html())

    def advance(self, amount: int = 1, note: str = "") -> None:
        self._done, self._note = self._done + amount, note or self._note
        if self._clock() - self._drawn >= _PAUSE:
            self.draw()

    def draw(self) -> None:
        self._drawn = self._clock()
        self._handle.update(_Html(self._html()))

    def _html(self) -> str:
        place = f'max="{self._total}" value="{self._done}"' if self._total else ""
        amount = f"{self._done} of {self._total}" if self._total else f"{self._done}"
        seconds = self._clock() - self._start
        text = f"{amount} {self._unit}, {seconds:.0f} s" + (f", {self._note}" if self._note else "")
        return f"<div>{html.escape(self._name)} <progress {place}></progress> {html.escape(text)}</div>"


class _Html:
    def __init__(self, text: str) -> None:
        self._text = text

    def _repr_html_(self) -> str:
        return self._text


def _display(text: str) -> Any:
    """Show HTML below the cell, and return what changes it."""
    from IPython.display import display

    return display(_Html(text), display_id=True)
