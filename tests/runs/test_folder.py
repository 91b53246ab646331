"""Who may write into a run folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hitforge.core.errors import RunError
from hitforge.runs.folder import claim, finish, is_done, open_recipe, timed
from tests.tiny import tiny


def test_claim_then_resume_then_finish(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    claim(folder, tiny(), resume=False)
    assert open_recipe(folder).resolved == tiny().resolved
    with pytest.raises(RunError, match="--resume"):
        claim(folder, tiny(), resume=False)
    claim(folder, tiny(), resume=True)
    assert not is_done(folder)
    for _ in range(2):
        with timed(folder, "train"):
            pass
    finish(folder, {"seed": 1})
    assert is_done(folder)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"recipe\.yaml"):
        open_recipe(tmp_path)


def test_interrupted_stage_is_not_counted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="stop"), timed(tmp_path, "train"):
        raise ValueError("stop")
    assert not (tmp_path / "times.json").exists()


def test_a_run_that_was_killed_while_it_began_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / ".recipe.yaml.123.tmp").write_text("title: half a rec")
    claim(tmp_path, tiny(), resume=True)
    assert open_recipe(tmp_path).hash() == tiny().hash()
    (tmp_path / "recipe.yaml").unlink()
    (tmp_path / "other.tmp").write_text("")
    with pytest.raises(RunError, match="other files"):
        claim(tmp_path, tiny(), resume=True)
