"""Packages outside hitforge: which distribution a plug-in belongs to, and the code that it is made of."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from importlib.metadata import Distribution, EntryPoint, entry_points, packages_distributions
from importlib.metadata import distribution as find_distribution
from importlib.util import find_spec
from pathlib import Path

from hitforge.core.errors import ConfigError

GROUP = "hitforge."
"""What the groups of our entry points begin with; a room's name follows."""
UNKNOWN = "unknown"
"""Version of code that belongs to no installed package."""


def offered(group: str = "") -> list[EntryPoint]:
    """Return the entry points of a group, or of all our groups; none stands twice.

    A package that is found twice on the import path is offered once.
    """
    return [entry for entry in _all_offered() if group in ("", entry.group)]


def package_label(entry: EntryPoint) -> str:
    """Return name and version of the package that an entry point comes from."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "a package without a name"


def offered_names(cls: type) -> list[str]:
    """Return the names that entry points give a class, sorted; nothing is imported."""
    return sorted({entry.name for entry in _all_offered() if _names(entry, cls)})


def packages(classes: Iterable[type]) -> dict[str, str]:
    """Return name -> version of the packages outside hitforge that classes and their bases come from.

    Code of no installed package is called by its module's name, and its version is ``unknown``.
    """
    found = {}
    for cls in classes:
        for base in _own(cls):
            dist = _distribution(_top(base))
            found[_top(base) if dist is None else dist.name] = UNKNOWN if dist is None else dist.version
    return dict(sorted(found.items()))


def hash_outside(classes: Iterable[type]) -> bytes:
    """Return a hash of the code of classes and their bases outside hitforge; empty where all are ours.

    Counted are the modules that the package of each can import from its own folders and its version. Of a base that is
    no plug-in, such as one of a large library, its module and that library's version are. Files that code reads, such
    as tables, are not: a source says them in ``inputs``.

    Raises:
        ConfigError: The code of a class lies in no file, as that of a notebook's cell.
    """
    own = {_top(base): base for cls in classes for base in _own(cls)}
    others = {base.__module__ for cls in classes for base in cls.__mro__ if _is_outside(base) and _top(base) not in own}
    digest, some = hashlib.sha256(), bool(own or others)
    for top, cls in sorted(own.items()):
        dist = _distribution(top)
        digest.update(repr((top, None if dist is None else (dist.name, dist.version))).encode())
        for name in sorted({top, *(() if dist is None else _modules_of(dist))}):
            for place, path in _files(name, cls if name == top else None):
                digest.update(place.encode() + path.read_bytes())
    for module in sorted(others):
        dist = _distribution(module.partition(".")[0])
        file = getattr(sys.modules.get(module), "__file__", None)
        digest.update(repr((module, None if dist is None else (dist.name, dist.version))).encode())
        digest.update(Path(file).read_bytes() if file else b"")
    return digest.digest() if some else b""


def _top(cls: type) -> str:
    return cls.__module__.partition(".")[0]


def _is_outside(cls: type) -> bool:
    return _top(cls) != "hitforge" and (_top(cls) == "__main__" or _top(cls) not in sys.stdlib_module_names)


def _own(cls: type) -> Iterator[type]:
    """A plug-in's class and those of its bases that are plug-ins too, if they are not ours."""
    return (base for base in cls.__mro__ if hasattr(base, "registered") and _is_outside(base))


def _names(entry: EntryPoint, cls: type) -> bool:
    """Whether an entry point names a class, in its own module or in one that passes it on."""
    module, _, name = entry.value.replace(" ", "").partition(":")
    return (module, name) == (cls.__module__, cls.__qualname__) or getattr(sys.modules.get(module), name, None) is cls


@cache
def _all_offered() -> list[EntryPoint]:
    """All, read once: that takes as long as hundreds of packages are installed."""
    every = entry_points()
    groups = sorted(group for group in every.groups if group.startswith(GROUP))
    found = [entry for group in groups for entry in every.select(group=group)]
    return list({(entry.group, entry.name, entry.value, package_label(entry)): entry for entry in found}.values())


@cache
def _distribution(top: str) -> Distribution | None:
    """The installed package that a top-level module belongs to."""
    for entry in _all_offered():
        if entry.dist is not None and re.split(r"[.:\s]", entry.value)[0] == top:
            return entry.dist
    names = packages_distributions().get(top)
    return find_distribution(names[0]) if names else None


def _modules_of(dist: Distribution) -> set[str]:
    """Top-level modules of an installed package."""
    said = (dist.read_text("top_level.txt") or "").split()
    files = [path.parts[0] for path in dist.files or () if path.suffix in SOURCE_SUFFIXES]
    return {name for name in (*said, *(file.partition(".")[0] for file in files)) if name.isidentifier()}


def _files(top: str, cls: type | None) -> Iterator[tuple[str, Path]]:
    """Importable files of a top-level module, each with its place in it, sorted."""
    module = sys.modules.get(top)
    spec = getattr(module, "__spec__", None) if module is not None else find_spec(top)
    folders = list(getattr(spec, "submodule_search_locations", None) or ())
    origin = getattr(module, "__file__", None) or getattr(spec, "origin", None)
    if folders:
        endings = (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES)
        for folder in map(Path, folders):
            found = (path for path in folder.rglob("*") if path.name.endswith(endings) and path.is_file())
            for path in sorted(found):
                yield path.relative_to(folder).as_posix(), path
    elif origin and Path(origin).is_file():
        yield Path(origin).name, Path(origin)
    elif cls is not None:
        raise ConfigError(
            "the code of a plug-in must lie in a file, so that a change of it is seen",
            came=f"{cls.__module__}.{cls.__qualname__}",
            do="put it into a module or package",
        )
