"""Laws 3, 8 and 9: a public name stands once, what begins with an underscore stays in its room, and rooms are small."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.laws._source import REPOSITORY, ROOT, Module, defined, imports, made_up, modules, none_of, room_of

PRIVATE = re.compile(r"\bhitforge(?:\.\w+)*\._(?!_)\w+|from\s+hitforge[\w.]*\s+import\s[^\n]*\b_(?!_)\w+")


def twice(root: Path) -> list[str]:
    """Public names that several files define; verbs and the library's names are called as what they do."""
    places = defaultdict(list)
    for module in modules(root):
        for name, line in dict(defined(module)).items() if module.room not in ("cli", "library") else ():
            places[name].append(f"{module.name}:{line}")
    return [f"{name}: {', '.join(where)}" for name, where in sorted(places.items()) if len(where) > 1]


def trespassing(root: Path) -> list[str]:
    """Imports of a module or name that begins with an underscore from another room."""
    found = []
    for module in modules(root):
        for one in imports(module):
            parts = [*one.module.split("."), *([one.name] if one.name else [])]
            private = [part for part in parts if part.startswith("_") and not part.startswith("__")]
            if parts[0] == root.name and private and room_of(one.module) != module.room:
                found.append(f"{module.name}:{one.line} imports {'.'.join(parts)}")
    return found


def offered(module: Module) -> list[str]:
    """Names that a room offers: its ``__all__``; without one, what stands or is imported in its ``__init__.py``."""
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["__all__"]:
            return list(ast.literal_eval(node.value))
    taken = [one.name or one.module for one in imports(module) if one.module.startswith("hitforge") and not one.typing]
    return [name for name in [*(name for name, _ in defined(module)), *taken] if not name.startswith("_")]


def crowded(root: Path, most: int = 20) -> list[str]:
    """Rooms that offer more public names than one can keep in mind."""
    heads = [
        module for module in modules(root) if module.path.name == "__init__.py" and module.path.parent.parent == root
    ]
    return [f"{module.room}: {len(offered(module))} names" for module in heads if len(offered(module)) > most]


def shown_privates(files: list[Path]) -> list[str]:
    """Private modules and names in documents and example code."""
    found = []
    for path in files:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found += [f"{path.name}:{number} {match[0].strip()}" for match in PRIVATE.finditer(line)]
    return found


def test_a_public_name_stands_in_one_file() -> None:
    none_of(twice(ROOT))


def test_what_begins_with_an_underscore_stays_in_its_room() -> None:
    none_of(trespassing(ROOT))


def test_a_room_offers_few_names() -> None:
    none_of(crowded(ROOT))


def test_documents_and_examples_use_no_private_module() -> None:
    files = [
        *REPOSITORY.glob("*.md"),
        *(REPOSITORY / "docs").rglob("*.md"),
        *(REPOSITORY / "docs" / "plots").glob("*.py"),
    ]
    files += (REPOSITORY / "examples").rglob("*.py")
    assert len(files) > 10
    none_of(shown_privates(sorted(files)))


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    many = "\n".join(f"name_{i} = {i}" for i in range(21))
    root = made_up(
        tmp_path,
        cli="def Thing():\n    pass\n",
        core__x="class Thing:\n    pass\n_hidden = 1\nLIMIT: int = 3\n",
        core__y="def Thing():\n    pass\nLIMIT, other = 4, 5\n_hidden = 2\n",
        events____init__=many,
        tasks____init__="from hitforge.core.x import Thing\n__all__ = ['Thing']\n",
        tasks__a="from hitforge.core._secret import value\nfrom hitforge.core.x import _hidden\n",
        tasks__b="from hitforge.tasks._own import value\nfrom hitforge import __version__\n",
    )
    assert twice(root) == [
        "LIMIT: hitforge.core.x:4, hitforge.core.y:3",
        "Thing: hitforge.core.x:1, hitforge.core.y:1",
    ]
    assert trespassing(root) == [
        "hitforge.tasks.a:1 imports hitforge.core._secret.value",
        "hitforge.tasks.a:2 imports hitforge.core.x._hidden",
    ]
    assert crowded(root) == ["events: 21 names"]
    text = tmp_path / "page.md"
    text.write_text("from hitforge.core._secret import a\n`hitforge.core.x`\nfrom hitforge.core import b, _c\n")
    assert shown_privates([text]) == ["page.md:1 hitforge.core._secret", "page.md:3 from hitforge.core import b, _c"]
