"""What a run would take is told stage by stage, and nothing of the trial stays."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from hitforge.core.errors import RunError
from hitforge.recipe.recipe import read_recipe
from hitforge.runs.estimate import StageEstimate, estimate
from hitforge.runs.run import Session
from tests.tiny import TINY, tiny


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


def by_name(stages: list[StageEstimate]) -> dict[str, StageEstimate]:
    return {stage.name: stage for stage in stages}


def test_each_stage_is_estimated_and_nothing_stays(tmp_path: Path) -> None:
    stages = by_name(estimate(tiny(), tmp_path / "run", Session(tmp_path / "samples")))
    assert list(stages) == [
        "sample", "fit", "train", "evaluate", "comparison: energy only", "boosted_trees", "compare", "report",
    ]  # fmt: skip
    assert stages["sample"].events == 600
    assert 100e3 < stages["sample"].disk < 1e6
    known = [stage for name, stage in stages.items() if name not in ("report", "fit")]
    assert all(stage.seconds is not None and stage.seconds > 0 for stage in known)
    assert stages["report"].seconds is None
    assert "2 epochs of" in stages["train"].note
    assert [path.name for path in tmp_path.iterdir()] == ["tmp"]
    assert not list(tmp_path.rglob("hitforge-*"))


def test_time_grows_with_events_and_epochs(session: Session, tmp_path: Path) -> None:
    """The shares of a sample that is there: no clock is compared."""
    session.dataset(tiny())
    alone: dict[str, Any] = {"evaluation": {"saliency": 0}}
    stages = by_name(estimate(tiny(**alone), tmp_path / "run", session))
    assert stages["sample"].note.startswith("is there already")
    assert (stages["sample"].seconds, stages["sample"].disk) == (0, 0)
    training = {**TINY["training"], "epochs": 2000}
    longer = by_name(estimate(tiny(**alone, training=training), tmp_path / "run", session))
    assert (longer["train"].seconds or 0) > 50 * (stages["train"].seconds or 0)


def test_a_finished_run_is_compared_with_its_estimate(finished: Path, session: Session, tmp_path: Path) -> None:
    """Every stage of a run's own times is there, but for what surrounds them."""
    wall = json.loads((finished / "provenance.json").read_text())["wall_s"]
    names = set(by_name(estimate(tiny(), tmp_path / "run", session)))
    assert set(wall) - names == {"describe", "comparisons", "other", "total"}


def test_runs_that_must_come_first_are_estimated_too(session: Session, tmp_path: Path) -> None:
    alone = {**TINY, "evaluation": {"saliency": 0}}
    (tmp_path / "first.yaml").write_text(yaml.safe_dump(alone))
    (tmp_path / "main.yaml").write_text(
        yaml.safe_dump({**alone, "training": {**TINY["training"], "start_from": "first.yaml"}})
    )
    stages = by_name(estimate(read_recipe(tmp_path / "main.yaml"), tmp_path / "run", session))
    assert {"start: train", "train"} <= set(stages)


def test_what_a_few_events_cannot_tell_is_said(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RunError("no such luck")

    monkeypatch.setattr("hitforge.runs.estimate.network_of", fail)
    stages = by_name(estimate(tiny(), tmp_path / "run", session))
    (lost,) = [stage for name, stage in stages.items() if stage.seconds is None and name not in ("report",)][:1]
    assert "no such luck" in lost.note
    assert (stages["boosted_trees"].seconds or 0) > 0


def test_a_recipe_to_start_from_is_looked_for_where_a_run_does(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What --set names stands where the command is given, and not beside the recipe."""
    alone = {**TINY, "evaluation": {"saliency": 0}}
    (tmp_path / "recipes").mkdir()
    (tmp_path / "first.yaml").write_text(yaml.safe_dump(alone))
    (tmp_path / "recipes" / "main.yaml").write_text(yaml.safe_dump(alone))
    monkeypatch.chdir(tmp_path)
    recipe = read_recipe("recipes/main.yaml", ["training.start_from=first.yaml"])
    assert "start: train" in by_name(estimate(recipe, tmp_path / "run", session))
    wrong = read_recipe("recipes/main.yaml", ["training.start_from=nowhere"])
    with pytest.raises(RunError, match="must name a recipe or a run"):
        estimate(wrong, tmp_path / "run", session)
