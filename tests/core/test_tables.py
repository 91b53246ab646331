"""Tables as text and HTML."""

from __future__ import annotations

from hitforge.core.tables import html_table, text_table


def test_columns_stand_below_each_other() -> None:
    told = text_table(("name", "value"), [("a", "1.0"), ("longer", "2")], "title")
    assert told == "title\nname    value\na       1.0\nlonger  2"


def test_every_text_is_escaped() -> None:
    page = html_table(("<a>",), [("<b>",)], "<c>", "<d>")
    assert all(f"&lt;{letter}&gt;" in page for letter in "abcd")
    assert page.count("<td") == page.count("<th ") == 1
