"""Laws 1 to 3: imports go up the road, no files import each other, frameworks stay in their rooms, ACTS in one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

from tests.laws._source import (
    ROOMS,
    ROOT,
    asked_for,
    circles,
    imported,
    imports,
    made_up,
    modules,
    none_of,
    room_of,
)

FRAMEWORKS = {"torch", "keras", "tensorflow", "lightning"}
SLOW = {"matplotlib", "acts", "xgboost"}
"""Other packages that a first look must not wait for."""
WITH_FRAMEWORK = {"models", "tasks", "training", "methods", "tuning", "deploy"}


def strangers(root: Path) -> list[str]:
    """Rooms that the road does not know."""
    known = {*ROOMS, "", "recipes", "__main__"}
    return sorted({f"{module.room}: {module.path.name}" for module in modules(root) if module.room not in known})


def downward(root: Path) -> list[str]:
    """Imports from a room further up the road, or from the package's face, of which all may know the version alone."""
    height = {room: place for place, room in enumerate(ROOMS)} | {"": len(ROOMS), "__main__": len(ROOMS)}
    found = [
        f"{name}:{line} imports {other}"
        for name, others in imported(root).items()
        for other, line in others.items()
        if height.get(room_of(other), 0) > height.get(room_of(name), len(ROOMS)) and room_of(other)
    ]
    return found + [
        f"{module.name}:{one.line} imports the package's face"
        for module in modules(root)
        for one in imports(module)
        if module.room and one.module == root.name and one.name not in {"__version__", *ROOMS}
    ]


def at_import(root: Path) -> list[str]:
    """Files outside the rooms of networks that import a framework when they are imported themselves."""
    return [
        f"{module.name}:{one.line} imports {one.module}"
        for module in modules(root)
        for one in imports(module)
        if one.module.partition(".")[0] in FRAMEWORKS
        and not one.typing
        and not one.deferred
        and module.room not in WITH_FRAMEWORK
    ]


def of_acts(root: Path) -> list[str]:
    """Files outside the room ``acts`` that import ACTS, whenever."""
    return [
        f"{module.name}:{one[1]} imports {one[0]}"
        for module in modules(root)
        for one in [*((one.module, one.line) for one in imports(module)), *asked_for(module)]
        if one[0].partition(".")[0] == "acts" and module.room != "acts"
    ]


def test_rooms_are_those_of_the_road() -> None:
    none_of(strangers(ROOT))


def test_imports_go_up_the_road() -> None:
    none_of(downward(ROOT))


def test_no_files_import_each_other() -> None:
    none_of([" <-> ".join(group) for group in circles(ROOT)])


def test_frameworks_are_imported_at_the_top_in_few_rooms_alone() -> None:
    none_of(at_import(ROOT))


def test_one_room_imports_acts() -> None:
    none_of(of_acts(ROOT))


def loaded(*words: str, folder: Path | None = None, of: Collection[str] = FRAMEWORKS | SLOW) -> set[str]:
    """Large packages that are in memory behind a command line, or behind ``import hitforge`` where there is none."""
    code = (
        "import json, sys\n"
        "import hitforge\n"
        f"words = {list(words)!r}\n"
        "if words:\n"
        "    from hitforge.cli import main\n"
        "    sys.argv = ['hitforge', *words]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, end.code\n"
        f"print('loaded', json.dumps(sorted({set(of)!r} & set(sys.modules))))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, env={**os.environ, "COLUMNS": "200"}
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
    return set(json.loads(done.stdout.rpartition("loaded ")[2]))


@pytest.mark.parametrize("words", [(), ("--help",)], ids=["import", "help"])
def test_the_first_look_of_all_loads_almost_nothing(words: tuple[str, ...]) -> None:
    assert loaded(*words, of={"numpy", "numba", "pyarrow", "pydantic", "yaml", "awkward"}) == set()


@pytest.mark.parametrize("words", [(), ("--help",), ("list",)], ids=["import", "help", "list"])
def test_a_first_look_loads_no_framework(words: tuple[str, ...]) -> None:
    assert loaded(*words) == set()


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [
        ("electron_photon/demo", ["source.train=4", "source.validation=2", "source.test=2"]),
        ("tracking/condensation", ["source.train=1", "source.validation=1", "source.test=1", "source.multiplicity=2"]),
        ("showers/masks", ["source.train=1", "source.validation=1", "source.test=1"]),
    ],
)
def test_simulating_a_recipe_of_networks_loads_no_framework(tmp_path: Path, recipe: str, settings: list[str]) -> None:
    changes = [word for setting in settings for word in ("--set", setting)]
    assert loaded("simulate", recipe, "--out", "events", "--workers", "1", *changes, folder=tmp_path) <= SLOW
    assert loaded("inspect", "events", folder=tmp_path) <= SLOW


def test_each_of_these_laws_can_be_broken(tmp_path: Path) -> None:
    root = made_up(
        tmp_path,
        core__errors="",
        core__low="def f():\n    from hitforge.report.page import g\n",
        events__a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hitforge.models.net import Net\n",
        events__b="from hitforge.core import errors\nimport hitforge.core.errors\n",
        models__net="import torch\nfrom hitforge.models import helper\n",
        models__helper="def f():\n    from .third import X\n",
        models__third="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hitforge.models.net import Net\n",
        metrics__m="try:\n    import torch.nn\nexcept ImportError:\n    pass\ndef f():\n    import keras\n",
        simulation__s="def f():\n    from acts.examples import Sequencer\n",
        readers__r="import hitforge\nfrom hitforge import __version__\ndef f():\n    return require('acts')\n",
        acts__bridge="import acts\n",
        report__page="from hitforge.acts import bridge\n",
        garden__flower="",
    )
    assert strangers(root) == ["garden: flower.py"]
    assert downward(root) == [
        "hitforge.core.low:2 imports hitforge.report.page",
        "hitforge.events.a:3 imports hitforge.models.net",
        "hitforge.readers.r:1 imports the package's face",
    ]
    assert circles(root) == [["hitforge.models.helper", "hitforge.models.net", "hitforge.models.third"]]
    assert at_import(root) == ["hitforge.metrics.m:2 imports torch.nn"]
    assert of_acts(root) == ["hitforge.readers.r:4 imports acts", "hitforge.simulation.s:2 imports acts.examples"]
