"""Expectations are compared number by number."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hitforge.core.errors import ConfigError, RunError
from hitforge.runs.check import check, require_own_training
from hitforge.runs.folder import claim
from hitforge.runs.measure import flat_values
from tests.tiny import TINY, tiny


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


def test_a_training_in_parts_is_no_check(finished: Path, tmp_path: Path) -> None:
    require_own_training(tiny(), finished)
    require_own_training(tiny(), tmp_path / "new")
    longer = tiny(training={**TINY["training"], "epochs": 9})
    with pytest.raises(RunError, match=r"of its own length.*other training\.epochs"):
        require_own_training(longer, finished)
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    claim(folder, longer, resume=True)
    with pytest.raises(RunError, match=r"of its own length.*not the same as one from the start"):
        require_own_training(longer, folder)
