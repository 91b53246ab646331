"""Laws 5 and 6: no detector's number outside detectors, no kind by its name above objects, nothing is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.laws._source import ROOMS, ROOT, Module, made_up, modules, none_of

PLANES = {3221.0, 3221.03, 1811.6, 1805.0}
"""Where detectors begin that shower recipes run on [mm]."""
CUTS = {0.012, 0.045, 0.075}
"""What tells a particle from noise in one of them [GeV]; one alone may be another thing."""
KINDS = {path.parent.name for path in (ROOT / "objects").glob("*/kind.py")} | {"track", "shower"}
ABOVE = ROOMS[ROOMS.index("objects") + 1 :]
EXECUTE = {"eval", "exec", "compile"}
UNPACK = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


def lone_numbers(root: Path) -> list[str]:
    """Numbers of a detector in another room."""
    found = []
    for module in modules(root):
        if module.room == "detectors":
            continue
        constants = [node for node in ast.walk(module.tree) if isinstance(node, ast.Constant)]
        numbers = [(node.lineno, node.value) for node in constants if type(node.value) in (int, float)]
        wrong = PLANES | (CUTS if {value for _, value in numbers} >= CUTS else set())
        found += [f"{module.name}:{line} {value}" for line, value in sorted(numbers) if value in wrong]
    return found


def kinds_by_name(root: Path) -> list[str]:
    """Comparisons with the name of a kind, and cases of it, in rooms above ``objects``."""
    return [
        f"{module.name}:{line} {text}"
        for module in modules(root)
        if module.room in ABOVE
        for line, text in sorted(_compared(module))
    ]


def _compared(module: Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Compare):
            names = {
                one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
            if names & KINDS and any(isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant) and node.value.value in KINDS:
            yield node.lineno, f"case {node.value.value!r}"
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
            keys = {key.value for key in node.value.keys if isinstance(key, ast.Constant)}
            if keys & KINDS:
                yield node.lineno, ast.unparse(node)


def executed(root: Path) -> list[str]:
    """Calls and imports that run what a file holds, or may; YAML may be read by a safe loader of one's own."""
    found = []
    for module in modules(root):
        classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
        careful = {node.name for node in classes if any("SafeLoader" in ast.unparse(base) for base in node.bases)}
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
                found += [
                    f"{module.name}:{node.lineno} import {name}" for name in names if name.partition(".")[0] in UNPACK
                ]
            elif isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                keys = {one.arg: one.value for one in node.keywords}
                loads = called in ("torch.load", "yaml.load", "yaml.unsafe_load", "np.load", "numpy.load")
                trusted = keys.get("allow_pickle")
                safe = called in ("np.load", "numpy.load") and not (
                    trusted is None or not isinstance(trusted, ast.Constant) or trusted.value
                )
                safe |= called == "yaml.load" and ast.unparse(keys.get("Loader", ast.Constant(""))) in careful
                if called in EXECUTE or (loads and not safe):
                    found.append(f"{module.name}:{node.lineno} {called}")
    return found


def test_no_number_of_a_detector_stands_outside_detectors() -> None:
    none_of(lone_numbers(ROOT))


def test_the_plane_of_the_endcap_stands_in_one_file() -> None:
    places = [
        module.name for module in modules(ROOT) if re.search(r"\b3221\b", module.path.read_text(encoding="utf-8"))
    ]
    none_of([name for name in places if name != "hitforge.detectors.hgcal"])


def test_no_kind_is_asked_for_by_name_above_objects() -> None:
    none_of(kinds_by_name(ROOT))


def test_nothing_that_is_read_is_executed() -> None:
    none_of(executed(ROOT))


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    root = made_up(
        tmp_path,
        detectors__hgcal="PLANE = 3221.0\n",
        tasks__a="LEAST = (0.012, 0.045, 0.075)\nif kind == 'track':\n    pass\n",
        report__b="x = {'track': 1, 'shower': 2}[kind]\ny = kind in ('shower', 'jet')\n"
        "match kind:\n    case 'shower':\n        pass\n",
        readers__f="FRONT = 1805\nSPREAD = 0.012\n",
        objects__c="if kind == 'track':\n    pass\n",
        simulation__d="if settings.kind == 'pointing':\n    pass\n",
        core__e="import pickle\nnp.load(f)\nnp.load(f, allow_pickle=False)\neval(text)\nmodel.eval()\ntorch.load(f)\n"
        "re.compile(x)\nyaml.load(f, Loader=_Own)\nyaml.load(f, Loader=Other)\n"
        "class _Own(yaml.SafeLoader):\n    pass\n",
    )
    assert lone_numbers(root) == [
        "hitforge.readers.f:1 1805",
        *(f"hitforge.tasks.a:1 {value}" for value in (0.012, 0.045, 0.075)),
    ]
    assert kinds_by_name(root) == [
        "hitforge.report.b:1 {'track': 1, 'shower': 2}[kind]",
        "hitforge.report.b:2 kind in ('shower', 'jet')",
        "hitforge.report.b:4 case 'shower'",
        "hitforge.tasks.a:2 kind == 'track'",
    ]
    assert executed(root) == [
        "hitforge.core.e:1 import pickle",
        "hitforge.core.e:2 np.load",
        "hitforge.core.e:4 eval",
        "hitforge.core.e:6 torch.load",
        "hitforge.core.e:9 yaml.load",
    ]
