from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import hitforge
from hitforge.core import provenance


def test_says_what_made_a_result() -> None:
    record = provenance.collect()
    assert json.loads(json.dumps(record)) == record
    assert record["versions"]["hitforge"] == hitforge.__version__
    assert record["versions"]["numpy"] == np.__version__
    assert record["machine"]["cores"] >= 1
    assert record["machine"]["processor"]
    assert record["command"][0] == Path(sys.argv[0]).name  # no folder of the machine
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", record["time"])


def test_names_the_commit_and_marks_a_changed_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        run = subprocess.run(["git", *settings, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return run.stdout.strip()

    source = tmp_path / "src" / "hitforge" / "core" / "provenance.py"
    source.parent.mkdir(parents=True)
    source.write_text("x")
    monkeypatch.setattr(provenance, "__file__", str(source))
    assert provenance.collect()["commit"] is None  # an installed package has no repository
    git("init", "-q")
    assert provenance.collect()["commit"] is None  # nor has a repository without a commit
    git("add", ".")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "HEAD")
    assert provenance.collect()["commit"] == commit
    source.write_text("y")
    assert provenance.collect()["commit"] == f"{commit}-changed"


def test_lives_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert provenance.collect()["commit"] is None
