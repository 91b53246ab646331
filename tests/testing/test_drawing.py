"""Sections that draw nothing that is measured are found."""

from __future__ import annotations

import pytest

from hitforge.core.registry import Plugin
from hitforge.report.sections import Section
from hitforge.testing._drawing import check_section
from tests.testing.shelf import BLOCK, Shelf


def test_a_section_has_a_metric_of_its_name() -> None:
    with pytest.raises(AssertionError, match="'broken' is none"):
        check_section(Shelf(Section), BLOCK)
    with pytest.raises(AssertionError, match="must be a hitforge"):
        check_section(Shelf(Plugin), {"name": "roc_auc"})
    check_section(Shelf(Section), {"name": "roc_auc"})
