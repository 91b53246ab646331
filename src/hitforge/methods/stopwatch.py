"""How long the stages of a method take, event by event."""

from __future__ import annotations

import json
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.files import write_text


class Stopwatch:
    """Seconds of each stage, event by event."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add an event's time to a stage."""
        start = perf_counter()
        yield
        self.seconds.setdefault(name, []).append(perf_counter() - start)

    def add(self, seconds: dict[str, Array]) -> None:
        """Take times that were measured elsewhere."""
        for name, values in seconds.items():
            self.seconds.setdefault(name, []).extend(np.asarray(values, float).tolist())

    def write(self, folder: Path) -> None:
        """Write ``stages.json``: median and 90 % quantile of each stage in ms, and the process's largest memory."""
        stages: dict[str, Any] = {
            name: {"median_ms": 1e3 * float(np.median(v)), "p90_ms": 1e3 * float(np.quantile(v, 0.9)), "n": len(v)}
            for name, v in self.seconds.items()
        }
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        write_text(folder / "stages.json", json.dumps({**stages, "peak_memory_mib": round(peak, 1)}, indent=1))
