from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from hitforge.core import config, packages, registry
from hitforge.core.errors import ConfigError
from hitforge.core.registry import Plugin, Registry, _file_name, name_of
from hitforge.recipe.catalogue import summary


class Tool(Plugin):
    class Config(config.Config):
        size: int = 1

    def __init__(self, config: Any, extra: int = 0) -> None:
        super().__init__(config)
        self.extra = extra


class Hammer(Tool):
    pass


class Wrench(Tool):
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
    (room / "chisel.py").write_text(base + "class Chisel(Tool):\n    pass\n")
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
        EntryPoint("alias", "hitforge.core.registry:Plugin", "hitforge.tools"),
        EntryPoint("absent", "no_such_module:Absent", "hitforge.tools"),
        EntryPoint("saw", "test_tools_base:Plane", "hitforge.tools"),
        EntryPoint("shared", "test_tools_base:Awl", "hitforge.tools"),
        EntryPoint("shared", "test_tools_base:Drill", "hitforge.tools"),
        EntryPoint("wrench", "test_tools_base:Wrench", "hitforge.tools"),
        EntryPoint("spanner", "test_tools_base:Wrench", "hitforge.tools"),
    ]
    monkeypatch.setattr(packages, "entry_points", lambda: EntryPoints(entries))
    packages._all_offered.cache_clear()
    for tool in (Hammer, Wrench):
        tool.registered = None
    importlib.invalidate_caches()
    yield Registry("tools", Tool, skip=("parts", "box"))
    for name in [name for name in sys.modules if name.startswith("hitforge.tools")]:
        del sys.modules[name]
    packages._all_offered.cache_clear()


SOME_NUMBER = 3


def test_names_are_files_and_entry_points_found_without_import(tools: Registry[Tool]) -> None:
    assert tools.names() == [
        *("absent", "alias", "broken", "chisel", "hammer", "kind", "knife", "number"),
        *("saw", "shared", "spanner", "twins", "wrench"),
    ]
    assert not [name for name in sys.modules if name.startswith("hitforge.tools.")]


def test_a_file_gives_its_one_public_class(tools: Registry[Tool]) -> None:
    assert tools.get("chisel").__name__ == "Chisel"
    assert tools.build("chisel", where="x").name == "chisel"
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
    assert kinds.names() == ["absent", "alias", "hammer", "number", "saw", "shared", "sharp", "spanner", "wrench"]
    kind = kinds.build("sharp", where="x")
    assert (type(kind).__module__, kind.name) == ("hitforge.tools.sharp.kind", "sharp")
    assert _file_name("hitforge.objects.track.kind") == "track"
    assert _file_name("kind") == "kind"


def test_two_files_of_one_name_are_refused(tools: Registry[Tool]) -> None:
    (tools._folder / "sharp" / "tooth.py").write_text("")
    both = Registry("tools", Tool)
    with pytest.raises(ConfigError, match=r"two plug-ins of tools are called 'tooth'.*tooth\.py and .*tooth\.py"):
        both.names()


def test_an_entry_point_does_not_hide_behind_a_file(tools: Registry[Tool]) -> None:
    with pytest.raises(ConfigError, match="two plug-ins of tools are called 'saw': ours and test_tools_base:Plane of"):
        tools.get("saw")


def test_two_packages_with_the_same_name_are_refused_and_named(tools: Registry[Tool]) -> None:
    with pytest.raises(ConfigError, match=r"called 'shared': test_tools_base:Awl of .* and test_tools_base:Drill of"):
        tools.get("shared", where="recipe.yaml: tool")


def test_a_broken_entry_point_is_named_and_leaves_the_others(tools: Registry[Tool]) -> None:
    with pytest.raises(ConfigError) as caught:
        tools.get("absent")
    for part in (
        "'absent' of hitforge.tools",
        "no_such_module:Absent",
        "package without a name",
        "ModuleNotFoundError",
    ):
        assert part in str(caught.value)
    assert tools.trouble("hammer") is None
    assert tools.trouble("broken") is None  # ours, and not imported
    broken = {"absent", "alias", "number", "saw", "shared", "spanner", "wrench"}
    assert {name for name in tools.names() if tools.trouble(name)} == broken
    assert set(tools.names()) - set(tools.usable()) == broken


def test_a_class_of_ours_is_offered_by_us_alone(tools: Registry[Tool], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"must be a class of its own package; got: hitforge\.core\.registry"):
        Registry("tools", Plugin).get("alias")
    assert Plugin.registered is None


@pytest.mark.parametrize("name", ["spanner", "wrench"])
def test_one_class_has_one_name(tools: Registry[Tool], name: str) -> None:
    with pytest.raises(ConfigError, match="must give its class one name; got: spanner and wrench"):
        tools.get(name)


def test_names_of_classes_that_no_registry_gave(tools: Registry[Tool]) -> None:
    class HeavyMallet(Hammer):
        pass

    assert Hammer(Hammer.Config()).name == "hammer"  # what an entry point calls it
    assert tools.build("hammer", where="x").name == "hammer"
    assert HeavyMallet(HeavyMallet.Config()).name == "heavy_mallet"  # several in this file
    assert name_of(type("Lonely", (Tool,), {"__module__": "package.lonely_file"})) == "lonely_file"
    assert name_of(type("HTTPTool", (Tool,), {"__module__": "__main__"})) == "http_tool"


def test_entry_points_of_other_packages(tools: Registry[Tool]) -> None:
    assert tools.get("hammer") is Hammer
    assert tools.build("hammer", where="x").name == "hammer"
    assert tools.outside("hammer") == "a package without a name"
    assert tools.outside("chisel") is None
    with pytest.raises(ConfigError, match=r"'number' of hitforge\.tools.* must be a Tool; got: 3"):
        tools.get("number")


def test_blocks_are_configured_and_built(tools: Registry[Tool]) -> None:
    built = tools.build({"name": "chisel", "size": 4}, 7, where="x")
    assert (built.config.size, built.extra) == (4, 7)
    assert tools.configure("chisel", "x")[1].size == 1


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("chisle", "no plug-in 'chisle' in tools: did you mean 'chisel'"),
        ({"size": 3}, "must have a 'name' out of"),
        ({"name": 3}, "must have a 'name'.*got: 3"),
        ({"name": "chisel", "sizee": 3}, "unknown key 'sizee': did you mean 'size'"),
        ({"name": "chisel", "size": "big"}, "'size'"),
    ],
)
def test_wrong_blocks_are_refused(tools: Registry[Tool], block: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        tools.build(block, where="recipe.yaml: tool")
    assert "recipe.yaml: tool" in str(caught.value)


def test_building_does_not_change_the_block(tools: Registry[Tool]) -> None:
    block = {"name": "chisel", "size": 2}
    tools.build(block, where="x")
    assert block == {"name": "chisel", "size": 2}
