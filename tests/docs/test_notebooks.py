"""The notebooks are text without results, name recipes and pages that exist, and are pages; CI executes them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jupytext
import pytest
import yaml

from hitforge.recipe.catalogue import REGISTRIES
from hitforge.recipe.shipped import find_recipe
from tests.docs.pages import REPOSITORY, notebook_cells

DOCS = REPOSITORY / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.py"))
NEEDS_FILES = {"first_answer.py"}
"""Not executed by the build of the documentation, but by their own tests."""


class _Loader(yaml.SafeLoader):
    """Reads ``mkdocs.yml``, in which environment variables stand as lists of name and default."""


_Loader.add_constructor("!ENV", lambda loader, node: loader.construct_sequence(node))
CONFIG: dict[str, Any] = yaml.load((REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"), Loader=_Loader)


def plugin() -> dict[str, Any]:
    """The settings of the plug-in that renders notebooks."""
    (settings,) = [one["mkdocs-jupyter"] for one in CONFIG["plugins"] if "mkdocs-jupyter" in one]
    return settings


def words(path: Path) -> str:
    """The text of a notebook."""
    return "\n\n".join(
        cell.source for cell in jupytext.read(path, fmt="py:percent").cells if cell.cell_type == "markdown"
    )


def pages(block: Any) -> list[str]:
    """The files of a navigation."""
    if isinstance(block, str):
        return [block]
    return [page for part in (block.values() if isinstance(block, dict) else block) for page in pages(part)]


def recipes(text: str) -> set[str]:
    """Names of recipes, in the text or in the code."""
    rooms = {path.parent.name for path in (REPOSITORY / "src" / "hitforge" / "recipes").glob("*/*.yaml")}
    return set(re.findall(rf"(?:\brun\s+|\")((?:{'|'.join(rooms)})/\w+)(?![\w.-])", text))


def broken(path: Path, text: str) -> list[str]:
    """Links that lead nowhere; the page of ``a/b.py`` stands in the folder ``a/b``, and so do its links."""
    found = []
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if re.match(r"https?:", link):
            continue
        target, place = link.partition("#")[0], path.with_suffix("")
        pages = [(place / target).resolve().with_suffix(ending) for ending in (".md", ".py")]
        own = target == path.name  # the plug-in puts the file beside the page
        if not own and not (target.endswith("/") and any(page.is_file() for page in pages)):
            found.append(link)
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_text_that_compiles_and_teaches(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.read(path, fmt="py:percent")
    assert jupytext.writes(notebook, fmt="py:percent") == text  # nothing is lost on the way to Jupyter and back
    cells = notebook.cells
    assert cells[0].cell_type == "markdown"
    assert re.match(r"# \S", cells[0].source)
    assert len(re.findall(r"^# ", words(path), re.MULTILINE)) == 1
    code = notebook_cells(path)
    assert 5 <= len(code) <= 14
    for number, cell in enumerate(code):
        compile(cell, f"{path.name}, cell {number}", "exec")
    assert any(call in "".join(code) for call in ("hf.plot(", "plt.show()"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_recipes_that_exist_and_the_page_of_the_full_figure(path: Path) -> None:
    named = recipes(re.sub(r"\s+", " ", words(path)))
    assert named, "it must say 'hitforge run ...'"
    for name in named | recipes("\n".join(notebook_cells(path))):
        assert find_recipe(name).is_file()
    assert "(../../" in words(path)
    assert not broken(path, words(path))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_plugins_that_exist(path: Path) -> None:
    known = {name for registry in REGISTRIES.values() for name in registry.names()}
    named = set(re.findall(r'"name": "(\w+)"', "\n".join(notebook_cells(path))))
    assert named <= known


def test_each_notebook_is_in_the_navigation_and_none_else_is_taken_for_one() -> None:
    listed = [page for page in pages(CONFIG["nav"]) if page.endswith(".py")]
    assert sorted(listed) == [f"notebooks/{path.name}" for path in NOTEBOOKS]
    (include,) = plugin()["include"]
    assert [path.relative_to(DOCS).as_posix() for path in sorted(DOCS.rglob("*.py")) if path.match(include)] == sorted(
        listed
    )


def test_the_build_executes_all_but_those_that_need_files_and_ends_at_an_error() -> None:
    settings = plugin()
    variable, usually = settings["execute"]
    assert usually is False
    assert settings["allow_errors"] is False
    assert settings["cache"] is False  # it would keep results of an older code
    left_out = {path.name for path in NOTEBOOKS if any(path.match(one) for one in settings["execute_ignore"])}
    assert left_out == NEEDS_FILES
    tests = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*_*.py"))
    assert all(f'"{name}"' in tests for name in left_out)
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^notebooks:.*\n\t{variable}=true .*mkdocs build --strict$", makefile, re.MULTILINE)
    assert "make notebooks" in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "path", [path for path in NOTEBOOKS if path.name not in NEEDS_FILES], ids=lambda path: path.stem
)
def test_what_is_executed_writes_into_temporary_folders_and_shows_no_bars(path: Path) -> None:
    code = "\n".join(notebook_cells(path))
    assert code.count("progress=False") == code.count("hf.simulate(") + code.count("hf.run(")
    assert code.count("samples=") == code.count("hf.simulate(") + code.count("hf.run(")
    assert "TemporaryDirectory()" in code


def test_each_of_these_rules_can_be_broken(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "results.md").touch()
    path = tmp_path / "notebooks" / "a.py"
    path.touch()
    text = "[r](../../results/#x) [s](../../nothing/) [a](a.py) [b](b.py) [c](../a/) [d](../b/) [e](../../results.md)"
    assert broken(path, text) == ["../../nothing/", "b.py", "../b/", "../../results.md"]
    assert recipes('`hitforge run jets/mass` x("electron_photon/vit") "electron_photon/a.npz" run no/recipe') == {
        "jets/mass",
        "electron_photon/vit",
    }
