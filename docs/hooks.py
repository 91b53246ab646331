"""Fills the reference page from the registries and the library, so that it cannot fall behind the code."""

from __future__ import annotations

import inspect
from typing import Any

_MARK = "<!-- plug-ins -->"
_LIBRARY = "<!-- library -->"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks on the reference page by tables of settings, and by the texts of the library's names."""
    if _LIBRARY in markdown:
        markdown = markdown.replace(_LIBRARY, "\n".join(_names()))
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


def _names() -> list[str]:
    """Each public name with what it takes and its text, and those of what its methods do."""
    import hitforge as hf

    lines = []
    for name in hf.__all__:
        value = getattr(hf, name)
        lines += [f"### hf.{name}\n", *_told(f"hf.{name}", value)]
        if inspect.isclass(value) and value.__module__.startswith("hitforge.library"):
            for inner, one in vars(value).items():
                if not inner.startswith("_") and inspect.isfunction(one):
                    lines += _told(f"{name}.{inner}", one)
    return lines


def _told(name: str, value: Any) -> list[str]:
    """Signature of a function and the text of anything, as they stand in the code."""
    text = inspect.getdoc(value) or ""
    first, _, rest = text.partition("\n")
    call = f"{name}{inspect.signature(value)}".replace("hitforge.", "") if inspect.isfunction(value) else name
    body = f"{call}\n\n{rest.strip()}" if rest.strip() else call
    return [f"{first}\n", f"```text\n{body}\n```\n"]


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
