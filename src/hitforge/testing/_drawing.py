"""Checks of sections of the report."""

from __future__ import annotations

from typing import Any

from hitforge.core.registry import Registry
from hitforge.metrics import METRICS
from hitforge.report.sections import Section


def check_section(registry: Registry[Any], block: dict[str, Any]) -> None:
    """It is a section, and draws what a metric of its name measures."""
    name = block["name"]
    cls = registry.get(name)
    assert issubclass(cls, Section), f"{cls.__name__} must be a hitforge.report.sections.Section"
    assert name in METRICS.names(), f"a section must have the name of a metric, and '{name}' is none"
    METRICS.get(name)
    registry.build(block, where="report")
