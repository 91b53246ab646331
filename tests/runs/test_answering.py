"""A worker answers as the method does, in both formats, and loses no event."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.metrics import Predictions
from hitforge.runs import answering
from hitforge.runs.answering import Question, Work, answer_for, answers_of, start_worker
from hitforge.runs.answers import read_answers
from hitforge.runs.folder import open_recipe
from hitforge.runs.inputs import Inputs
from hitforge.runs.measure import read_predictions
from hitforge.runs.run import Session
from hitforge.runs.trained import load
from tests.runs.test_answers import same


class _Queue(queue.SimpleQueue[int]):
    pass


def answered(run: Path, session: Session, out: Path, ending: str, **asked: Any) -> tuple[Predictions, dict[str, Any]]:
    """Answers for the test events of a run's sample, as a worker gives them, and what it counts."""
    question = Question(run, splits=("test",), to=ending, **asked)  # type: ignore[arg-type]
    work = Work(question, Inputs(None, ("test",)), out, {})
    start_worker(work, _Queue())
    name = str(session.dataset(open_recipe(run)).path)
    entry = answer_for(work, 0, {"path": name, "name": name, "output": f"a.{ending}"})
    assert "error" not in entry, entry
    again = answer_for(work, 0, entry)
    assert again is entry  # done already
    return read_answers(out / f"a.{ending}"), entry


def without_hits(events: Events, which: list[int]) -> Events:
    """The same events, some of which have no hits; no truth but the fields."""
    empty = np.isin(np.arange(len(events)), which)
    return Events({"hits": events.hits.select_rows(~empty[events.hits.event])}, events.fields, events.info)


@pytest.mark.parametrize("ending", ["parquet", "root"])
def test_a_classification(ending: str, finished: Path, session: Session, tmp_path: Path) -> None:
    told, entry = answered(finished, session, tmp_path, ending)
    known = read_predictions(finished)
    assert list(told.columns) == ["file", "event", "part", "score_photon", "score_electron"]
    np.testing.assert_array_equal(told.score, known.score)
    assert told.columns["event"].tolist() == list(range(200))
    assert (told.classes, told.signal, entry["events"], entry["unanswered"]) == (known.classes, known.signal, 200, 0)
    trees, _ = answered(finished, session, tmp_path / "trees", ending, method="boosted trees", truth=True)
    beside = read_predictions(finished / "baselines" / "boosted_trees")
    for name in ("target", "pt", "eta", "score_photon"):
        np.testing.assert_array_equal(trees.columns[name], beside.columns[name])


@pytest.mark.parametrize("ending", ["parquet", "root"])
def test_a_regression(ending: str, regression: Path, session: Session, tmp_path: Path) -> None:
    told, entry = answered(regression, session, tmp_path, ending)
    known = read_predictions(regression)
    names = ["predicted_energy", *(f"predicted_barycentre_{axis}" for axis in "xyz")]
    assert list(told.columns) == ["file", "event", "part", *names]
    for name in names:
        np.testing.assert_array_equal(told.columns[name], known.columns[name])
    assert entry["unanswered"] == 0
    if ending == "parquet":
        schema = pq.read_schema(tmp_path / "a.parquet")
        assert [schema.field(name).metadata[b"unit"] for name in names] == [b"GeV", b"mm", b"mm", b"mm"]
    both, _ = answered(regression, session, tmp_path / "truth", ending, truth=True)
    np.testing.assert_array_equal(both.columns["true_energy"], known.columns["true_energy"])
    np.testing.assert_array_equal(both.columns["energy"], known.columns["energy"])


@pytest.mark.parametrize("ending", ["parquet", "root"])
def test_objects(ending: str, objects: Path, session: Session, tmp_path: Path) -> None:
    told, _ = answered(objects, session, tmp_path, ending)
    known = read_predictions(objects)
    assert set(told.tables) == {"showers", "members", "measured"}
    assert list(told.columns) == ["file", "event", "part"]
    np.testing.assert_array_equal(told.tables["showers"]["energy"], known.tables["showers"]["energy"])
    for key in ("shower", "hit", "weight"):
        np.testing.assert_array_equal(told.tables["members"][key], known.tables["members"][key])
    both, entry = answered(objects, session, tmp_path / "truth", ending, truth=True)
    same(Predictions({}, tables=both.tables), Predictions({}, tables=known.tables))
    assert entry["truth"] is True


