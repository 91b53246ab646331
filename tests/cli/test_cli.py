"""The command line: each verb does its work, and each mistake is one line that helps."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.cli import app
from tests.cli.conftest import hitforge

VERBS = [command.name for command in app.registered_commands]


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_an_example(verb: str) -> None:
    done = hitforge(verb, "--help")
    assert done.returncode == 0
    assert f"hitforge {verb}" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "no.yaml"), "electron_photon/demo, "),
        (("run", "{recipe}", "--set", "task.nam=3"), "unknown key 'nam'"),
        (("run", "{recipe}", "--set", "taks=3"), "did you mean 'task'"),
        (("inspect", "."), "dataset.json"),
        (("evaluate", ".", "--out", "x"), "unfinished run"),
        (("fetch", "nothing"), "nothing"),
        (("runn",), "No such command"),
    ],
)
def test_mistake_is_one_line_without_a_traceback(
    arguments: tuple[str, ...], message: str, recipe: Path, tmp_path: Path
) -> None:
    done = hitforge(*(text.format(recipe=recipe) for text in arguments), cwd=tmp_path)
    assert done.returncode in (1, 2)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
