"""Law 10: an event field whose name tells of a loss is declared as one, so that every verb shows it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.laws._source import ROOT, modules

LOSS = re.compile(
    r"(dropped|unlinked|untimed|far|largest|scaled|missing|lost|clipped|guessed|unmatched|shared_places|contrary|orphan)_"
    r"|hits_without_|unidentified_|\w+_dropped$"
)
FIELDS = ("FieldInfo", "_info")


def named(tree: ast.AST) -> Iterator[tuple[str, int, ast.expr]]:
    """What stands under a name: entries of dictionaries and assignments such as ``fields["name"] = ...``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, node.lineno, value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            key = node.targets[0].slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, node.lineno, node.value


def declared(value: ast.AST) -> list[ast.Call]:
    """Descriptions of a field in an expression."""
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id in FIELDS]


def marked(call: ast.Call) -> bool:
    """Whether a description says of what kind the loss is."""
    loss = [one.value for one in call.keywords if one.arg == "loss"] or call.args[3:4]
    return bool(loss) and not (isinstance(loss[0], ast.Constant) and not loss[0].value)


def constants(trees: list[ast.AST]) -> dict[str, list[ast.Call]]:
    """Names that stand for descriptions, wherever they are assigned."""
    found: dict[str, list[ast.Call]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and declared(node.value):
                found.setdefault(node.targets[0].id, []).extend(declared(node.value))
    return found


def silent(tree: ast.AST, known: dict[str, list[ast.Call]]) -> list[str]:
    """Fields that tell of a loss without its mark."""
    found = []
    for name, line, value in named(tree):
        if LOSS.match(name):
            calls = declared(value)
            calls += [call for node in ast.walk(value) if isinstance(node, ast.Name) for call in known.get(node.id, [])]
            found += [f"{line}: {name}" for call in calls[:1] if not any(map(marked, calls))]
    return sorted(found)


def test_what_is_lost_is_declared_as_lost() -> None:
    sources = [module for module in modules(ROOT) if module.room in ("readers", "simulation", "events", "methods")]
    known = constants([module.tree for module in sources])
    assert sum(bool(LOSS.match(name)) for module in sources for name, _, _ in named(module.tree)) > 25
    assert [f"{module.name}:{one}" for module in sources for one in silent(module.tree, known)] == []


def test_the_law_finds_a_silent_loss() -> None:
    code = "A = FieldInfo('int32', '', 'hits')\nB = FieldInfo('int32', '', 'hits', 'sum')\n"
    code += "x = {'dropped_hits': (n, FieldInfo('int32', '', 'hits')), 'far_hits': A, 'scaled_hits': B, 'pt': A}\n"
    code += "x['missing_hits'] = n, FieldInfo('int32', '', 'hits', loss='sum')\nx['untimed_hits'] = n, A"
    tree = ast.parse(code)
    assert silent(tree, constants([tree])) == ["3: dropped_hits", "3: far_hits", "5: untimed_hits"]
