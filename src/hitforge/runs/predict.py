"""A trained method answers for many files, in several processes; what is done is not done again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hitforge import __version__
from hitforge.core.errors import ConfigError, RunError
from hitforge.core.files import is_temporary, remove_temporaries, write_text
from hitforge.core.lock import hold
from hitforge.core.progress import Progress, Step
from hitforge.core.workers import CONTEXT, in_processes
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Dataset
from hitforge.recipe.blocks import Block
from hitforge.runs.answering import Question, Work, answer_for, open_method, start_worker
from hitforge.runs.answers import Format, read_manifest
from hitforge.runs.inputs import Inputs, guess_reader, is_dataset, name_inputs, reader_block, with_datasets
from hitforge.runs.trained import Trained

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")  # fmt: skip
_VERSION = 1


def predict(
    question: Question,
    names: Sequence[str],
    out: Path,
    *,
    workers: int = 1,
    keep_going: bool = True,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Answer for files and datasets, one file of answers each; see ``hitforge.runs.answers.read_answers``.

    ``predictions.json`` lists them, and what each was made from. A file whose content and method are as they were is
    left as it is. Events without hits, and those in which a regression finds no shower, have NaN and no objects, and
    are counted as ``unanswered``.

    Args:
        question: Which method, and how.
        names: Files, patterns, folders of datasets.
        out: Folder of the answers; new, or one of the same question.
        workers: Processes, each with one thread.
        keep_going: Do the other files where one is broken.
        progress: Is told of each file.

    Returns:
        What ``predictions.json`` holds.

    Raises:
        ConfigError: The method, reader or detector do not fit.
        RunError: The folder belongs to another question or another process works in it, or a file could not be answered
            for.
    """
    progress = progress or Progress()
    names = with_datasets(names)
    if not names:
        raise ConfigError("there must be a file to answer for", came="none")
    _refuse_ignored(question, names)
    trained, inputs = _open(question, names)
    found = name_inputs(names, inputs.reader, trained.detector)
    plan = {
        "method": trained.label,
        "weights": _hash_of(trained),
        "detector": trained.detector.block,
        "reader": inputs.reader,
        "splits": list(question.splits),
        "to": question.to,
        "truth": question.truth,
    }
    with hold(out):
        files = _claim(out, plan, found, question.to)
        asked = set(map(_whole, found))
        chosen = [number for number, entry in enumerate(files) if entry["path"] in asked]
        broken = _answer(question, inputs, out, plan, files, chosen, max(1, workers), keep_going, progress)
    if broken:
        done = sum("error" not in files[number] and "events" in files[number] for number in chosen)
        raise RunError(
            "every file must be answered for",
            came=f"{len(broken)} of {len(chosen)} not, {done} are done; the first: {broken[0]}",
            where=out,
            do="mend or leave out what is broken, and repeat the command: what is done is kept",
        )
    return read_manifest(out)


def _answer(
    question: Question,
    inputs: Inputs,
    out: Path,
    plan: Block,
    files: list[dict[str, Any]],
    chosen: list[int],
    workers: int,
    keep_going: bool,
    progress: Progress,
) -> list[str]:
    """Answer for the chosen entries of ``files``, which are renewed, and return what went wrong."""
    header = {"version": _VERSION, "hitforge": __version__, "run": question.run.name, "method": plan["method"]}
    work = Work(question, inputs, out, {**header, "weights": plan["weights"]})
    _save(out, plan, files)
    broken: list[str] = []
    with progress.step("predict", len(chosen), "files") as step, _one_thread():
        told = _Told(step)
        jobs = [(number, files[number]) for number in chosen]
        start = partial(start_worker, work, told.queue)
        for (number, _), entry in in_processes(
            partial(answer_for, work), jobs, workers, out, progress.say, start=start, meanwhile=told.listen
        ):
            files[number] = entry
            _save(out, plan, files)
            told.listen()
            step.advance(1)
            if "error" in entry:
                broken.append(entry["error"])
                progress.say(f"{entry['path']}: {entry['error']}")
                if not keep_going:
                    break
    return broken


