"""What is to be found, for tests that need no recipe."""

from __future__ import annotations

from typing import Any

from hitforge.objects import KINDS, Kind


def target(name: str, detector: Any = None, **settings: Any) -> Kind:
    """Build a kind of object with some settings of its target."""
    return KINDS.build({"name": name, **settings}, detector, where="test")


def tracks(settings: dict[str, Any]) -> Kind:
    """Take what the target says out of some settings; what they do not say is wide."""
    fields = KINDS.get("track").Config.model_fields
    wide = {"min_pt": 0.9, "max_eta": 4.0, "min_hits": 4}
    return target("track", **{**wide, **{name: settings.pop(name) for name in list(settings) if name in fields}})
