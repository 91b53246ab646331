from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from hitforge.core import config, registry
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry


class Tool(Plugin):
    class Config(config.Config):
        size: int = 1

    def __init__(self, config: Any, extra: int = 0) -> None:
        super().__init__(config)
        self.extra = extra


class Hammer(Tool):
    pass


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[Tool]:
    """A room with three files, put beside the real ones through the package's search path."""
    room = tmp_path / "hitforge" / "tools"
    (room / "parts").mkdir(parents=True)
    (room / "__init__.py").write_text("")
    base = "from test_tools_base import Tool\n\n\n"
    (room / "saw.py").write_text(base + "class Saw(Tool):\n    pass\n\n\nclass _Blade(Tool):\n    pass\n")
    (room / "twins.py").write_text(base + "class One(Tool):\n    pass\n\n\nclass Two(Tool):\n    pass\n")
    (room / "broken.py").write_text("raise RuntimeError('imported')\n")
    (room / "_helper.py").write_text("")
    (room / "parts" / "tooth.py").write_text("")
    import hitforge

    monkeypatch.setattr(hitforge, "__path__", [*hitforge.__path__, str(tmp_path / "hitforge")])
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "hitforge" / "core" / "registry.py"))
    monkeypatch.setitem(sys.modules, "test_tools_base", sys.modules[__name__])
    entries = [
        EntryPoint("hammer", "test_tools_base:Hammer", "hitforge.tools"),
        EntryPoint("number", "test_tools_base:SOME_NUMBER", "hitforge.tools"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "hitforge.tools" else [])
    importlib.invalidate_caches()
    yield Registry("tools", Tool)
    for name in [name for name in sys.modules if name.startswith("hitforge.tools")]:
        del sys.modules[name]


SOME_NUMBER = 3


def test_names_are_files_and_entry_points_found_without_import(tools: Registry[Tool]) -> None:
    assert tools.names() == ["broken", "hammer", "number", "saw", "twins"]
    assert not [name for name in sys.modules if name.startswith("hitforge.tools.")]


def test_a_file_gives_its_one_public_class(tools: Registry[Tool]) -> None:
    assert tools.get("saw").__name__ == "Saw"
    assert tools.build("saw", where="x").name == "saw"
    with pytest.raises(ConfigError, match="one public Tool, found 2"):
        tools.get("twins")


def test_entry_points_of_other_packages(tools: Registry[Tool]) -> None:
    assert tools.get("hammer") is Hammer
    with pytest.raises(ConfigError, match="entry point 'number' must be a Tool; got: 3"):
        tools.get("number")


def test_blocks_are_configured_and_built(tools: Registry[Tool]) -> None:
    built = tools.build({"name": "saw", "size": 4}, 7, where="x")
    assert (built.config.size, built.extra) == (4, 7)
    assert tools.configure("saw", "x")[1].size == 1


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("sew", "no plug-in 'sew' in tools: did you mean 'saw'"),
        ({"size": 3}, "must have a 'name' out of"),
        ({"name": 3}, "must have a 'name'.*got: 3"),
        ({"name": "saw", "sizee": 3}, "unknown key 'sizee': did you mean 'size'"),
        ({"name": "saw", "size": "big"}, "'size'"),
    ],
)
def test_wrong_blocks_are_refused(tools: Registry[Tool], block: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        tools.build(block, where="recipe.yaml: tool")
    assert "recipe.yaml: tool" in str(caught.value)


def test_building_does_not_change_the_block(tools: Registry[Tool]) -> None:
    block = {"name": "saw", "size": 2}
    tools.build(block, where="x")
    assert block == {"name": "saw", "size": 2}