def _open(question: Question, names: list[str]) -> tuple[Trained, Inputs]:
    """The method, and how its inputs are opened."""
    files, datasets = ([name for name in names if is_dataset(name) == kind] for kind in (False, True))
    trained = open_method(question)
    for name in datasets:
        _require_detector(name, trained.detector)
    reader = None
    if files:
        name = question.reader or guess_reader(trained.recipe, files, trained.detector)
        reader = reader_block(trained.recipe, name, question.settings, truth=question.truth)
    return trained, Inputs(reader, question.splits)


def _require_detector(name: str, detector: Detector) -> None:
    """Refuse a dataset of another detector."""
    block = Dataset(Path(name)).detector_block
    mine = DETECTORS.build(block, where=name).block
    if mine != detector.block:
        raise ConfigError(
            f"the dataset must be of the detector '{detector.name}', with the same settings",
            came=", ".join(f"{key}: {value}" for key, value in mine.items() if value != detector.block.get(key)),
            where=name,
            do="name the dataset's detector with --detector if images of it fit the method",
        )


def _refuse_ignored(question: Question, names: list[str]) -> None:
    """Refuse what would have no effect."""
    kinds = {is_dataset(name) for name in names}
    if False not in kinds and (question.reader or question.settings):
        raise ConfigError("a reader has no effect on datasets", came=question.reader or question.settings)
    if True not in kinds and set(question.splits) != {"train", "validation", "test"}:
        raise ConfigError("parts are those of datasets: of a file all is answered for", came=", ".join(question.splits))


def _hash_of(trained: Trained) -> str:
    """SHA-256 of what a method learned and of the settings that it answers with."""
    digest = hashlib.sha256()
    recipe = trained.recipe
    for name in ("target", "region", "representation", "model", "task"):
        digest.update(json.dumps(recipe.resolved.get(name), sort_keys=True).encode())
    with tempfile.TemporaryDirectory() as folder:
        trained.method.save(Path(folder))
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _claim(out: Path, plan: Block, names: list[str], to: Format) -> list[dict[str, Any]]:
    """Return the entries of ``predictions.json``: those that are there, and new ones for new inputs.

    Raises:
        RunError: The folder holds something else, or answers of another question.
    """
    files: list[dict[str, Any]] = []
    if (out / "predictions.json").exists():
        there = read_manifest(out)
        differing = [name for name, value in plan.items() if there["plan"].get(name) != json.loads(json.dumps(value))]
        if differing:
            raise RunError(
                "a folder of answers holds those of one method, asked in one way",
                came=f"another {', '.join(differing)}",
                where=out,
                do="choose another --out",
            )
        files = there["files"]
    elif out.exists() and (not out.is_dir() or any(not is_temporary(item) for item in out.iterdir())):
        must = "the folder of the answers must be new"
        raise RunError(must, came="other files", where=out, do="choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    remove_temporaries(out)
    known, taken = {entry["path"]: entry for entry in files}, {entry["output"] for entry in files}
    for name in names:
        path = _whole(name)
        if path in known:
            known[path]["name"] = name  # as it is called from where the command is repeated
        else:
            output = _output(name, to, taken)
            taken.add(output)
            files.append({"path": path, "name": name, "output": output})
    return files


def _whole(name: str) -> str:
    """What tells an input from another one, wherever the command is repeated."""
    return str(Path(name).resolve()) if Path(name).exists() else name


def _output(name: str, to: Format, taken: set[str]) -> str:
    """A name for the answers that no other input has."""
    stem = re.sub(r"(\.[a-zA-Z]\w{0,7})(\.gz)?$", "", Path(name).name) or "answers"  # a dot in a number is no ending
    number, output = 1, f"{stem}.{to}"
    while output in taken:
        number += 1
        output = f"{stem}_{number}.{to}"
    return output


def _save(out: Path, plan: Block, files: list[dict[str, Any]]) -> None:
    write_text(out / "predictions.json", json.dumps({"version": _VERSION, "plan": plan, "files": files}, indent=1))


class _Told:
    """What the workers tell of the events that they are done with."""

    def __init__(self, step: Step) -> None:
        self.queue: Any = CONTEXT.SimpleQueue()
        self._step, self._events = step, 0

    def listen(self) -> None:
        """Show how many events are done."""
        before = self._events
        while not self.queue.empty():
            self._events += self.queue.get()
        if self._events != before:
            self._step.advance(0, f"{self._events} events")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that are started inside have one thread each, so that their numbers do not depend on how many."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
