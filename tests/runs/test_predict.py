"""A method answers for many files: in any number of processes, after any interruption, the same bytes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, RunError
from hitforge.core.lock import hold
from hitforge.detectors import DETECTORS
from hitforge.readers import READERS
from hitforge.runs.answers import read_answers, read_manifest
from hitforge.runs.folder import open_recipe
from hitforge.runs.measure import read_predictions
from hitforge.runs.predict import Question, predict
from hitforge.runs.run import Session

GRID = {"name": "pixel_grid"}


@pytest.fixture(scope="module")
def files(finished: Path, session: Session, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Images of the test and of the validation events of the small run."""
    folder, dataset = tmp_path_factory.mktemp("files"), session.dataset(open_recipe(finished))
    barrel = DETECTORS.build(dataset.index["description"]["detector"], where="test")
    for name, split in (("run2", "test"), ("run10", "validation")):
        READERS.get("ml4sci_hdf5").write(folder / f"{name}.h5", dataset.read(split), barrel)
    return [str(folder / "run2.h5"), str(folder / "run10.h5")]


def question(run: Path) -> Question:
    return Question(run, reader="ml4sci_hdf5", settings={"shard_events": 30}, detector=GRID)


@pytest.fixture(scope="module")
def reference(finished: Path, files: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Answers for both files, one after the other, with a broken one before them."""
    out = tmp_path_factory.mktemp("answers") / "serial"
    predict(question(finished), files, out, workers=1)
    return out


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir()}


def test_two_files_in_parallel_are_those_one_after_the_other(
    finished: Path, files: list[str], reference: Path, tmp_path: Path
) -> None:
    pattern = str(Path(files[0]).parent / "run*.h5")
    manifest = predict(question(finished), [pattern], tmp_path / "out", workers=2)
    assert contents(tmp_path / "out") == contents(reference)
    assert [(e["output"], e["events"], e["unanswered"]) for e in manifest["files"]] == [
        ("run2.parquet", 200, 0), ("run10.parquet", 100, 0),
    ]  # fmt: skip
    told = read_answers(tmp_path / "out")
    assert told.columns["file"].tolist() == [0] * 200 + [1] * 100
    assert told.columns["event"].tolist() == [*range(200), *range(100)]
    # the images are windows of 32 x 32 crystals around the seed, which the network's 8 x 8 lie in
    np.testing.assert_allclose(told.score[:200], read_predictions(finished).score, atol=1e-4)


def test_what_is_done_is_kept_and_what_has_changed_is_done_again(
    finished: Path, files: list[str], reference: Path, tmp_path: Path
) -> None:
    inputs = [tmp_path / Path(name).name for name in files]
    for mine, name in zip(inputs, files, strict=True):
        mine.write_bytes(Path(name).read_bytes())
    out, broken = tmp_path / "out", tmp_path / "run1.h5"
    broken.write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"1 of 3 not, 2 are done; the first: .*run1\.h5"):
        predict(question(finished), [str(broken), *map(str, inputs)], out, workers=1)
    entry, *_ = read_manifest(out)["files"]
    assert "the file must be whole and readable" in entry["error"]
    assert "sha256" not in entry
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert len(before) == 2
    broken.write_bytes(inputs[1].read_bytes())  # it is mended, and another one has changed
    inputs[1].write_bytes(Path(files[0]).read_bytes())
    predict(question(finished), [str(broken), *map(str, inputs)], out, workers=1)
    after = {path: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert after[out / "run2.parquet"] == before[out / "run2.parquet"]
    assert after[out / "run10.parquet"] > before[out / "run10.parquet"]
    events = [entry["events"] for entry in read_manifest(out)["files"]]
    assert events == [100, 200, 200]
    told = read_answers(out)
    np.testing.assert_array_equal(told.score[:100], read_answers(reference / "run10.parquet").score)


def test_a_killed_process_leaves_nothing_half_and_the_same_bytes_when_repeated(
    finished: Path, files: list[str], reference: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "hitforge", "predict", str(finished), *files, "--out", str(out), "--workers", "1",
               "--from", "ml4sci_hdf5", "--detector", "pixel_grid", "--set", "shard_events=30"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not any(out.glob("*.parquet")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {path.name for path in out.glob("*.parquet")} <= {"run2.parquet", "run10.parquet"}
    for path in out.glob("*.parquet"):
        read_answers(path)
    for process_id in (999999999, os.getpid()):  # gone for good, or still in the table of processes
        (out / f".run10.parquet.{process_id}.tmp").write_bytes(b"left by a process that was killed")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "160"})
    assert done.returncode == 0, done.stderr
    assert contents(out) == contents(reference)


def test_a_folder_holds_the_answers_to_one_question(finished: Path, files: list[str], reference: Path) -> None:
    before = contents(reference)
    for other in ({"truth": True}, {"method": "boosted trees"}, {"to": "root"}, {"settings": {"shard_events": 31}}):
        asked = Question(**{**vars(question(finished)), **other})
        with pytest.raises(RunError, match=f"another .*{'truth|method|to|reader'}.*choose another --out"):
            predict(asked, files, reference)
    with pytest.raises(RunError, match="must be new; got: other files"):
        predict(question(finished), files, Path(files[0]).parent)
    assert contents(reference) == before


@pytest.mark.parametrize(
    ("asked", "names", "message"),
    [
        ({"method": "bosted trees"}, "files", "did you mean 'boosted trees'"),
        ({"detector": {"name": "hgcal"}}, "files", "the detector must be that of the run.*'hgcal'"),
        (
            {"detector": {"name": "pixel_grid", "rows": 4, "columns": 4}, "reader": "", "settings": {}},
            "dataset",
            "must be of the detector 'pixel_grid'",
        ),
        ({"splits": ("test",)}, "files", "parts are those of datasets"),
        ({"reader": "ml4sci_hdf5", "detector": None, "settings": {}}, "dataset", "a reader has no effect on datasets"),
        ({"settings": {"validation": 0.5}}, "files", "none is drawn; got: validation"),
        ({"settings": {"shardevents": 5}}, "files", "unknown key 'shardevents'"),
        ({"reader": "", "detector": None}, "files", "with the detector 'crystal_barrel'"),
    ],
)
def test_a_question_that_does_not_fit_is_refused_before_anything_is_written(
    asked: dict[str, object],
    names: str,
    message: str,
    finished: Path,
    files: list[str],
    session: Session,
    tmp_path: Path,
) -> None:
    chosen = files if names == "files" else [str(session.dataset(open_recipe(finished)).path)]
    with pytest.raises(ConfigError, match=message):
        predict(Question(**{**vars(question(finished)), **asked}), chosen, tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_inputs_of_one_name_have_answers_of_their_own(finished: Path, files: list[str], tmp_path: Path) -> None:
    from hitforge.runs.predict import _claim

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.h5").touch()
    names = [str(tmp_path / folder / "x.h5") for folder in ("a", "b")]
    entries = _claim(tmp_path / "out", {}, names, "root")
    assert [entry["output"] for entry in entries] == ["x.root", "x_2.root"]
    others = ["E35.0To35.0_NTUP_1.root", "a.csv.gz", "run1.5", ".h5"]
    told = [entry["output"] for entry in _claim(tmp_path / "others", {}, others, "parquet")]
    assert told == ["E35.0To35.0_NTUP_1.parquet", "a.parquet", "run1.5.parquet", "answers.parquet"]
    (tmp_path / "out" / "predictions.json").write_text(json.dumps({"plan": {}, "files": entries}))
    assert _claim(tmp_path / "out", {}, [names[1]], "root") == entries  # numbers of files stay what they were


def test_a_repetition_from_another_folder_finds_what_was_done(
    finished: Path, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "data [1]"
    place.mkdir()
    (place / "run 2.h5").write_bytes(Path(files[0]).read_bytes())
    monkeypatch.chdir(tmp_path)
    predict(question(finished), ["data [1]/run 2.h5"], tmp_path / "out", workers=1)
    before = (tmp_path / "out" / "run 2.parquet").stat().st_mtime_ns
    monkeypatch.chdir(place)
    (entry,) = predict(question(finished), ["run 2.h5"], tmp_path / "out", workers=1)["files"]
    assert (entry["name"], entry["events"]) == ("run 2.h5", 200)
    assert (tmp_path / "out" / "run 2.parquet").stat().st_mtime_ns == before


def test_one_process_answers_into_a_folder(finished: Path, files: list[str], tmp_path: Path) -> None:
    with hold(tmp_path / "out"), pytest.raises(RunError, match="only one process may work in a folder"):
        predict(question(finished), files, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
