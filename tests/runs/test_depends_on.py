"""Where a network of another run is found; how it is used stands in test_reconstruct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.config import dump_yaml
from hitforge.core.errors import RunError
from hitforge.core.progress import Progress
from hitforge.recipe.recipe import Recipe, read_recipe
from hitforge.runs.depends_on import provide, to_train_first
from hitforge.runs.folder import claim
from hitforge.runs.run import Session, run

pytest.importorskip("acts")


def recipe(folder: Path, name: str, **changed: Any) -> Recipe:
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    blocks = {
        "detector": {"name": "silicon_barrel_endcap"},
        "source": {"name": "fatras"},
        "representation": {"name": "track_graph"},
        "model": {"name": "edge_filter"},
        "task": {"name": "classify_edges"},
        "training": {"monitor": "edge_auc", "batch_size": 1},
        **changed,
    }
    path.write_text(dump_yaml(blocks))
    return read_recipe(path)


FILTERED = {"depends_on": {"filter": "filter.yaml"}, "representation": {"name": "track_graph", "edges": "filtered"}}


class ReachedError(Exception):
    pass


def refuse(needed: Recipe, where: Path) -> Path:
    raise ReachedError(where)


def finished(needed: Recipe, folder: Path) -> None:
    """A run that went to its end, but lost what its representation learned: using it fails there."""
    claim(folder, needed, resume=False)
    (folder / "provenance.json").write_text(json.dumps({}))


def test_nothing_is_asked_for_where_nothing_is_needed(tmp_path: Path) -> None:
    plain = recipe(tmp_path, "plain")
    provide(plain, tmp_path / "run", refuse, Progress())  # would raise if it asked for a run
    assert plain.representation is not None
    assert plain.representation.depends_on == ()
    assert not (tmp_path / "run").exists()


def test_what_is_not_there_is_trained_in_the_run(tmp_path: Path) -> None:
    recipe(tmp_path, "filter")
    with pytest.raises(ReachedError) as caught:
        provide(recipe(tmp_path, "main", **FILTERED), tmp_path / "run", refuse, Progress())
    assert caught.value.args[0] == tmp_path / "run" / "depends_on" / "filter"


@pytest.mark.parametrize("place", ["runs/main/depends_on/filter", "runs/filter"])
@pytest.mark.parametrize("asks", ["runs/main", "runs/main/compare/wider"])
def test_a_finished_run_of_the_same_recipe_is_used(tmp_path: Path, place: str, asks: str) -> None:
    finished(recipe(tmp_path, "filter"), tmp_path / place)
    with pytest.raises(RunError, match="windows of the graph must be readable"):
        provide(recipe(tmp_path, "main", **FILTERED), tmp_path / asks, refuse, Progress())


def test_a_run_of_another_recipe_is_not_used(tmp_path: Path) -> None:
    finished(
        recipe(tmp_path, "filter", training={"monitor": "edge_auc", "batch_size": 1, "seed": 7}),
        tmp_path / "runs" / "filter",
    )
    recipe(tmp_path, "filter")
    with pytest.raises(ReachedError):
        provide(recipe(tmp_path, "main", **FILTERED), tmp_path / "runs" / "main", refuse, Progress())


def test_a_recipe_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"'depends_on.filter' must name a recipe.*filter\.yaml"):
        provide(recipe(tmp_path, "main", **FILTERED), tmp_path / "run", refuse, Progress())


def test_all_that_must_be_trained_first_is_known_before(tmp_path: Path) -> None:
    main = recipe(tmp_path, "main", **FILTERED)
    with pytest.raises(RunError, match=r"'depends_on.filter' must name a recipe.*filter\.yaml"):
        to_train_first(main, tmp_path / "runs" / "main")
    needed = recipe(tmp_path, "filter")
    assert [one.name for one in to_train_first(main, tmp_path / "runs" / "main")] == ["filter"]
    finished(needed, tmp_path / "runs" / "filter")
    assert to_train_first(main, tmp_path / "runs" / "main") == []


def test_a_needed_recipe_that_is_not_there_is_said_before_the_first_event(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"'depends_on.filter' must name a recipe"):
        run(recipe(tmp_path, "main", **FILTERED), tmp_path / "run", Session(tmp_path / "samples"))
    assert [path.name for path in tmp_path.iterdir()] == ["main.yaml"]
