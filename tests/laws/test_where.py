"""The page that says where things are names places that exist."""

from __future__ import annotations

import re

from tests.laws._source import REPOSITORY, ROOT

PLANNED = {"objects/jet/"}
"""Places of the page that a reader would make."""


def test_each_place_of_the_page_exists() -> None:
    text = (REPOSITORY / "docs" / "where.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    places = [place for row in rows for place in re.findall(r"`([\w/]+(?:/|\.py))`", row.rpartition("? |")[2])]
    assert len(rows) >= 20
    assert len(places) >= len(rows)
    assert not [place for place in places if place not in PLANNED and not (ROOT / place).exists()]
