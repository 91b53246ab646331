"""Progress that long work reports and only the command line draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """One stage of long work."""

    def advance(self, amount: int = 1, note: str = "") -> None:
        """Report that ``amount`` more units are done; ``note`` is shown beside the bar."""


class Progress:
    """Receives progress; this base stays silent, so that library use prints nothing."""

    @contextmanager
    def step(self, name: str, total: int, unit: str = "") -> Iterator[Step]:
        """Open a stage of ``total`` units."""
        yield _SilentStep()

    def say(self, message: str) -> None:
        """Report one line, such as a fallback that was taken."""


class _SilentStep:
    def advance(self, amount: int = 1, note: str = "") -> None:
        """Show nothing."""
