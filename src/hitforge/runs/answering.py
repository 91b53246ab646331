"""What a worker process of ``predict`` does: load the method once, and answer for one file after the other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hitforge.core.arrays import Array
from hitforge.core.errors import DataError, HitforgeError
from hitforge.core.files import sha256
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.events.losses import losses_of
from hitforge.events.schema import ORIGIN
from hitforge.metrics import Predictions
from hitforge.recipe.blocks import Block
from hitforge.runs.answers import Format, answer_file
from hitforge.runs.inputs import Inputs
from hitforge.runs.trained import Trained, load


@dataclass(frozen=True)
class Question:
    """Which method is to answer, and how.

    Attributes:
        run: A finished run.
        method: Label or name of one of its methods; its own if None.
        reader: Format of the files; the one of the run's recipe, or the only one that opens them, if empty.
        settings: Of the reader.
        detector: Block of the detector of the files; the run's own if None.
        splits: Parts of datasets that are answered for.
        to: Format of the files of answers.
        truth: Set the answers beside the truth, where a file has it.
    """

    run: Path
    method: str | None = None
    reader: str = ""
    settings: Block = field(default_factory=dict)
    detector: Block | None = None
    splits: tuple[str, ...] = ("train", "validation", "test")
    to: Format = "parquet"
    truth: bool = False


@dataclass(frozen=True)
class Work:
    """What a worker must know."""

    question: Question
    inputs: Inputs
    out: Path
    header: Block


def open_method(question: Question) -> Trained:
    """The method of a question, on one thread, and on another grid where that is asked for.

    Raises:
        ConfigError: The detector does not fit: images need cells alone, everything else was learned with its geometry.
    """
    settings = {"training.threads": 1}
    trained = load(question.run, question.method, settings=settings)
    if question.detector is None:
        return trained
    detector = DETECTORS.build(question.detector, where="--detector")
    if detector.block == trained.detector.block:
        return trained
    return load(question.run, question.method, detector, settings=settings)


_here: dict[str, Any] = {}


def start_worker(work: Work, queue: Any) -> None:
    """Load the method once."""
    _here["trained"] = open_method(work.question)
    _here["queue"] = queue
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def answer_for(work: Work, number: int, entry: dict[str, Any]) -> dict[str, Any]:
    """Answer for one input, unless that is done; return its entry, with ``error`` where it went wrong."""
    plain = {name: entry[name] for name in ("path", "name", "output")}
    trained, output = _here["trained"], work.out / entry["output"]
    try:
        found = work.inputs.hash(entry["name"], trained.detector)
        if entry.get("sha256") == found and output.exists() and sha256(output) == entry.get("output_sha256"):
            return entry
        header = {**work.header, "input": entry["name"], "input_sha256": found, "file": number}
        told = _write(work, trained, entry["name"], number, output, header)
        return {**plain, "sha256": found, **told, "output_sha256": sha256(output)}
    except HitforgeError as error:
        text = str(error)
    except Exception as error:  # of a library that the method or the reader calls
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    output.unlink(missing_ok=True)
    return {**plain, "error": text if entry["name"] in text else f"{text} (in {entry['name']})"}


def _write(work: Work, trained: Trained, name: str, number: int, output: Path, header: Block) -> dict[str, Any]:
    """Write the answers of an input, part by part, and return what is counted."""
    question, counts = work.question, {"events": 0, "unanswered": 0}
    dropped: dict[str, float] = {}
    known, empty = False, []
    with answer_file(output, header, _units(trained)) as write:
        like: Predictions | None = None
        for events in work.inputs.read(name, number, trained.detector):
            for one in losses_of([events], []):
                label = f"{one.name} [{one.info.unit}]" if one.info.unit else one.name
                before = dropped.get(label, 0.0)
                dropped[label] = max(before, one.value) if one.info.loss == "largest" else before + one.value
            truth = question.truth and _knows(trained, events)
            known |= truth
            counts["events"] += len(events)
            if not (events.measured.counts > 0).any() and like is None:
                empty.append(events)  # what the columns are, events with hits will tell
                continue
            part, like, none = answers_of(trained, events, truth=truth, like=like)
            for early in empty:
                write(_spread(like, early, np.zeros(len(early), bool)))
                counts["unanswered"] += len(early)
            empty = []
            write(part)
            counts["unanswered"] += none
            _here["queue"].put(len(events))
        if not counts["events"]:
            raise DataError("the input must hold events", came="none", where=name)
        if empty:
            raise DataError("an event must have hits to be answered for", came="none in all events", where=name)
    return {**counts, **({"truth": known} if question.truth else {}), **({"dropped": dropped} if dropped else {})}


def _knows(trained: Trained, events: Events) -> bool:
    """True if events have the truth; a field of that name says so of tracker files."""
    return trained.knows(events) and bool(("truth" not in events.fields) or (events.fields["truth"] > 0).all())


def answers_of(
    trained: Trained, events: Events, *, truth: bool = False, like: Predictions | None = None
) -> tuple[Predictions, Predictions, int]:
    """Return the answers for events, with NaN or nothing where there can be none.

    Args:
        trained: The method.
        events: N events, with the fields that say where they come from.
        truth: Beside the truth.
        like: Columns of other answers, for events of which none has hits.

    Returns:
        ``file``, ``event`` and the answers of N events; the columns alone; the number of events without an answer.
    """
    some = events.measured.counts > 0  # (N,)
    if some.any():
        told = trained.answer(events.take(some), truth=truth)
        wanted = set(ORIGIN) if truth else set(ORIGIN) | set(trained.recipe.evaluation.fields)
        columns = {name: values for name, values in told.columns.items() if name not in wanted}
        none = _nothing_found(columns)
        columns = {
            name: np.where(none, np.nan, values).astype(values.dtype) if name.startswith("predicted_") else values
            for name, values in columns.items()
        }
        like = Predictions(columns, told.classes, told.signal, told.tables)
        lost = int(none.sum())
    elif like is None:
        raise DataError("an event must have hits to be answered for", came=f"none in {len(events)} events")
    else:
        lost = 0
    return _spread(like, events, some), _columns_of(like), lost + int((~some).sum())


def _nothing_found(columns: Mapping[str, Array]) -> Array:
    """Events in which a regression found nothing: all that it predicts is 0, (N,)."""
    predicted = [values for name, values in columns.items() if name.startswith("predicted_")]
    if not predicted:
        return np.zeros(len(next(iter(columns.values()))) if columns else 0, bool)
    result: Array = (np.stack(predicted) == 0).all(axis=0)
    return result


def _spread(answers: Predictions, events: Events, some: Array) -> Predictions:
    """Answers of the events ``some`` among all N events, (N,) bool; the others have NaN, -1 or no objects."""
    count, columns = len(events), {name: events.fields[name] for name in ORIGIN if name in events.fields}
    for name, values in answers.columns.items():
        full = np.full(count, np.nan if values.dtype.kind == "f" else -1, values.dtype)
        full[some] = values[: int(some.sum())]
        columns[name] = full
    tables = {}
    for name, rows in answers.tables.items():
        counts = np.zeros(count, np.int64)
        counts[some] = rows.counts[: int(some.sum())]
        tables[name] = Collection.from_counts(counts, rows.columns if some.any() else _columns_of_rows(rows))
    return Predictions(columns, answers.classes, answers.signal, tables)


def _columns_of(answers: Predictions) -> Predictions:
    """The columns of answers, with no event."""
    tables = {name: Collection(np.zeros(1, np.int64), _columns_of_rows(rows)) for name, rows in answers.tables.items()}
    return Predictions({n: v[:0] for n, v in answers.columns.items()}, answers.classes, answers.signal, tables)


def _columns_of_rows(rows: Collection) -> dict[str, Array]:
    return {name: values[:0] for name, values in rows.columns.items()}


def _units(trained: Trained) -> dict[str, str]:
    """Unit of each column that has one."""
    kind = trained.recipe.object_kind
    tables = {} if kind is None else kind.units
    return {**trained.task.units, **{f"{name}.{key}": unit for name, of in tables.items() for key, unit in of.items()}}
