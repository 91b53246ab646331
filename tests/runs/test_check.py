"""Expectations are compared number by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.core.errors import ConfigError
from hitforge.runs.check import check
from hitforge.runs.measure import flat_values
from tests.tiny import tiny


def test_expectations_pass_and_fail_one_by_one(finished: Path) -> None:
    value = flat_values(finished)["test.roc_auc"]
    expect = {
        "metrics": {
            "test.roc_auc": {"value": value + 0.01, "tolerance": 0.02},
            "boosted_trees:test.roc_auc": {"value": 0.0, "tolerance": 0.01},
            "no.such": {"value": 0.0, "tolerance": 0.01},
        },
        "minimum": {"test.roc_auc": value + 0.1},
    }
    findings = check(tiny(expect=expect), finished)
    assert [finding.passed for finding in findings] == [True, False, False, False]
    assert findings[2].came is None


def test_nothing_to_check(finished: Path) -> None:
    with pytest.raises(ConfigError, match="not on this disk"):
        check(tiny(expect={"unmeasured": "not on this disk"}), finished)
    with pytest.raises(ConfigError, match="no 'expect' block"):
        check(tiny(), finished)
