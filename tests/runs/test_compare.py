"""Runs are compared event by event, but only where the events are the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.report.results import read_run
from hitforge.runs.compare import _common, compare_runs, write_compared
from hitforge.runs.measure import flat_values
from hitforge.runs.run import Session, evaluate, run
from tests.tiny import TINY, tiny


@pytest.fixture(scope="module")
def other(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = tiny(training={**TINY["training"], "seed": 2}, evaluation={"saliency": 0, "metrics": ["roc_auc"]})
    return run(recipe, tmp_path_factory.mktemp("other") / "second", session)


def test_runs_on_the_same_events_are_paired(finished: Path, other: Path) -> None:
    found = compare_runs([finished, other])
    assert found.labels == ("plain cnn (tiny)", "plain cnn (second)")
    (pair,) = found.pairs
    assert pair.unpaired == ""
    own, theirs = (flat_values(folder)["test.roc_auc"] for folder in (finished, other))
    assert pair.differences["roc_auc_difference"]["value"] == pytest.approx(own - theirs)
    assert pair.settings["training.seed"] == (1, 2)
    assert "evaluation.baselines" in pair.settings
    assert "title" not in pair.settings
    assert not any(key.startswith("source") for key in pair.settings)


def test_runs_on_other_events_stand_beside_each_other(finished: Path, session: Session, tmp_path: Path) -> None:
    elsewhere = evaluate(finished, tmp_path / "elsewhere", session, {"source.seed": 5, "source.train": 0})
    (pair,) = compare_runs([finished, elsewhere]).pairs
    assert "different test events" in pair.unpaired
    assert pair.differences == {}
    assert pair.settings["source.seed"] == (1, 5)


def test_a_comparison_is_written_as_a_run_that_a_report_can_show(finished: Path, other: Path, tmp_path: Path) -> None:
    found = compare_runs([finished, other])
    write_compared(found, tmp_path / "both")
    told = read_run(tmp_path / "both")
    assert [one.label for one in told.methods] == list(found.labels)
    assert told.methods[1].metrics["test.roc_auc"]["value"] == flat_values(other)["test.roc_auc"]
    assert [pair["second"] for pair in told.comparisons] == [found.labels[1]]
    assert flat_values(tmp_path / "both")["run_2:test.roc_auc"] == flat_values(other)["test.roc_auc"]
    (tmp_path / "file").touch()
    for taken in ("both", "file"):
        with pytest.raises(RunError, match="must be empty"):
            write_compared(found, tmp_path / taken)


def test_what_cannot_be_compared_is_said(finished: Path, tmp_path: Path) -> None:
    for folders in ([finished], [finished, finished]):
        with pytest.raises(RunError, match="two or more different runs"):
            compare_runs(folders)
    with pytest.raises(RunError, match="no finished run"):
        compare_runs([finished, tmp_path])
    copy = Path(shutil.copytree(finished, tmp_path / "copy"))
    (copy / "metrics.json").write_text("{")
    with pytest.raises(DataError, match=r"metrics\.json must be readable"):
        compare_runs([finished, copy])
    shutil.copyfile(finished / "metrics.json", copy / "metrics.json")
    record = json.loads((copy / "provenance.json").read_text())
    del record["dataset"]
    (copy / "provenance.json").write_text(json.dumps(record))
    assert compare_runs([finished, copy]).pairs[0].unpaired


def test_objects_are_compared_whatever_the_task_and_events_of_one_task() -> None:
    def recipe(task: str, *metrics: tuple[str, str | None]) -> Any:
        made = (SimpleNamespace(name=name, kind=kind, config=0, truth=True) for name, kind in metrics)
        return SimpleNamespace(task=SimpleNamespace(name=task), metrics=tuple(made))

    both = (("roc_auc", None), ("tracking_efficiency", "track"))
    edges, windows = recipe("classify_edges", *both), recipe("condense_tracks", *both)
    assert [one.name for one in _common(edges, windows, truth=True)] == ["tracking_efficiency"]
    assert [one.name for one in _common(edges, edges, truth=True)] == ["roc_auc", "tracking_efficiency"]
    assert not _common(edges, windows, truth=False)
