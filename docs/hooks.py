"""Fills the reference page from the registries, so that it cannot fall behind the code."""

from __future__ import annotations

from typing import Any

_MARK = "<!-- plug-ins -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the mark on the reference page by a table of settings for each plug-in."""
    if _MARK not in markdown:
        return markdown
    from hitforge.recipe.catalogue import BLOCKS, REGISTRIES, settings_of, settings_of_block, summary

    lines = []
    for room, registry in REGISTRIES.items():
        lines.append(f"## {room}\n")
        for name in registry.names():
            lines.append(f"### {name}\n\n{summary(registry, name)}\n")
            lines += _table(settings_of(registry, name))
    for block in BLOCKS:
        lines.append(f"## The block `{block}`\n")
        lines += _table(settings_of_block(block))
    return markdown.replace(_MARK, "\n".join(lines))


def _table(rows: list[tuple[str, str, str, str]]) -> list[str]:
    if not rows:
        return ["No settings.\n"]
    head = ["| setting | type | default | meaning |", "|---|---|---|---|"]
    body = [
        f"| `{key}` | {_cell(kind)} | {f'`{_cell(default)}`' if default else ''} | {_cell(meaning)} |"
        for key, kind, default, meaning in rows
    ]
    return [*head, *body, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
