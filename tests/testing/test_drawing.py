"""Sections that draw nothing are found."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from hitforge.core.registry import Plugin
from hitforge.report.results import RunResults
from hitforge.report.sections import Section, Subsection
from hitforge.report.style import Picture
from hitforge.testing import conforms
from hitforge.testing._drawing import check_section
from tests.testing.shelf import BLOCK, Shelf


class Draws(Section):
    """Draws always."""

    alt = "a circle"

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        yield Subsection("a", "Circle", [Picture(Figure(), self.alt, ""), None], 1.0)


class Nameless(Draws):
    """Draws without a word of what."""

    alt = ""


class Breaks(Section):
    """Cannot do without numbers."""

    def subsections(self, run: RunResults) -> Iterable[Subsection]:
        yield Subsection(run.methods[0].label, "Circle", [], 1.0)


def test_a_section_has_a_metric_of_its_name() -> None:
    with pytest.raises(AssertionError, match="'broken' is none"):
        check_section(Shelf(Section), BLOCK)
    with pytest.raises(AssertionError, match="must be a hitforge"):
        check_section(Shelf(Plugin), {"name": "roc_auc"})


def test_a_section_draws_what_was_measured() -> None:
    with pytest.raises(AssertionError, match="'roc_auc' must draw or say something of what its metric measured"):
        check_section(Shelf(Section), {"name": "roc_auc"})
    check_section(Shelf(Draws), {"name": "roc_auc"})
    with pytest.raises(AssertionError, match="picture of 'Circle' must say what it shows"):
        check_section(Shelf(Nameless), {"name": "roc_auc"})
    with pytest.raises(IndexError):
        check_section(Shelf(Breaks), {"name": "roc_auc"})
    with pytest.raises(AssertionError, match="'trackml_score' must draw or say something"):
        conforms("report.sections", "trackml_score", run=RunResults(Path()))
