"""hitforge new: each skeleton is a package whose own test passes as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hitforge.cli.new import rooms, skeleton
from hitforge.core.errors import ConfigError
from tests.cli.conftest import hitforge


def install(folder: Path, site: Path) -> None:
    """Write what pip would of a package's ``pyproject.toml``, so that its entry points are found from ``site``."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    info = site / f"{project['name']}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    text = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(text)
    groups = project["entry-points"].items()
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in entries.items()) for group, entries in groups]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for package in (folder / "src").iterdir():
        (site / package.name).symlink_to(package)


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says of the tests of all skeletons, each in a package of its own."""
    folder = tmp_path_factory.mktemp("new")
    tests = []
    for room in rooms():
        name = f"fresh_{room}"
        for place, text in skeleton(room, name).items():
            (folder / name / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / name / place).write_text(text)
        install(folder / name, folder / "site")
        tests.append(str(folder / name / "tests"))
    path = os.pathsep.join([*filter(None, sys.path), str(folder / "site")])
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "-W", "error", *tests]
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("room", rooms())
def test_each_skeleton_passes_its_own_test(outcome: str, room: str) -> None:
    verdicts = re.findall(rf"test_fresh_{room}\.py::\w+ (\w+)", outcome)
    assert verdicts, outcome[-3000:]
    assert set(verdicts) == {"PASSED"}, outcome[-6000:]


def test_a_skeleton_is_there_for_every_room_of_a_whole_road() -> None:
    road = "detectors simulation readers representations models objects tasks baselines metrics"
    assert rooms() == sorted(road.split())


def test_the_verb_writes_a_package(tmp_path: Path) -> None:
    done = hitforge("new", "metrics", "right_class", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "right_class"
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    package = ["src/right_class/__init__.py", "src/right_class/right_class.py", "src/right_class/section.py"]
    assert written == {"pyproject.toml", "tests/test_right_class.py", *package}
    assert "class RightClass(Metric)" in (folder / "src/right_class/right_class.py").read_text()
    assert not [path for path in written if re.search("my_?plugin|MY_ROOM", (folder / path).read_text(), re.IGNORECASE)]
    again = hitforge("new", "metrics", "right_class", cwd=tmp_path)
    assert again.returncode == 2
    assert "must be empty" in again.stderr


@pytest.mark.parametrize(
    ("room", "name", "message"),
    [
        ("modls", "my_network", "did you mean 'models'"),
        ("models", "residual", "has a plug-in 'residual'"),
        ("models", "My-Network", "must be made of small letters"),
        ("models", "class", "must be made of small letters"),
        ("metrics", "section", "the file 'section' draws the metric"),
        ("models", "numpy", "a module 'numpy' that the new package would hide"),
    ],
)
def test_names_that_cannot_be_used_are_refused(room: str, name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        skeleton(room, name)
