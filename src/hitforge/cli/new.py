"""hitforge new: a package with a plug-in to begin from."""

from __future__ import annotations

import keyword
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from hitforge.cli._console import escape, out
from hitforge.core.errors import ConfigError, did_you_mean

_SKELETONS = Path(__file__).parent / "skeletons"
_SECTION = """
[project.entry-points."hitforge.report.sections"]
my_plugin = "my_plugin.section:MyPluginSection"
"""


def new(
    room: Annotated[str, typer.Argument(help="Where it belongs, such as 'models'; 'hitforge list' shows all rooms.")],
    name: Annotated[str, typer.Argument(help="What recipes call it, such as 'my_network'.")],
    to: Annotated[Path | None, typer.Option("--out", help="New folder of the package; NAME if absent.")] = None,
) -> None:
    """Write a small package with a plug-in that works, and its test, to begin from.

    Example: `hitforge new models my_network`
    """
    files = skeleton(room, name)
    folder = to or Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(
            "the folder of a new package must be empty", came="files", where=folder, do="choose another --out"
        )
    for place, text in files.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(text, encoding="utf-8")
        out.print(escape(str(folder / place)))
    place = escape(shlex.quote(str(folder)))
    out.print(f"next: pip install -e {place} && pytest {place}")


def rooms() -> list[str]:
    """Return the rooms that a skeleton exists for."""
    others = ("pyproject", "test", "metrics_section")
    names = (path.stem for path in _SKELETONS.glob("*.txt"))
    return sorted(name for name in names if name not in others and not name.startswith("test_"))


def skeleton(room: str, name: str) -> dict[str, str]:
    """Return the files of a new package, place -> text.

    Args:
        room: Such as ``models``.
        name: Of the plug-in, its module and its package.

    Raises:
        ConfigError: There is no skeleton for the room, or the name cannot be used.
    """
    from importlib.util import find_spec

    from hitforge.recipe.catalogue import REGISTRIES

    if room not in rooms():
        raise ConfigError(f"no skeleton for the room '{room}': {did_you_mean(room, rooms())}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        must = "a name must be made of small letters, digits and underscores, as a file of Python's"
        raise ConfigError(must, came=name)
    if name == "section" and room == "metrics":
        raise ConfigError("the file 'section' draws the metric: choose another name")
    if name in REGISTRIES[room].names():
        raise ConfigError(f"the room {room} has a plug-in '{name}': choose another name")
    spec = find_spec(name)
    if spec is not None and spec.origin is not None:  # a folder without __init__.py is no module that anyone wrote
        raise ConfigError(f"there is a module '{name}' that the new package would hide: choose another name")
    parts = {
        "pyproject.toml": _text("pyproject") + (_SECTION if room == "metrics" else ""),
        f"src/{name}/__init__.py": '"""my_plugin, a plug-in of hitforge."""\n',
        f"src/{name}/{name}.py": _text(room),
        **({f"src/{name}/section.py": _text("metrics_section")} if room == "metrics" else {}),
        f"tests/test_{name}.py": _text(f"test_{room}" if (_SKELETONS / f"test_{room}.txt").exists() else "test"),
    }
    cls = "".join(part.capitalize() for part in name.split("_"))
    return {
        place: text.replace("my_plugin", name).replace("MyPlugin", cls).replace("MY_ROOM", room)
        for place, text in parts.items()
    }


def _text(name: str) -> str:
    return (_SKELETONS / f"{name}.txt").read_text(encoding="utf-8")
