"""Kernels of several processes in one cache: a sort stays a sort."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.bytecode import FunctionIdentity
from numba.core.caching import IndexDataCacheFile

from hitforge.core import kernels

SOURCE = Path(__file__).parents[2] / "src" / "hitforge"
PARTS = {"rising": "np.sort(x)", "order": "np.argsort(x)"}
USE = """
import sys
import numpy as np
from numba.core.bytecode import FunctionIdentity
for _ in range(int(sys.argv[2])):
    next(FunctionIdentity._unique_ids)
x = np.random.default_rng(1).random(200)
if "rising" in sys.argv[1]:
    from rising import rising
    assert (rising(x) == np.sort(x)).all(), "sort"
if "order" in sys.argv[1]:
    from order import order
    assert (order(x) == np.argsort(x)).all(), "argsort"
"""


def collide(folder: Path, njit: str) -> int:
    """Compile a sort in one process and an argsort in another, where Numba counts alike; load both in a third."""
    folder.mkdir()
    for name, body in PARTS.items():
        text = f"import numpy as np\n{njit}\n\n@njit(cache=True)\ndef {name}(x):\n    return {body}\n"
        (folder / f"{name}.py").write_text(text)
    (folder / "use.py").write_text(USE)
    ends = [
        subprocess.run(
            [sys.executable, "use.py", which, ahead], cwd=folder, capture_output=True, check=False
        ).returncode
        for which, ahead in (("rising", "0"), ("order", "3"), ("rising order", "0"))
    ]
    assert ends[:2] == [0, 0]
    return ends[2]


def test_kernels_that_two_processes_compiled_do_not_call_each_others_parts(tmp_path: Path) -> None:
    assert collide(tmp_path / "ours", "from hitforge.core.kernels import njit") == 0


def test_numbers_are_drawn_not_counted() -> None:
    drawn = [next(FunctionIdentity._unique_ids) for _ in range(1000)]
    assert len(set(drawn)) == 1000
    assert max(drawn) > 2**40


def test_two_signatures_that_are_saved_at_once_have_files_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kernels.njit  # its import changed the cache
    one, two = (IndexDataCacheFile(str(tmp_path), "kernel", b"stamp") for _ in range(2))
    with monkeypatch.context() as patched:  # the second process looked before the first had written
        patched.setattr(two, "_load_index", dict)
        one.save("float", "code of float")
        two.save("int", "code of int")
    assert one.load("int") == "code of int"
    assert one.load("float") is None  # compiled again, not the other's
    assert len(list(tmp_path.glob("*.nbc"))) == 2


def test_every_kernel_is_compiled_this_way() -> None:
    offenders = []
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            plain = isinstance(node, ast.Import) and "numba" in names
            taken = isinstance(node, ast.ImportFrom) and node.module == "numba"
            if (plain or taken) and file != SOURCE / "core" / "kernels.py":
                offenders.append(f"{file}:{node.lineno}")
    assert not offenders
