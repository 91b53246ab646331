"""Law 9 and the mirror of tests: files are small, rooms have a small median, and each module has its test."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import median

from tests.laws._source import REPOSITORY, ROOT, made_up, modules, none_of

ELSEWHERE = {"conformance", "docs", "laws", "outside", "physics", "recipes"}
"""Folders of tests that look at many modules at once."""


def long_files(root: Path, most: int = 500) -> list[str]:
    """Files with more lines than ``most``."""
    return [f"{module.name}: {module.lines} lines" for module in modules(root) if module.lines > most]


def heavy_rooms(root: Path, most: int = 160) -> list[str]:
    """Rooms of more than one file whose files have a larger median length."""
    lengths = defaultdict(list)
    for module in modules(root):
        if module.path.name != "__init__.py" and module.path.parent != root:
            lengths[module.room].append(module.lines)
    return [
        f"{room}: median {median(values):g} lines of {len(values)} files"
        for room, values in sorted(lengths.items())
        if len(values) > 1 and median(values) > most
    ]


def unmirrored(root: Path, tests: Path) -> list[str]:
    """Modules without a test file of their name in the folder that mirrors theirs, and test files without a module."""
    wanted = {}
    for module in modules(root):
        path = module.path.relative_to(root)
        if path.name not in ("__init__.py", "__main__.py"):
            wanted[path.parent / f"test_{path.stem.removeprefix('_')}.py"] = path
        elif len(path.parts) > 1:
            wanted.setdefault(path.parent / f"test_{path.parent.name}.py", None)  # of a folder's own code, if any
    have = {path.relative_to(tests) for path in tests.rglob("test_*.py")}
    have = {path for path in have if path.parts[0] not in ELSEWHERE}
    missing = [f"{module} has no tests/{test}" for test, module in wanted.items() if module and test not in have]
    return sorted(missing) + sorted(f"tests/{path} mirrors no module" for path in have - set(wanted))


def test_files_have_at_most_500_lines() -> None:
    none_of(long_files(ROOT))


def test_the_median_file_of_each_room_is_small() -> None:
    none_of(heavy_rooms(ROOT))


def test_each_module_has_its_test_and_each_test_its_module() -> None:
    none_of(unmirrored(ROOT, REPOSITORY / "tests"))


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    root = made_up(
        tmp_path,
        core__long="x = 1\n" * 501,
        core__b="",
        core__c="X = 1\n",
        models__a="x = 1\n" * 200,
        models__b="x = 1\n" * 178 + "def f():\n    pass\n",
    )
    assert long_files(root) == ["hitforge.core.long: 501 lines"]
    assert heavy_rooms(root) == ["models: median 190 lines of 2 files"]
    for name in (
        "core/test_long.py",
        "core/test_b.py",
        "core/test_c.py",
        "models/test_a.py",
        "models/test_z.py",
        "laws/test_q.py",
    ):
        path = tmp_path / "tests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert unmirrored(root, tmp_path / "tests") == [
        "models/b.py has no tests/models/test_b.py",
        "tests/models/test_z.py mirrors no module",
    ]
