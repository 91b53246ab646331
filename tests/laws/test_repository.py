"""The repository's own files say the same: version, licence, lint, and what CI runs."""

from __future__ import annotations

import importlib.util
import re
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import hitforge
from tests.laws._source import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def read(name: str) -> str:
    """Text of a file of the repository."""
    return (REPOSITORY / name).read_text(encoding="utf-8")


def test_one_version_everywhere() -> None:
    headings = re.findall(r"^## (.*)$", read("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == hitforge.__version__ == yaml.safe_load(read("CITATION.cff"))["version"]


def test_one_licence_and_one_author_everywhere() -> None:
    cited = yaml.safe_load(read("CITATION.cff"))
    assert cited["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert cited["authors"] == PROJECT["authors"]
    assert cited["title"] == PROJECT["name"]


def test_lint_is_the_same_before_a_commit_and_in_ci() -> None:
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == ["make lint"]
    assert "make lint" in read(".ci/run").splitlines()
    jobs = yaml.safe_load(read(".github/workflows/ci.yml"))["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    assert [step["run"] for step in steps if "run" in step] == [".ci/run"]


def test_ci_may_read_alone_and_runs_versions_that_are_claimed() -> None:
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        for version in job["strategy"]["matrix"]["python"]:
            assert f"Programming Language :: Python :: {version}" in PROJECT["classifiers"]


@pytest.fixture(scope="module")
def wheel() -> Any:
    """The script that builds the wheel and tries it."""
    spec = importlib.util.spec_from_file_location("wheel", REPOSITORY / ".ci" / "wheel.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_wheel_with_a_file_less_or_more_is_seen(wheel: Any, tmp_path: Path) -> None:
    package = tmp_path / "hitforge"
    (package / "recipes").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", "recipes/demo.yaml"):
        (package / name).write_text("")
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "a.pyc").write_text("")
    built = tmp_path / "hitforge-1-py3-none-any.whl"
    with zipfile.ZipFile(built, "w") as opened:
        for name in ("hitforge/__init__.py", "hitforge/py.typed", "tests/test_a.py", "hitforge-1.dist-info/METADATA"):
            opened.writestr(name, "")
    assert wheel.differences(built, package) == ["lacks hitforge/recipes/demo.yaml", "holds tests/test_a.py"]


def test_a_wheel_that_does_not_run_ends_with_what_it_said(wheel: Any, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "hitforge").write_text("#!/bin/sh\necho no recipes here >&2\nexit 3\n")
    (programs / "hitforge").chmod(0o755)
    with pytest.raises(SystemExit, match=r"(?s)ended with 3.*no recipes here"):
        wheel.use(programs, tmp_path / "empty")
