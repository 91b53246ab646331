"""Plug-ins found by file name: listed without importing, imported on use, open to other packages' entry points."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, did_you_mean


class Plugin:
    """Base of everything that a recipe names. A subclass nests its own frozen ``Config``."""

    Config: ClassVar[type[Config]] = Config
    registered: ClassVar[str | None] = None  # set by the registry that gave the class

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def name(self) -> str:
        """Name in recipes: what the registry calls the class; the file's name where no registry was asked."""
        own = type(self)
        registered = vars(own).get("registered")  # a subclass does not inherit its base's name
        return str(registered) if registered else _name_of(own.__module__)


def _name_of(module: str) -> str:
    """Last part of a module's dotted path; of ``objects.track.kind`` the folder."""
    folder, _, stem = module.rpartition(".")
    return folder.rpartition(".")[2] if stem == "kind" and folder else stem


P = TypeVar("P", bound=Plugin)


class Registry(Generic[P]):
    """The plug-ins of one room: the files of its folder and of the folders directly in it.

    A name is a file's name, wherever in the room the file stands, and each name stands once: the folders sort, they
    are no part of the name. Files and folders whose names begin with ``_`` are helpers.

    Args:
        room: Package name below ``hitforge``, such as ``detectors`` or ``tasks.track_fitting``; outside packages
            add theirs through entry points of the group ``hitforge.<room>`` (name = recipe name, value =
            ``module:Class``).
        base: The class that every plug-in of the room derives from.
        skip: Folders and files of the room that hold helpers, or plug-ins of a registry of their own.
        module: Where given, a plug-in is a folder with a file of this name (``kind``: ``track/kind.py`` is called
            ``track``), and no other file is one.
    """

    def __init__(self, room: str, base: type[P], skip: Collection[str] = (), module: str | None = None) -> None:
        self.room, self.base, self.skip, self.module = room, base, skip, module

    @property
    def _folder(self) -> Path:
        return Path(__file__).parent.parent.joinpath(*self.room.split("."))

    @cached_property
    def _files(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        inside = [path for path in self._folder.glob("*/*.py") if path.parent.name not in self.skip]
        for path in sorted([*self._folder.glob("*.py"), *inside] if self.module is None else inside):
            if path.stem in self.skip or any(part.startswith("_") for part in path.relative_to(self._folder).parts):
                continue
            if self.module is None:
                name = path.stem
            elif path.stem == self.module:
                name = path.parent.name
            else:
                continue
            if name in files:
                raise ConfigError(f"two plug-ins of {self.room} are called '{name}': {files[name]} and {path}")
            files[name] = path
        return files

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=f"hitforge.{self.room}")}

    def names(self) -> list[str]:
        """Names of all plug-ins, sorted, found without importing one."""
        return sorted({*self._files, *self._entries})

    def file(self, name: str) -> Path | None:
        """File of a plug-in of ours, found without importing it; None for one of another package."""
        return self._files.get(name)

    def get(self, name: str, where: str | None = None) -> type[P]:
        """Import and return a plug-in's class.

        Raises:
            ConfigError: No plug-in has this name; the error gives the nearest one and all there are. Or a file of
                ours and another package's entry point have the same name.
        """
        if name not in self.names():
            raise ConfigError(f"no plug-in '{name}' in {self.room}: {did_you_mean(name, self.names())}", where=where)
        if name in self._files and name in self._entries:
            outside = self._entries[name].value
            raise ConfigError(f"two plug-ins of {self.room} are called '{name}': ours and {outside}", where=where)
        if name in self._files:
            inner = self._files[name].relative_to(self._folder).with_suffix("")
            module = importlib.import_module(".".join(("hitforge", self.room, *inner.parts)))
            found = [
                value
                for value in vars(module).values()
                if inspect.isclass(value)
                and issubclass(value, self.base)
                and value.__module__ == module.__name__
                and not value.__name__.startswith("_")
            ]
            if len(found) != 1:
                raise ConfigError(f"{module.__name__} must define one public {self.base.__name__}, found {len(found)}")
            loaded = found[0]
        else:
            loaded = self._entries[name].load()
            if not (inspect.isclass(loaded) and issubclass(loaded, self.base)):
                raise ConfigError(f"entry point '{name}' must be a {self.base.__name__}", came=loaded, where=where)
        loaded.registered = name
        return loaded

    def configure(self, block: Mapping[str, Any] | str, where: str) -> tuple[type[P], Any]:
        """Read a recipe block ``{name: ..., field: ...}`` (or a bare name).

        Returns:
            The plug-in's class and its validated configuration.

        Raises:
            ConfigError: The block has no name, the name is unknown, or a field is wrong.
        """
        values = {"name": block} if isinstance(block, str) else dict(block)
        name = values.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(f"the block must have a 'name' out of {', '.join(self.names())}", came=name, where=where)
        cls = self.get(name, where)
        return cls, cls.Config.read(values, where=where)

    def build(self, block: Mapping[str, Any] | str, *arguments: Any, where: str) -> P:
        """Build a plug-in from a recipe block; further arguments go to its constructor behind the configuration."""
        cls, config = self.configure(block, where)
        return cls(config, *arguments)
