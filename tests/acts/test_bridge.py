"""The room is the only importer of ACTS, however an import is written."""

from __future__ import annotations

import ast
from pathlib import Path

import hitforge

ROOT = Path(hitforge.__file__).parent


def of_acts(tree: ast.AST) -> list[int]:
    """Lines that import ``acts``: statements, deferred or not, and names handed to a function that imports."""
    lines = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if called in ("require", "import_module", "__import__", "find_spec") and isinstance(first, ast.Constant):
                names = [str(first.value)]
        lines += [node.lineno for name in names if name.partition(".")[0] == "acts"]  # type: ignore[attr-defined]
    return lines


def test_nobody_else_imports_acts() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in ROOT.rglob("*.py")
        if (lines := of_acts(ast.parse(path.read_text(encoding="utf-8"))))
    }
    assert found  # or the search is blind
    assert {name for name in found if not name.startswith("acts/")} == set()


def test_each_way_to_import_is_seen() -> None:
    text = """
import acts.examples
from acts import fatras
def late(): return require("acts.json"), importlib.import_module("acts")
import hitforge.acts, hitforge.readers.acts
from hitforge import acts as ours
from . import acts as near
"""
    assert of_acts(ast.parse(text)) == [2, 3, 4, 4]
