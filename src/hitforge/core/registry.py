"""Plug-ins found by file name: listed without importing, imported on use, open to other packages' entry points."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, did_you_mean


class Plugin:
    """Base of everything that a recipe names. A subclass nests its own frozen ``Config``."""

    Config: ClassVar[type[Config]] = Config

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def name(self) -> str:
        """Name in recipes: the file's name."""
        return type(self).__module__.rpartition(".")[2]


P = TypeVar("P", bound=Plugin)


class Registry(Generic[P]):
    """The plug-ins of one room.

    Args:
        room: Package name below ``hitforge``, such as ``detectors`` or ``representations.graphs``; outside packages
            add theirs through entry points of the group ``hitforge.<room>`` (name = recipe name, value =
            ``module:Class``).
        base: The class that every plug-in of the room derives from.
    """

    def __init__(self, room: str, base: type[P]) -> None:
        self.room, self.base = room, base

    @cached_property
    def _files(self) -> dict[str, Path]:
        folder = Path(__file__).parent.parent.joinpath(*self.room.split("."))
        return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=f"hitforge.{self.room}")}

    def names(self) -> list[str]:
        """Names of all plug-ins, sorted, found without importing one."""
        return sorted({*self._files, *self._entries})

    def get(self, name: str, where: str | None = None) -> type[P]:
        """Import and return a plug-in's class.

        Raises:
            ConfigError: No plug-in has this name; the error gives the nearest one and all there are.
        """
        if name not in self.names():
            raise ConfigError(f"no plug-in '{name}' in {self.room}: {did_you_mean(name, self.names())}", where=where)
        if name in self._files:
            module = importlib.import_module(f"hitforge.{self.room}.{name}")
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
            return found[0]
        loaded = self._entries[name].load()
        if not (inspect.isclass(loaded) and issubclass(loaded, self.base)):
            raise ConfigError(f"entry point '{name}' must be a {self.base.__name__}", came=loaded, where=where)
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
