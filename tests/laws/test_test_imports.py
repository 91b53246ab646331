"""Tests have one import system: a helper is `tests.<room>.<helper>`, or `tests.<helper>` where rooms share it."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.laws._source import REPOSITORY, none_of
from tests.laws.test_files import ELSEWHERE


def _files(tests: Path) -> list[tuple[str, ast.Module]]:
    """Name and syntax of each file of tests; packages in `outside` that play those of others are none."""
    names = (path.relative_to(tests).as_posix() for path in sorted(tests.rglob("*.py")))
    ours = (name for name in names if not name.startswith("outside/") or name.count("/") == 1)
    return [(name, ast.parse((tests / name).read_text(encoding="utf-8"))) for name in ours]


def path_changes(tests: Path) -> list[str]:
    """Places that change `sys.path`, or bind its name; `monkeypatch.syspath_prepend` takes back what it does."""
    found = []
    for name, tree in _files(tests):
        read = set()
        for node in ast.walk(tree):  # os.pathsep.join(sys.path), for another process, reads alone
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in ("join", "filter"):
                read.update(id(part) for part in node.args)
                read.update(id(part.value) for part in node.args if isinstance(part, ast.Starred))
        for node in ast.walk(tree):
            named = isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path" and id(node) not in read
            taken = isinstance(node, ast.ImportFrom) and node.module == "sys" and node.names[0].name == "path"
            if named or taken:
                found.append(f"tests/{name}:{node.lineno}")
    return found


def ways_around(tests: Path) -> list[str]:
    """Imports of helpers by another way than their whole name, and of another room's helper."""
    found = []
    for name, tree in _files(tests):
        room = name.split("/")[0] if "/" in name else ""
        for node in ast.walk(tree):
            if not isinstance(node, ast.ImportFrom):
                continue
            parts = (node.module or "").split(".")
            if node.level:
                found.append(f"tests/{name}:{node.lineno}: a relative import")
            elif parts[0] == "tests" and len(parts) > 2 and parts[1] != room and room not in ELSEWHERE:
                found.append(f"tests/{name}:{node.lineno}: {node.module} is of another room; move it up to tests/")
    return found


def test_no_test_changes_the_path_of_imports() -> None:
    none_of(path_changes(REPOSITORY / "tests"))


def test_helpers_are_imported_by_their_whole_name() -> None:
    none_of(ways_around(REPOSITORY / "tests"))


def test_both_laws_can_be_broken(tmp_path: Path) -> None:
    texts = {
        "core/test_a.py": "import sys\nsys.path.insert(0, 'x')\nfrom .b import c\n",
        "core/test_b.py": "import os, sys\nfrom sys import path\nsys.path[:0] = ['x']\nx = os.pathsep.join(sys.path)\n",
        "core/test_c.py": "from tests.core.helper import x\nfrom tests.helper import y\nfrom tests.events.z import z\n",
        "laws/test_d.py": "from tests.events.z import z\nf(sys.path)\n",
    }
    for name, text in texts.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    broken = ["tests/core/test_a.py:2", "tests/core/test_b.py:2", "tests/core/test_b.py:3", "tests/laws/test_d.py:2"]
    assert path_changes(tmp_path) == broken
    assert ways_around(tmp_path) == [
        "tests/core/test_a.py:3: a relative import",
        "tests/core/test_c.py:3: tests.events.z is of another room; move it up to tests/",
    ]
