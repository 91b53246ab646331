"""Every block of code on the page of plug-ins works in another package, and is what `hitforge new` writes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hitforge.cli.new import rooms, skeleton
from tests.cli.test_new import install

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "extend.md"
PLUGINS = {
    "A model": ("models", "my_network"),
    "A source": ("simulation", "my_source"),
    "A reader": ("readers", "my_format"),
    "A detector": ("detectors", "my_detector"),
    "A representation": ("representations", "my_image"),
    "A graph builder": ("representations.points.graphs", "my_graph"),
    "An edge builder": ("representations.graph.edges", "my_edges"),
    "A track builder": ("tasks.track_building", "my_builder"),
    "A kind of object": ("objects", "my_kind"),
    "A task": ("tasks", "my_task"),
    "A classical algorithm": ("baselines", "my_baseline"),
    "A metric": ("metrics", "my_metric"),
    "A section of the report": ("report.sections", "my_metric"),
}
"""Title of a section of the page -> room and name of the plug-in in it."""
CALLS = {
    "readers": "conforms('readers', 'my_format', {'path': path, 'test': 1.0}, detector='point_cloud')",
    "simulation": "conforms('simulation', 'my_source', {'train': 30, 'validation': 0, 'test': 5, 'shard_size': 20})",
    "representations.graph.edges": "conforms('representations.graph.edges', 'my_edges'); edges()",
    "tasks.track_building": "conforms('tasks.track_building', 'my_builder'); chains()",
}
HEAD = """
import sys
import numpy as np
from hitforge.testing import conforms

path = "hits.npz"
event = np.repeat(np.arange(10), 5)
np.savez(path, hits=np.column_stack([event, *np.random.default_rng(1).random((4, 50))]))


def edges():
    from hitforge.representations.graph.edges import EDGES
    from tests.toy_tracker import ToyTracker, helices, hits_of

    builder = EDGES.build({"name": "my_edges", "angle": 0.2}, ToyTracker(), where="test")
    source, destination = builder.build(hits_of(helices([20]))[0])
    assert len(source) == len(destination) > 50
    assert (source != destination).all()


def chains():
    from hitforge.tasks.track_building import BUILDERS

    source, destination = np.array([0, 1, 2, 0], np.int32), np.array([1, 2, 3, 3], np.int32)
    score, layer, place = np.array([0.9, 0.8, 0.9, 0.6]), np.arange(4), np.zeros((4, 3))
    builder = BUILDERS.build("my_builder", where="test")
    member, hit, count = builder.build(source, destination, score, layer, 4, place, 3)
    assert (member.tolist(), sorted(hit.tolist()), count) == ([0, 0, 0, 0], [0, 1, 2, 3], 1)

"""


def blocks() -> list[tuple[str, str]]:
    """Title of the section and text of each block of Python on the page."""
    found, title = [], ""
    for part in re.split(r"^(## [^\n]*\n|```python\n.*?^```$)", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL):
        if part.startswith("## "):
            title = part[3:].strip()
        elif part.startswith("```python"):
            found.append((title, part.removeprefix("```python\n").removesuffix("```")))
    return found


def whole() -> dict[str, str]:
    """Those that are a file: title -> code."""
    return {title: code for title, code in blocks() if "\nclass " in code}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a process says that tries the plug-ins of the page, all in one package."""
    folder = tmp_path_factory.mktemp("extend")
    package = folder / "outside" / "src" / "my_package"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    entries, script = "", HEAD
    for title, code in whole().items():
        room, name = PLUGINS[title]
        module = "section" if room == "report.sections" else name
        (package / f"{module}.py").write_text(code)
        cls = re.search(r"^class (\w+)\(", code, re.MULTILINE)
        assert cls
        entries += f'[project.entry-points."hitforge.{room}"]\n{name} = "my_package.{module}:{cls[1]}"\n'
        script += f"{CALLS.get(room, f'conforms({room!r}, {name!r})')}\nprint('works:', {title!r})\n"
    for number, (_, code) in enumerate(block for block in blocks() if "\nclass " not in block[1]):
        script += code + f"\nprint('works:', {number})\n"
    (folder / "outside" / "pyproject.toml").write_text(f'[project]\nname = "my_package"\nversion = "1.0"\n{entries}')
    install(folder / "outside", folder / "site")
    path = os.pathsep.join([*filter(None, sys.path), str(ROOT), str(folder / "site")])
    command, environment = [sys.executable, "-W", "error", "-c", script], {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_every_section_with_a_file_is_known() -> None:
    assert set(whole()) == set(PLUGINS)


@pytest.mark.parametrize("title", PLUGINS)
def test_the_plugin_of_a_section_works_in_another_package(said: str, title: str) -> None:
    assert f"works: {title}\n" in said, said[-4000:]


def test_further_blocks_work(said: str) -> None:
    others = len(blocks()) - len(whole())
    assert others >= 2
    for number in range(others):
        assert f"works: {number}\n" in said, said[-4000:]


@pytest.mark.parametrize("room", [*rooms(), "report.sections"])
def test_the_page_shows_what_hitforge_new_writes(room: str) -> None:
    title, name = next((title, name) for title, (where, name) in PLUGINS.items() if where == room)
    files = skeleton("metrics" if room == "report.sections" else room, name)
    file = "section" if room == "report.sections" else name
    assert whole()[title] == files[f"src/{name}/{file}.py"]