def test_events_without_hits_are_answered_by_nothing_and_counted(
    finished: Path, regression: Path, objects: Path, session: Session
) -> None:
    for run in (finished, regression, objects):
        trained, events = load(run), next(iter(session.dataset(open_recipe(run)).read("test")))
        whole, like, none = answers_of(trained, events)
        assert none == 0
        some = without_hits(events, [1])
        part, _, none = answers_of(trained, some)
        assert none == 1
        assert part.columns["event"].tolist() == events.field("event").tolist()
        for name, values in part.columns.items():
            if name.startswith(("score_", "predicted_")):
                assert np.flatnonzero(np.isnan(values)).tolist() == [1]
                np.testing.assert_array_equal(np.delete(values, 1), np.delete(whole.columns[name], 1))
        for name, rows in part.tables.items():
            assert rows.counts[1] == 0
            assert np.delete(rows.counts, 1).tolist() == np.delete(whole.tables[name].counts, 1).tolist()
        nothing = without_hits(events, list(range(len(events))))
        with pytest.raises(DataError, match="must have hits"):
            answers_of(trained, nothing)
        bare, _, none = answers_of(trained, nothing, like=like)
        assert none == len(events) == len(bare)
        assert set(bare.columns) == set(whole.columns)


def test_what_finds_no_shower_answers_by_nan(regression: Path, session: Session) -> None:
    trained, events = load(regression), next(iter(session.dataset(open_recipe(regression)).read("test")))
    dark = np.where(events.hits.event == 2, 0.0, events.hits["energy"])
    hits = Collection(events.hits.offsets, {**events.hits.columns, "energy": dark})
    told, _, none = answers_of(trained, Events({"hits": hits}, events.fields, events.info))
    assert none == 1
    assert np.flatnonzero(np.isnan(told.columns["predicted_energy"])).tolist() == [2]


def test_events_without_hits_wait_for_the_first_that_have_some(
    finished: Path, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = next(iter(session.dataset(open_recipe(finished)).read("test")))
    nothing = without_hits(events, list(range(len(events))))
    shards = [nothing, events, nothing]
    monkeypatch.setattr(Inputs, "read", lambda self, name, number, detector: iter(shards))
    monkeypatch.setattr(Inputs, "hash", lambda self, name, detector: "0" * 64)
    work = Work(Question(finished), Inputs(None), tmp_path, {})
    start_worker(work, _Queue())
    entry = answer_for(work, 0, {"path": "x", "name": "x", "output": "a.parquet"})
    assert (entry["events"], entry["unanswered"]) == (300, 200)
    told = read_answers(tmp_path / "a.parquet")
    assert np.isnan(told.score).tolist() == [True] * 100 + [False] * 100 + [True] * 100
    shards[1:] = [nothing]
    entry = answer_for(work, 0, {"path": "x", "name": "x", "output": "b.parquet"})
    assert "must have hits" in entry["error"]
    assert not (tmp_path / "b.parquet").exists()


def test_what_goes_wrong_names_the_file_and_leaves_none(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise ValueError("of a library\nwith lines")

    monkeypatch.setattr(answering, "_write", fail)
    monkeypatch.setattr(Inputs, "hash", lambda self, name, detector: "0" * 64)
    work = Work(Question(finished), Inputs(None), tmp_path, {})
    start_worker(work, _Queue())
    (tmp_path / "a.parquet").write_text("of a content that was there before")
    entry = answer_for(work, 0, {"path": "x", "name": "x.h5", "output": "a.parquet"})
    assert entry["error"] == "ValueError: of a library with lines (in x.h5)"
    assert list(tmp_path.iterdir()) == []
