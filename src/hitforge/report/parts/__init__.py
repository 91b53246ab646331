"""Parts of a report that no metric gives: the sample, the training, times, events, saliency."""

from __future__ import annotations

from hitforge.core.registry import Registry
from hitforge.report.sections import Section

PARTS: Registry[Section] = Registry("report.parts", Section)

__all__ = ["PARTS"]
