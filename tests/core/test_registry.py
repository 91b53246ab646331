from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from hitforge.core import config, registry
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry, _name_of
from hitforge.recipe.catalogue import summary


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
    for folder in ("sharp", "parts", "_spare"):
        (room / folder).mkdir(parents=True)
        (room / folder / "__init__.py").write_text("")
    (room / "__init__.py").write_text("")
    base = "from test_tools_base import Tool\n\n\n"
    (room / "saw.py").write_text(base + "class Saw(Tool):\n    pass\n\n\nclass _Blade(Tool):\n    pass\n")
    (room / "twins.py").write_text(base + "class One(Tool):\n    pass\n\n\nclass Two(Tool):\n    pass\n")
    (room / "broken.py").write_text("raise RuntimeError('imported')\n")
    (room / "_helper.py").write_text("")
    (room / "parts" / "tooth.py").write_text("")
    (room / "sharp" / "box.py").write_text("")
    (room / "_spare" / "tooth.py").write_text("")
    (room / "sharp" / "knife.py").write_text('"""It cuts."""\n' + base + "class Knife(Tool):\n    pass\n")
    (room / "sharp" / "kind.py").write_text(base + "class Sharp(Tool):\n    pass\n")
    (room / "sharp" / "_edge.py").write_text("")
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
    yield Registry("tools", Tool, skip=("parts", "box"))
    for name in [name for name in sys.modules if name.startswith("hitforge.tools")]:
        del sys.modules[name]


SOME_NUMBER = 3


def test_names_are_files_and_entry_points_found_without_import(tools: Registry[Tool]) -> None:
    assert tools.names() == ["broken", "hammer", "kind", "knife", "number", "saw", "twins"]
    assert not [name for name in sys.modules if name.startswith("hitforge.tools.")]


def test_a_file_gives_its_one_public_class(tools: Registry[Tool]) -> None:
    assert tools.get("saw").__name__ == "Saw"
    assert tools.build("saw", where="x").name == "saw"
    with pytest.raises(ConfigError, match="one public Tool, found 2"):
        tools.get("twins")


def test_a_folder_sorts_and_is_no_part_of_the_name(tools: Registry[Tool]) -> None:
    assert tools.get("knife").__module__ == "hitforge.tools.sharp.knife"
    assert tools.build("knife", where="x").name == "knife"
    file = tools.file("knife")
    assert file is not None
    assert file.parts[-2:] == ("sharp", "knife.py")
    assert tools.file("hammer") is None
    assert summary(tools, "knife") == "It cuts."


def test_a_kind_is_a_folder_with_a_file_of_that_name(tools: Registry[Tool]) -> None:
    kinds = Registry("tools", Tool, skip=("parts", "box"), module="kind")
    assert kinds.names() == ["hammer", "number", "sharp"]
    kind = kinds.build("sharp", where="x")
    assert (type(kind).__module__, kind.name) == ("hitforge.tools.sharp.kind", "sharp")
    assert _name_of("hitforge.objects.track.kind") == "track"
    assert _name_of("kind") == "kind"


def test_two_files_of_one_name_are_refused(tools: Registry[Tool]) -> None:
    (tools._folder / "sharp" / "tooth.py").write_text("")
    both = Registry("tools", Tool)
    with pytest.raises(ConfigError, match=r"two plug-ins of tools are called 'tooth'.*tooth\.py and .*tooth\.py"):
        both.names()


def test_an_entry_point_does_not_hide_behind_a_file(tools: Registry[Tool]) -> None:
    tools._entries["saw"] = EntryPoint("saw", "elsewhere:Saw", "hitforge.tools")
    with pytest.raises(ConfigError, match="two plug-ins of tools are called 'saw': ours and elsewhere:Saw"):
        tools.get("saw")


def test_names_of_classes_that_no_registry_gave(tools: Registry[Tool]) -> None:
    class Mallet(Hammer):
        pass

    assert tools.build("hammer", where="x").name == "hammer"
    assert Mallet(Mallet.Config()).name == __name__.rpartition(".")[2]


def test_entry_points_of_other_packages(tools: Registry[Tool]) -> None:
    assert tools.get("hammer") is Hammer
    assert tools.build("hammer", where="x").name == "hammer"
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
