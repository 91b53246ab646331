"""A package from somewhere else: a folder on the import path with files and entry points, as pip would install it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hitforge.core import packages
from hitforge.core.registry import Registry


def install(
    patch: pytest.MonkeyPatch, site: Path, name: str, code: str, entries: Mapping[str, str], *rooms: Registry
) -> None:
    """Write a module of a name into a folder, offer its classes, and let registries look anew.

    Args:
        patch: Takes everything back.
        site: Empty folder, which comes first on the import path.
        name: Of the module and its package.
        code: Of the module.
        entries: Room -> ``plug-in:Class``.
        rooms: Registries that may have looked for entry points before.
    """
    for registry in rooms:
        registry._entries  # noqa: B018  looks for others' plug-ins while this package is not there
    (site / f"{name}.py").write_text(code)
    folder = site / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    text = ""
    for room, entry in entries.items():
        plugin, _, cls = entry.partition(":")
        text += f"[hitforge.{room}]\n{plugin} = {name}:{cls}\n"
    (folder / "entry_points.txt").write_text(text)
    patch.syspath_prepend(str(site))
    fresh = packages._all_offered.__wrapped__()
    patch.setattr(packages, "_all_offered", lambda: fresh)
    for registry in rooms:
        patch.setitem(vars(registry), "_entries", type(registry)._entries.func(registry))
