"""Settings that are changed by their dotted key, such as ``training.lr``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hitforge.core.config import parse_yaml
from hitforge.core.errors import ConfigError
from hitforge.recipe.blocks import Block


def apply(raw: Block, overrides: Sequence[str]) -> None:
    """Change settings as the strings ``key=value`` say; the value is read as YAML.

    Raises:
        ConfigError: A string is something else, or its key leads nowhere.
    """
    for text in overrides:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError("an override must be KEY=VALUE", came=text, do="write for instance training.epochs=5")
        override(raw, key.strip(), parse_yaml(value, f"--set {key}"))


def override(raw: Block, key: str, value: Any) -> None:
    """Set ``raw[a][b]`` for the dotted key ``a.b``; parts that are numbers index lists."""
    node: Any = raw
    *path, last = key.split(".")
    for part in path:
        if isinstance(node, list):
            at: Any = _index(part, node, key)
        elif isinstance(node, dict):
            at = part
            node.setdefault(part, {})
        else:
            raise ConfigError(
                "an override must lead to a setting", came=f"'{part}' lies below a plain value", where=key
            )
        if node[at] is None:
            node[at] = {}
        elif isinstance(node[at], str):  # a plug-in that is given by its bare name
            node[at] = {"name": node[at]}
        node = node[at]
    if isinstance(node, list):
        node[_index(last, node, key)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise ConfigError("an override must lead to a setting", came=f"'{last}' lies below a plain value", where=key)


def _index(part: str, node: list[Any], key: str) -> int:
    if not part.isdigit() or int(part) >= len(node):
        raise ConfigError(f"an index below {len(node)} must stand here", came=part, where=f"--set {key}")
    return int(part)
