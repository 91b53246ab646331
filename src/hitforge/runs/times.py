"""Where the time of a run went: all that was waited for belongs to one stage, and to one only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hitforge.core.errors import DataError
from hitforge.core.files import read_json, write_text


class Times:
    """Seconds of the stages of a run, kept in ``times.json`` so that they add up over interruptions.

    A stage inside another one is counted for itself, and not again for the outer one. What a process that was killed
    had waited for since its last stage ended is not known.

    Args:
        folder: Of the run; nothing is written before there is one.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "times.json"
        self._seconds: dict[str, float] = read_json(self._path, dict) if self._path.exists() else {}
        self._open: list[tuple[str, float, float]] = []  # name, start, seconds of the stages inside

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the seconds of a block to a stage, also where it is interrupted."""
        self._open.append((name, time.perf_counter(), 0.0))
        try:
            yield
        finally:
            _, start, inside = self._open.pop()
            seconds = time.perf_counter() - start
            self._seconds[name] = self._seconds.get(name, 0.0) + seconds - inside
            if self._open:
                outer, began, within = self._open[-1]
                self._open[-1] = (outer, began, within + seconds)
            if self._path.parent.exists():
                with suppress(DataError):  # whatever ends the stage is the error to be told
                    write_text(self._path, json.dumps(self._seconds))

    def now(self) -> dict[str, float]:
        """Return the seconds of each stage so far, and their sum as ``total``."""
        found, inside = dict(self._seconds), 0.0
        for name, start, within in reversed(self._open):
            seconds = time.perf_counter() - start
            found[name] = found.get(name, 0.0) + seconds - within - inside
            inside = seconds
        rounded = {name: round(seconds, 2) for name, seconds in found.items()}
        return {**rounded, "total": round(sum(found.values()), 2)}
