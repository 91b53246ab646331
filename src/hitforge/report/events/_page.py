"""A page of interactive figures that opens from disk and loads nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hitforge.core.files import write_text


def figure_page(figures: Iterable[tuple[str, str, Any]], path: Path) -> Path:
    """Write interactive figures below each other into one HTML file.

    Args:
        figures: Title, a line of text, and the plotly figure of each; one at least.
        path: HTML file to write.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    parts, titles = [], []
    for number, (title, text, figure) in enumerate(figures):
        body = figure.to_html(
            full_html=False,
            include_plotlyjs=number == 0,
            default_height="84vh",
            div_id=f"event_{number}",
            config={"displaylogo": False, "responsive": True},
        )
        titles.append(html.escape(title))
        parts.append(f"<section><h2>{titles[-1]}</h2><p>{html.escape(text)}</p>{body}</section>")
    write_text(path, _PAGE.format(title=titles[0], body="\n".join(parts)))
    return path


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 0; overflow-x: hidden; color: #1c2330; }}
body {{ font: 15px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }}
section {{ border-bottom: 1px solid #dfe3ea; }}
h2 {{ margin: .8rem 1rem 0; font-size: 1.05rem; }}
p {{ margin: .1rem 1rem .3rem; color: #5b6575; font-size: .9rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
