"""What the command line puts between words goes through ``escape``: names of files and labels are no markup."""

from __future__ import annotations

import ast

from tests.laws._source import ROOT, modules

SAFE = {"escape", "len", "in_bytes", "measured", "cores"}
"""Calls whose result holds no markup, or only what was escaped."""


def raw(tree: ast.AST) -> list[str]:
    """Parts of f-strings that are printed, stand in a table or are its title, and are neither escaped nor numbers."""
    found = []
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
        known = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name not in ("print", "add_row", "Table", "Column") or any(one.arg == "markup" for one in call.keywords):
                continue
            for value in [*call.args, *(one.value for one in call.keywords)]:
                found += [f"{call.lineno}: {ast.unparse(part)}" for part in unsafe(value, known)]
    return found


def unsafe(value: ast.AST, known: dict[str, ast.expr]) -> list[ast.expr]:
    """Parts of an f-string that are not safe."""
    if not isinstance(value, ast.JoinedStr):
        return []
    parts = [one for one in value.values if isinstance(one, ast.FormattedValue) and one.format_spec is None]
    return [one.value for one in parts if not is_safe(one.value, known)]


def is_safe(value: ast.expr, known: dict[str, ast.expr]) -> bool:
    """Whether an expression is escaped text, or a number that is counted."""
    if isinstance(value, ast.Name) and value.id in known:
        return is_safe(known[value.id], {name: one for name, one in known.items() if name != value.id})
    if isinstance(value, ast.JoinedStr):
        return not unsafe(value, known)
    if isinstance(value, ast.BinOp):
        return is_safe(value.left, known) and is_safe(value.right, known)
    if isinstance(value, ast.Call):
        name = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return name in (*SAFE, "count")
    return isinstance(value, ast.Constant)


def test_what_is_printed_is_escaped() -> None:
    found = [f"{module.name}:{one}" for module in modules(ROOT) if module.room == "cli" for one in raw(module.tree)]
    assert found == []


def test_the_law_finds_a_raw_path() -> None:
    code = "def verb(path, n):\n    out.print(f'[bold]{path}[/]')\n    both = f'{escape(n)} {path}'\n"
    code += "    x.add_row(f'{both}')"
    assert raw(ast.parse(code)) == ["2: path", "4: both"]
    code = "def verb(path, n):\n    to = escape(path)\n    out.print(f'{to} {len(n)} {n:.2f}', Text(path))"
    assert raw(ast.parse(code)) == []
