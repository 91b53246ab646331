"""Who may write into a run folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hitforge.core.config import dump_yaml
from hitforge.core.errors import ConfigError, RunError
from hitforge.recipe.recipe import read_recipe
from hitforge.runs.folder import add_to_provenance, claim, finish, is_done, open_recipe, undone
from tests.tiny import TINY, tiny


def test_claim_then_resume_then_finish(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    claim(folder, tiny(), resume=False)
    assert open_recipe(folder).resolved == tiny().resolved
    with pytest.raises(RunError, match="--resume"):
        claim(folder, tiny(), resume=False)
    claim(folder, tiny(), resume=True)
    assert not is_done(folder)
    finish(folder, {"seed": 1})
    assert is_done(folder)
    add_to_provenance(folder, {"wall_s": {"total": 2.0}})
    record = json.loads((folder / "provenance.json").read_text())
    assert (record["seed"], record["wall_s"], record["settings"]) == (1, {"total": 2.0}, [])


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"recipe\.yaml"):
        open_recipe(tmp_path)


def test_a_run_knows_what_changed_its_recipe_and_where_the_files_are_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "recipes" / "mine.yaml"
    path.parent.mkdir()
    path.write_text(dump_yaml(TINY))
    claim(tmp_path / "run", read_recipe(path, ["training.epochs=3", "training.lr=0.1"]), resume=False)
    again = open_recipe(tmp_path / "run")
    assert (again.name, again.folder) == ("mine", path.parent)
    assert again.settings == ("training.epochs=3", "training.lr=0.1")
    longer = open_recipe(tmp_path / "run", ["training.epochs=4"])
    assert longer.training.epochs == 4
    assert longer.settings == ("training.lr=0.1", "training.epochs=4")
    claim(tmp_path / "run", longer, resume=True)
    finish(tmp_path / "run", {})
    record = json.loads((tmp_path / "run" / "provenance.json").read_text())
    assert record["settings"] == ["training.lr=0.1", "training.epochs=4"]
    path.unlink()
    path.parent.rmdir()
    assert open_recipe(tmp_path / "run").folder == tmp_path / "run"


def test_a_new_run_that_is_refused_leaves_no_folder_and_an_interrupted_one_stays(tmp_path: Path) -> None:
    for new, error, stays in ((True, ConfigError, False), (True, KeyboardInterrupt, True), (False, ConfigError, True)):
        claim(tmp_path / "run", tiny(), resume=True)
        with pytest.raises(error), undone(tmp_path / "run", new):
            raise error("no")
        assert (tmp_path / "run").exists() == stays


def test_a_run_that_was_killed_while_it_began_is_begun_again(tmp_path: Path) -> None:
    (tmp_path / ".recipe.yaml.123.tmp").write_text("title: half a rec")
    claim(tmp_path, tiny(), resume=True)
    assert open_recipe(tmp_path).hash() == tiny().hash()
    (tmp_path / "recipe.yaml").unlink()
    (tmp_path / "other.tmp").write_text("")
    with pytest.raises(RunError, match="other files"):
        claim(tmp_path, tiny(), resume=True)


def test_a_run_of_an_older_version_is_called_by_its_folder(tmp_path: Path) -> None:
    claim(tmp_path / "old", tiny(), resume=False)
    (tmp_path / "old" / "origin.json").unlink()
    assert open_recipe(tmp_path / "old").name == "old"


def test_a_file_is_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="a run must have a folder; got: a file"):
        claim(tmp_path / "file", tiny(), resume=False)
