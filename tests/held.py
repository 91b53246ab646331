"""What a page of events holds, as the browser unpacks it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from typing import Any

from hitforge.report.events import Scene

_INDEX = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)


def index_of(text: str) -> dict[str, Any]:
    """Return the events of a page, with their parts unpacked."""
    (code,) = _INDEX.findall(text)
    index: dict[str, Any] = json.loads(code)
    for name, part in index["parts"].items():
        index["parts"][name] = json.loads(zlib.decompress(base64.b64decode(part)))
    return index


def all_of(scene: Scene) -> dict[str, Any]:
    """Return the parts of an event as one, as the browser puts them together."""
    result: dict[str, Any] = {"lines": [], "colours": [], "outline": []}
    for part in scene.parts:
        for key, value in part.items():
            result[key] = result[key] + value if isinstance(result.get(key), list) else value
    return result


def loads_nothing(text: str) -> bool:
    """Whether nothing in a page is fetched from elsewhere."""
    return not re.search(
        r"""<(script|link|img|iframe)[^>]*\b(src|href)\s*=\s*"(?!data:|#)|url\(|@import|fetch\(|import\(""", text
    )
