"""Checks of sections of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.registry import Registry
from hitforge.library.figures import measured_run
from hitforge.metrics import METRICS
from hitforge.report.results import RunResults
from hitforge.report.sections import Section
from hitforge.report.style import Picture, look
from hitforge.testing._answers import classified


def check_section(registry: Registry[Any], block: dict[str, Any], run: RunResults | None = None) -> None:
    """It is a section, draws what the metric of its name measured, and does not break where nothing was.

    Without a ``run`` it draws what its metric measures of two classes, or of three; where that is nothing, it is only
    asked about a run without numbers.
    """
    name = block["name"]
    cls = registry.get(name)
    assert issubclass(cls, Section), f"{cls.__name__} must be a hitforge.report.sections.Section"
    assert name in METRICS.names(), f"a section must have the name of a metric, and '{name}' is none"
    METRICS.get(name)
    section = registry.build(block, where="report")
    _told(section, RunResults(Path()))
    runs = [run] if run is not None else _classifications(name)
    said = [one for measured in runs for one in _told(section, measured)]
    assert said or not runs, f"'{name}' must draw or say something of what its metric measured"


def _told(section: Section, run: RunResults) -> list[str]:
    """What a section draws and says of a run, drawn to its end."""
    told = []
    with look():
        parts = list(section.subsections(run))
        pictures = [(part.title, one) for part in parts for one in part.pictures]
        pictures.append(("its picture at the top", section.answer_picture(run)))
        for title, one in pictures:
            if one is None:
                continue
            assert isinstance(one, Picture), f"'{title}' must be a hitforge.report.style.Picture, and not {one!r:.80}"
            assert one.alt or not run.methods, f"the picture of '{title}' must say what it shows"
            assert one.source
            told.append(f"a picture of '{title}'")
    told += [f"'{part.note}'" for part in parts if part.note]
    answer = section.answer(run)
    return told + ([f"'{answer}'"] if answer else [])


def _classifications(name: str) -> list[RunResults]:
    """What a metric measures of two classes, and of three, where that is something."""
    runs = []
    for classes in (2, 3):
        try:
            metric = METRICS.build(name, where="settings")
            runs += [measured_run(metric, classified(classes), 1)] if metric.kind is None else []
        except (ConfigError, DataError):
            continue
    return [run for run in runs if any(one.metrics or one.tables for one in run.methods)]
