"""Runs the code of pages and notebooks as a reader would, in one process and in an empty folder."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import jupytext

REPOSITORY = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page_blocks(path: Path) -> list[tuple[str, str | None]]:
    """The Python blocks of a page, each with what it prints, if a block of text follows."""
    found = [(kind, body) for kind, body in _BLOCK.findall(path.read_text(encoding="utf-8"))]
    blocks: list[tuple[str, str | None]] = []
    for kind, body in found:
        if kind == "python":
            blocks.append((body, None))
        elif kind == "text":
            blocks[-1] = (blocks[-1][0], body)
    return blocks


def notebook_cells(path: Path) -> list[str]:
    """The code cells of a notebook, which is text with cells that begin with ``# %%``."""
    return [cell.source for cell in jupytext.read(path, fmt="py:percent").cells if cell.cell_type == "code"]


def run_code(code: str, names: dict[str, Any]) -> tuple[str, Any]:
    """Execute code; return what it prints, and the value of a last expression, which a notebook would show."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "page", "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "page", "eval"), names)
    return printed.getvalue(), value
