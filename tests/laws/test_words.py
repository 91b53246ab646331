"""Law 8: names are the field's: no class, function, argument or setting is called by a word of our own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.laws._source import ROOT, Module, made_up, modules, none_of

OURS = {
    "contestant": "method", "contestants": "method", "rival": "comparison", "rivals": "comparison",
    "rivalry": "comparison", "judge": "quality_cut", "judging": "quality_cut", "judged": "matched",
    "unjudged": "without_truth", "looked": "roi", "wanted": "reconstructable", "sought": "object_kind",
    "visible": "deposited", "least": "min", "most": "max",
}  # fmt: skip
"""A word that is part of no name -> the field's."""
TERMS = ("most_probable", "most_similar")
"""What the field itself says: a most probable loss, a hit most similar to a centre."""


def ours(name: str) -> str | None:
    """The field's word for the first part of a name that is ours, CamelCase or with underscores."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    for term in TERMS:
        parts = parts.replace(term, "")
    return next((OURS[part] for part in parts.split("_") if part in OURS), None)


def named(module: Module) -> Iterator[tuple[int, str]]:
    """What a file names: classes and what they hold, functions and their arguments, and its own public names."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        if isinstance(node, ast.arg):
            yield node.lineno, node.arg
        if isinstance(node, ast.ClassDef | ast.Module):
            for item in node.body:
                targets = [item.target] if isinstance(item, ast.AnnAssign) else getattr(item, "targets", [])
                yield from ((item.lineno, one.id) for one in targets if isinstance(one, ast.Name))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node.lineno, node.attr


def own_words(root: Path) -> list[str]:
    """Names that hold a word of ours; a constant of a file alone may."""
    return [
        f"{module.name}:{line} {name}: say {ours(name)}"
        for module in modules(root)
        for line, name in sorted(set(named(module)))
        if ours(name) and not re.fullmatch(r"_[A-Z0-9_]+", name)
    ]


def own_keys(folder: Path) -> list[str]:
    """Keys of recipes that hold a word of ours."""
    found = []
    for path in sorted(folder.rglob("*.yaml")):
        keys = _keys(yaml.safe_load(path.read_text(encoding="utf-8")))
        found += [f"{path.name}: {key}: say {ours(part)}" for key in keys for part in key.split(".") if ours(part)]
    return found


def _keys(block: Any) -> Iterator[str]:
    """Keys of a block and of the blocks in it."""
    for key, value in block.items() if isinstance(block, dict) else enumerate(block if isinstance(block, list) else ()):
        yield str(key)
        yield from _keys(value)


def test_names_are_those_of_the_field() -> None:
    none_of(own_words(ROOT))


def test_keys_of_recipes_are_those_of_the_field() -> None:
    none_of(own_keys(ROOT / "recipes"))


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    root = made_up(
        tmp_path,
        tasks__a="class Judge:\n    least: int = 3\n    def __init__(self):\n        self.looked = 1\n",
        tasks__b="def find(most_hits, trace):\n    wanted = trace.visible = 1\n    return wanted\nMOST_LINES = 3\n",
        tasks__c="_LEAST = 3\ndef most_probable(almost, divisible, arrival):\n    pass\n",
    )
    assert own_words(root) == [
        "hitforge.tasks.a:1 Judge: say quality_cut",
        "hitforge.tasks.a:2 least: say min",
        "hitforge.tasks.a:4 looked: say roi",
        "hitforge.tasks.b:1 most_hits: say max",
        "hitforge.tasks.b:4 MOST_LINES: say max",
    ]
    (tmp_path / "a.yaml").write_text(
        "task: {name: x, judge: {hits: 5}}\nsweep: [{edges.most: 3}]\nat: most # least: 1\n"
    )
    assert own_keys(tmp_path) == ["a.yaml: judge: say quality_cut", "a.yaml: edges.most: say max"]
