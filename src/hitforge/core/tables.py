"""Small tables as plain text and as HTML, for what shows itself in a terminal or a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def text_table(head: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> str:
    """Return columns beside each other, as wide as their longest entry."""
    lines = [list(map(str, head)), *(list(map(str, row)) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    shown = [
        "  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    return "\n".join([*([title] if title else []), *shown])


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], title: str = "", note: str = "") -> str:
    """Return a table for a notebook; every text is escaped."""

    def line(tag: str, entries: Sequence[str]) -> str:
        style = ' style="text-align: left"'
        return f"<tr>{''.join(f'<{tag}{style}>{html.escape(str(entry))}</{tag}>' for entry in entries)}</tr>"

    caption = f'<caption style="text-align: left"><b>{html.escape(title)}</b></caption>' if title else ""
    body = "".join(line("td", row) for row in rows)
    below = f"<p>{html.escape(note)}</p>" if note else ""
    return f"<table>{caption}<thead>{line('th', head)}</thead><tbody>{body}</tbody></table>{below}"
