"""Tables of the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.cli._tables import print_dataset, print_summary
from hitforge.core.errors import DataError, RunError


def test_what_is_no_run_and_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="unfinished run"):
        print_summary(tmp_path)
    with pytest.raises(DataError, match=r"dataset\.json"):
        print_dataset(tmp_path)
