"""Events to turn around, as a page or as a part of one, that opens from disk and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from hitforge.core.files import write_text
from hitforge.report.events._scene import Part, Scene

Scenes = Mapping[str, Sequence[Scene]]
"""Name of each method -> its events, the same in each; one name, which may be empty, without methods."""


def events_page(scenes: Scenes, path: Path, first: int = 0) -> Path:
    """Write events as one page, of which one is shown at a time.

    Args:
        scenes: At least one event.
        path: HTML file to write.
        first: Place of the event that is shown at first.

    Returns:
        The path.

    Raises:
        DataError: The file cannot be written.
    """
    names = [scene.name for events in scenes.values() for scene in events]
    title = html.escape(names[first] if first < len(names) else "events")
    write_text(path, _PAGE.format(title=title, body=events_block(scenes, first, whole=True)))
    return path


def events_block(scenes: Scenes, first: int = 0, *, whole: bool = False) -> Markup:
    """Return events as part of a page; ``whole`` if it is all of the page."""
    kind = "ev ev-whole" if whole else "ev ev-inside"
    index = json.dumps(_index(scenes, first), allow_nan=False, separators=(",", ":"))
    index = index.replace("<", "\\u003c")  # no name may end the script
    return Markup(
        f'<style>{_asset("events.css")}</style>\n<div class="{kind}" tabindex="0" role="group" '
        f'aria-label="Events to turn around">\n<script type="application/json">{index}</script>\n'
        f"<noscript>Events can be turned around where the browser runs scripts.</noscript>\n</div>\n"
        f'<script>"use strict"; {{\n{_asset("events_stage.js")}\n{_asset("events.js")}}}</script>\n'
    )


def _index(scenes: Scenes, first: int) -> Part:
    """What the page holds: events with their methods, and the parts of all of them, each once and compressed."""
    parts: dict[str, str] = {}
    names = list(dict.fromkeys(scene.name for events in scenes.values() for scene in events))
    rows = []
    for name in names:
        row = []
        for events in scenes.values():
            found = next((scene for scene in events if scene.name == name), None)
            held = [_kept(one, parts) for one in found.parts] if found else []
            row.append(
                {"title": found.title, "text": found.text, "notes": found.notes, "parts": held} if found else None
            )
        rows.append({"name": name, "methods": row})
    return {"first": first, "methods": list(scenes), "events": rows, "parts": parts}


def _kept(part: Part, parts: dict[str, str]) -> str:
    """Put a part where it is not yet, and return its name."""
    text = json.dumps(part, allow_nan=False, separators=(",", ":")).encode("utf-8")
    name = hashlib.sha256(text).hexdigest()[:12]
    if name not in parts:
        parts[name] = base64.b64encode(zlib.compress(text, 9)).decode("ascii")
    return name


def _asset(name: str) -> str:
    return files("hitforge.report").joinpath("templates", name).read_text(encoding="utf-8")


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="hitforge">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #1c2330; --soft: #5b6575; --line: #dfe3ea; --paper: #fff; }}
:root {{ --accent: #3b4cc0; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6e9ef; --soft: #a3acba; --line: #39414e; --paper: #14181f; --accent: #9fb0ff; }}
}}
body {{ margin: 0; background: var(--paper); font: 16px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
