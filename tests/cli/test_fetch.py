"""hitforge fetch."""

from __future__ import annotations

from tests.cli.conftest import hitforge


def test_fetch_lists_what_there_is() -> None:
    assert "MIT" in hitforge("fetch").stdout
