"""The tour of the library runs as it is written, and prints what stands below each block."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import REPOSITORY, page_blocks, run_code


def test_the_tour_prints_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = page_blocks(REPOSITORY / "docs" / "library.md")
    assert len(blocks) > 10
    names: dict[str, Any] = {}
    for code, expected in blocks:
        printed, _ = run_code(code, names)
        assert printed == (expected or ""), code
