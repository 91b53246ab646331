"""Plug-ins found by file name: listed without importing, imported on use, open to other packages' entry points."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Collection, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError, did_you_mean
from hitforge.core.packages import offered, offered_names, package_label


class Plugin:
    """Base of everything that a recipe names. A subclass nests its own frozen ``Config``."""

    Config: ClassVar[type[Config]] = Config
    registered: ClassVar[str | None] = None  # set by the registry that gave the class

    def __init__(self, config: Any) -> None:
        self.config = config

    @property
    def name(self) -> str:
        """Name in recipes."""
        return name_of(type(self))

    @property
    def block(self) -> dict[str, Any]:
        """Name and all settings, as a block of a recipe."""
        return {"name": self.name, **self.config.model_dump(mode="json")}


def name_of(cls: type[Plugin]) -> str:
    """Return the name of a plug-in in recipes: what the registry calls the class.

    Where no registry was asked, it is the one name that entry points give the class, then the name of its file, and
    that of the class itself where the file holds several plug-ins.
    """
    registered = vars(cls).get("registered")  # a subclass does not inherit its base's name
    if registered:
        return str(registered)
    ours = cls.__module__.startswith("hitforge.")
    names = [] if ours else offered_names(cls)
    if len(names) == 1:
        return names[0]
    beside = vars(sys.modules.get(cls.__module__, object)).values()
    several = sum(_is_plugin(one, Plugin, cls.__module__) and not inspect.isabstract(one) for one in beside) > 1
    if not ours and (several or cls.__module__ == "__main__"):
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
    return _file_name(cls.__module__)


def _is_plugin(value: Any, base: type[Plugin], module: str) -> bool:
    """Whether a value of a module is a public plug-in that this module defines."""
    return (
        inspect.isclass(value)
        and issubclass(value, base)
        and value.__module__ == module
        and not value.__name__.startswith("_")
    )


def _file_name(module: str) -> str:
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
    def _entries(self) -> dict[str, list[EntryPoint]]:
        """What other packages offer, by name; a name that is offered twice is refused when it is asked for."""
        found: dict[str, list[EntryPoint]] = {}
        for entry in offered(f"hitforge.{self.room}"):
            found.setdefault(entry.name, []).append(entry)
        return found

    def names(self) -> list[str]:
        """Names of all plug-ins, sorted, found without importing one."""
        return sorted({*self._files, *self._entries})

    def file(self, name: str) -> Path | None:
        """File of a plug-in of ours, found without importing it; None for one of another package."""
        return self._files.get(name)

    def outside(self, name: str) -> str | None:
        """Name and version of the other packages that offer a plug-in of this name; None where none does."""
        return " and ".join(package_label(entry) for entry in self._entries.get(name, ())) or None

    def trouble(self, name: str) -> ConfigError | None:
        """Why a name that other packages offer cannot be used; None if it can. No file of ours is imported."""
        if name not in self._entries:
            return None
        try:
            self.get(name)
        except ConfigError as error:
            return error
        return None

    def usable(self) -> list[str]:
        """Names without those of broken plug-ins of other packages, which ``hitforge list`` tells."""
        return [name for name in self.names() if self.trouble(name) is None]

    def get(self, name: str, where: str | None = None) -> type[P]:
        """Import and return a plug-in's class.

        Raises:
            ConfigError: No plug-in has this name; the error gives the nearest one and all there are. Or several have:
                a file of ours and other packages' entry points. Or what another package offers cannot be imported, or
                is no plug-in of this room.
        """
        if name not in self.names():
            raise ConfigError(f"no plug-in '{name}' in {self.room}: {did_you_mean(name, self.names())}", where=where)
        entries = self._entries.get(name, [])
        places = [f"{entry.value} of {package_label(entry)}" for entry in entries]
        if len(entries) + (name in self._files) > 1:
            both = " and ".join(["ours", *places] if name in self._files else places)
            do = "rename one in its package, or uninstall that package"
            raise ConfigError(f"two plug-ins of {self.room} are called '{name}': {both}", where=where, do=do)
        loaded = self._load(name, entries[0], places[0], where) if entries else self._import(self._files[name])
        loaded.registered = name
        return loaded

    def _import(self, file: Path) -> type[P]:
        """The one public class of a file of ours."""
        inner = file.relative_to(self._folder).with_suffix("")
        module = importlib.import_module(".".join(("hitforge", self.room, *inner.parts)))
        found: list[type[P]] = [
            value for value in vars(module).values() if _is_plugin(value, self.base, module.__name__)
        ]
        if len(found) != 1:
            raise ConfigError(f"{module.__name__} must define one public {self.base.__name__}, found {len(found)}")
        return found[0]

    def _load(self, name: str, entry: EntryPoint, place: str, where: str | None) -> type[P]:
        """The class that an entry point of another package names."""
        what = f"the entry point '{name}' of hitforge.{self.room}, {place},"
        try:
            loaded = entry.load()
        except Exception as error:  # whatever a stranger's module does when it is imported
            came = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise ConfigError(f"{what} must be importable", came=came, where=where) from error
        if not (inspect.isclass(loaded) and issubclass(loaded, self.base)):
            raise ConfigError(f"{what} must be a {self.base.__name__}", came=loaded, where=where)
        if loaded.__module__.startswith("hitforge."):
            raise ConfigError(f"{what} must be a class of its own package", came=loaded.__module__, where=where)
        names = offered_names(loaded)
        if len(names) > 1:
            do = "derive a class for each name"
            raise ConfigError(f"{what} must give its class one name", came=" and ".join(names), where=where, do=do)
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
