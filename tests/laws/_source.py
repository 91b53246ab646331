"""The source as trees: files of a package, what they import and define; no module is imported, so no law can be fooled.

Every function takes the folder of a package, so that each law can be seen to fail on a small made-up one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2] / "src" / "hitforge"
REPOSITORY = ROOT.parents[1]
ROOMS = (
    "core", "events", "acts", "detectors", "simulation", "readers", "representations", "models", "objects", "tasks",
    "baselines", "metrics", "training", "methods", "recipe", "runs", "tuning", "deploy", "monitoring", "report",
    "library", "cli", "testing",
)  # fmt: skip
"""The road, as in DESIGN: each room may import from those before it, and from itself."""


def room_of(name: str) -> str:
    """First part of a dotted name below the package; empty for the package itself."""
    return name.partition(".")[2].partition(".")[0]


@dataclass(frozen=True)
class Module:
    """A file of a package.

    Attributes:
        name: Dotted, such as ``hitforge.core.errors``; of a folder's ``__init__.py`` that of the folder.
        path: The file.
        tree: Its syntax.
    """

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """First part below the package; empty for the package's own ``__init__.py``."""
        return room_of(self.name)

    @property
    def lines(self) -> int:
        """Length of the file."""
        return len(self.path.read_text(encoding="utf-8").splitlines())


@dataclass(frozen=True)
class Import:
    """A name that a file imports: ``from module import name``, or ``import module`` with an empty name."""

    module: str
    name: str
    line: int
    typing: bool
    deferred: bool


@cache
def modules(root: Path) -> tuple[Module, ...]:
    """All files of a package, sorted."""
    found = []
    for path in sorted(root.rglob("*.py")):
        parts = [root.name, *path.relative_to(root).with_suffix("").parts]
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found.append(Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path))))
    return tuple(found)


def imports(module: Module) -> Iterator[Import]:
    """Everything that a file imports: at its top, in functions, and for types alone; relative imports made absolute."""
    yield from _imports(module, module.tree.body, typing=False, deferred=False)


def _imports(module: Module, body: list[ast.stmt], *, typing: bool, deferred: bool) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, typing, deferred)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.name.split(".")
                inside = len(parts) - node.level + (module.path.name == "__init__.py")
                base = ".".join([*parts[:inside], *([base] if base else [])])
            for alias in node.names:
                yield Import(base, alias.name, node.lineno, typing, deferred)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _imports(module, node.body, typing=typing, deferred=True)
        elif isinstance(node, ast.If):
            for_types = "TYPE_CHECKING" in ast.unparse(node.test)
            yield from _imports(module, node.body, typing=typing or for_types, deferred=deferred)
            yield from _imports(module, node.orelse, typing=typing, deferred=deferred)
        else:
            for name in ("body", "orelse", "finalbody"):
                yield from _imports(module, getattr(node, name, []), typing=typing, deferred=deferred)
            for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
                yield from _imports(module, part.body, typing=typing, deferred=deferred)


def asked_for(module: Module) -> Iterator[tuple[str, int]]:
    """Modules that a file imports by their name in a string, as ``require("acts")`` does."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = ast.unparse(node.func).rpartition(".")[2]
            if called in ("require", "import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value, node.lineno


def imported(root: Path) -> dict[str, dict[str, int]]:
    """File -> files of the same package that it imports, and the first line that does."""
    known = {module.name for module in modules(root)}
    found: dict[str, dict[str, int]] = {}
    for module in modules(root):
        mine = found.setdefault(module.name, {})
        for one in imports(module):
            whole = f"{one.module}.{one.name}"
            target = whole if one.name and whole in known else one.module
            if target in known and target != module.name:
                mine.setdefault(target, one.line)
    return found


def circles(root: Path) -> list[list[str]]:
    """Groups of files that import each other, directly or round about (Tarjan, SIAM J. Comput. 1 (1972) 146)."""
    edges, index, low = imported(root), dict[str, int](), dict[str, int]()
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for name in edges:
        if name not in index:
            visit(name)
    return sorted(found)


def defined(module: Module) -> Iterator[tuple[str, int]]:
    """Public names that a file defines at its top: classes, functions and assigned names; not what it imports."""
    for node in module.tree.body:
        names: list[str] = []
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        for name in names:
            if not name.startswith("_"):
                yield name, node.lineno


def none_of(offenders: list[str]) -> None:
    """Fail with the whole list of those who break a law, if there are any."""
    assert not offenders, f"{len(offenders)} break it:\n" + "\n".join(offenders)


def made_up(folder: Path, **files: str) -> Path:
    """Write a small package ``hitforge`` for a test of a law; ``core__errors="..."`` is ``core/errors.py``."""
    root = folder / "hitforge"
    for key, text in {"__init__": "", **files}.items():
        parts = [key] if key.startswith("__init__") else key.split("__", 1)
        path = root.joinpath(*parts).with_suffix(".py")
        if path.name == "init.py":
            path = path.with_name("__init__.py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
