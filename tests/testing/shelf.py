"""A registry of one class, for plug-ins that are broken on purpose."""

from __future__ import annotations

from typing import Any


class Shelf:
    """Stands for the registry of a room."""

    def __init__(self, cls: type[Any]) -> None:
        self.cls = cls

    def get(self, name: str, where: str | None = None) -> type[Any]:
        """Return the class, whatever the name."""
        return self.cls

    def build(self, block: dict[str, Any], *arguments: Any, where: str) -> Any:
        """Build it from a block."""
        values = {key: value for key, value in block.items() if key != "name"}
        return self.cls(self.cls.Config.read(values, where=where), *arguments)


BLOCK = {"name": "broken"}
