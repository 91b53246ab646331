from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import DataError, RunError
from hitforge.core.progress import Progress
from hitforge.events import Collection, Dataset, Events, FieldInfo, Source, build_dataset, storage
from hitforge.events import dataset as module

SOURCE = '''
import os, sys, time
import numpy as np
from pathlib import Path
from hitforge.core.errors import DataError
from hitforge.core.random import stream
from hitforge.events import Collection, Events, FieldInfo, Source, build_dataset

class Numbers(Source):
    """Random hits; detector is (seconds a shard, name of the shard that misbehaves, how)."""

    def splits(self):
        return {"train": 4, "validation": 0, "test": 2}

    def shard(self, split, index):
        seconds, victim, how = self.detector
        time.sleep(seconds)
        if victim == f"{split}-{index}":
            if how == "die":
                os._exit(3)
            raise DataError("energies must be >= 0", came=-1, where="file, event 3")
        random = stream(5, split, index)
        counts = random.integers(0, 5, 20)
        names = ("x", "y", "z", "time", "energy", "cell", "layer", "subsystem")
        columns = {name: random.integers(0, 99, counts.sum()) for name in names}
        info = {"primary_pdg": FieldInfo("int32", "", "label")}
        fields = {"primary_pdg": random.choice([11, 22], 20)}
        return Events({"hits": Collection.from_counts(counts, columns)}, fields, info)

if __name__ == "__main__":
    numbers = Numbers(Numbers.Config(), (float(sys.argv[2]), "", ""))
    build_dataset(numbers, Path(sys.argv[1]), {"source": "numbers"}, workers=int(sys.argv[3]))
'''


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A module that a fresh process can import."""
    path = tmp_path_factory.mktemp("code") / "numbers_source.py"
    path.write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)
        yield path


@pytest.fixture
def numbers(script: Path) -> Any:
    import numbers_source  # type: ignore[import-not-found]

    return lambda seconds=0.0, victim="", how="": numbers_source.Numbers(
        numbers_source.Numbers.Config(), (seconds, victim, how)
    )


@pytest.fixture(scope="module")
def whole(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An uninterrupted build."""
    import numbers_source

    path = tmp_path_factory.mktemp("whole") / "data"
    build_dataset(numbers_source.Numbers(numbers_source.Numbers.Config(), (0, "", "")), path, {"source": "numbers"})
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def content(path: Path) -> dict[str, bytes]:
    return {item.name: item.read_bytes() for item in path.iterdir()}


def test_counts_splits_hashes_and_reads(whole: Path) -> None:
    dataset = Dataset(whole)
    dataset.verify()
    assert (dataset.count("train"), dataset.count("test"), dataset.splits) == (80, 40, ["train", "test"])
    assert [path.name for path in dataset.files("test")] == ["test-00000.parquet", "test-00001.parquet"]
    assert [len(events) for events in dataset.read("train")] == [20] * 4
    assert [list(events.collections) for events in dataset.read("test", set())] == [[], []]
    assert len({dataset.hash(), dataset.hash("train"), dataset.hash("test")}) == 3
    assert dataset.index["counts"] == {"train": 80, "validation": 0, "test": 40}
    assert dataset.index["units"]["hits.energy"] == "GeV"


def test_several_processes_write_the_same_bytes(whole: Path, tmp_path: Path, numbers: Any) -> None:
    build_dataset(numbers(), tmp_path / "d", {"source": "numbers"}, workers=2)
    assert content(tmp_path / "d") == content(whole)


def test_a_finished_dataset_is_not_made_again(copy: Path, numbers: Any) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.iterdir()}
    build_dataset(numbers(victim="train-0"), copy, {"source": "numbers"})
    assert {path: path.stat().st_mtime_ns for path in copy.iterdir()} == before


def test_another_description_and_other_files_are_refused(copy: Path, tmp_path: Path, numbers: Any) -> None:
    with pytest.raises(DataError, match=r"another description.*choose another folder"):
        build_dataset(numbers(), copy, {"source": "other"})
    (copy / "dataset.json").unlink()
    with pytest.raises(DataError, match="another description"):
        build_dataset(numbers(), copy, {"source": "other"})
    (copy / "dataset.json").write_text('{"name": "sample", "hash": "0"}')  # of a run
    with pytest.raises(DataError, match=r"other files.*choose another folder"):
        build_dataset(numbers(), copy, {"source": "other"})
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("x")
    for path in (tmp_path / "photos", tmp_path / "photos" / "cat.jpg"):
        with pytest.raises(DataError, match="must be empty or hold a dataset"):
            build_dataset(numbers(), path, {"source": "numbers"})
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "x"


def test_half_a_dataset_is_none_and_is_finished_by_the_same_command(copy: Path, whole: Path, numbers: Any) -> None:
    (copy / "dataset.json").unlink()
    (copy / "train-00002.parquet").unlink()
    damaged = copy / "test-00000.parquet"
    damaged.write_bytes(damaged.read_bytes()[:200])
    (copy / ".train-00002.parquet.2147483647.tmp").write_text("half")
    with pytest.raises(DataError, match=r"must be complete; got: 5 of 6 shards.*repeat the command"):
        Dataset(copy)
    build_dataset(numbers(), copy, {"source": "numbers"})
    assert content(copy) == content(whole)


def test_a_build_killed_before_its_plan_can_start_again(tmp_path: Path, whole: Path, numbers: Any) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / ".dataset.plan.json.2147483647.tmp").write_text("{")
    build_dataset(numbers(), tmp_path / "d", {"source": "numbers"})
    assert content(tmp_path / "d") == content(whole)


def children(pid: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_build_reads_as_none_and_resumes_to_the_same_bytes(
    tmp_path: Path, script: Path, whole: Path, numbers: Any, workers: int
) -> None:
    path = tmp_path / "d"
    process = subprocess.Popen([sys.executable, str(script), str(path), "0.2", str(workers)])
    limit = time.monotonic() + 60
    while len(list(path.glob("*.parquet"))) < 2 and time.monotonic() < limit:
        assert process.poll() is None
        time.sleep(0.01)
    below = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (path / "dataset.json").exists()
    with pytest.raises(DataError, match=r"must be complete; got: [2345] of 6 shards"):
        Dataset(path)
    while any(map(alive, below)) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(map(alive, below))  # workers do not outlive their parent
    kept = {item.name: item.stat().st_mtime_ns for item in path.glob("*.parquet")}
    build_dataset(numbers(), path, {"source": "numbers"}).verify()
    assert content(path) == content(whole)
    assert kept.items() <= {item.name: item.stat().st_mtime_ns for item in path.glob("*.parquet")}.items()


def test_a_worker_that_dies_is_named_and_its_shards_are_kept(tmp_path: Path, whole: Path, numbers: Any) -> None:
    with pytest.raises(RunError, match=r"worker process ended.*repeat the command"):
        build_dataset(numbers(victim="test-1", how="die"), tmp_path / "d", {"source": "numbers"}, workers=2)
    build_dataset(numbers(), tmp_path / "d", {"source": "numbers"})
    assert content(tmp_path / "d") == content(whole)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_in_a_shard_comes_through_whole(tmp_path: Path, numbers: Any, workers: int) -> None:
    with pytest.raises(DataError, match=r"^energies must be >= 0; got: -1; where: file, event 3\.$"):
        build_dataset(numbers(victim="train-1", how="raise"), tmp_path / "d", {"source": "numbers"}, workers=workers)
    with pytest.raises(DataError, match="must be complete"):
        Dataset(tmp_path / "d")


def test_values_that_are_not_physical_are_not_written(
    tmp_path: Path, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = numbers()
    real = type(source).shard

    def negative(self: Source, split: str, index: int) -> Events:
        events = real(self, split, index)
        if (split, index) == ("train", 2):
            events.hits["energy"][-1] = -1
        return events

    monkeypatch.setattr(type(source), "shard", negative)
    with pytest.raises(DataError, match=r"hits.energy must be >= 0.*train shard 2, event 19"):
        build_dataset(source, tmp_path / "d", {})
    assert len(list((tmp_path / "d").glob("*.parquet"))) == 2


def test_a_full_disk_is_named_and_the_build_resumes(
    tmp_path: Path, whole: Path, numbers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, written = storage.pq.write_table, []

    def full(table: Any, path: Path, **options: Any) -> None:
        real(table, path, **options)
        written.append(path)
        if len(written) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.pq, "write_table", full)
    with pytest.raises(DataError, match=r"disk full.*train-00002\.parquet"):
        build_dataset(numbers(), tmp_path / "d", {"source": "numbers"})
    assert len(list((tmp_path / "d").glob("*.parquet"))) == 2
    build_dataset(numbers(), tmp_path / "d", {"source": "numbers"})
    assert content(tmp_path / "d") == content(whole)


def test_changed_truncated_and_missing_shards_are_found(copy: Path) -> None:
    victim = copy / "train-00001.parquet"
    good = victim.read_bytes()
    victim.write_bytes((copy / "train-00000.parquet").read_bytes())  # a whole shard, but another one
    with pytest.raises(DataError, match=r"as it was written \(SHA-256\).*train-00001"):
        Dataset(copy).verify()
    victim.write_bytes(good[: len(good) // 2])
    with pytest.raises(DataError, match=r"as it was written \(SHA-256\); got: changed.*train-00001"):
        list(Dataset(copy).read("train"))
    victim.unlink()
    with pytest.raises(DataError, match=r"every shard.*1 of 6 missing, such as train-00001.*copy the whole folder"):
        Dataset(copy)


def test_a_missing_shard_is_made_again_once_the_index_is_deleted(copy: Path, whole: Path, numbers: Any) -> None:
    (copy / "train-00001.parquet").unlink()
    (copy / "dataset.json").unlink()
    build_dataset(numbers(), copy, {"source": "numbers"})
    assert content(copy) == content(whole)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "dataset.json must be readable JSON"),
        ("[]", "must hold names and values"),
        ("{}", "must be the index of a dataset"),
        ('{"shards": 6}', "must be the index of a dataset"),
        ('{"shards": [{"file": "a"}]}', "each shard must say its file"),
        ('{"shards": [null]}', "each shard must say its file"),
    ],
)
def test_a_damaged_index_is_refused(copy: Path, text: str, message: str) -> None:
    (copy / "dataset.json").write_text(text)
    with pytest.raises(DataError, match=message):
        Dataset(copy)


@pytest.mark.parametrize("files", [3, None, "a.h5", [1]])
def test_names_of_files_must_be_names(copy: Path, files: object) -> None:
    index = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps({**index, "files": files}))
    with pytest.raises(DataError, match=r"'files' of dataset\.json must be names of files"):
        Dataset(copy).losses()


def test_another_schema_version_is_refused(copy: Path) -> None:
    index = json.loads((copy / "dataset.json").read_text())
    (copy / "dataset.json").write_text(json.dumps({**index, "schema_version": 0}))
    with pytest.raises(DataError, match="schema version 1; got: 0"):
        Dataset(copy)


def test_absent_folders_and_splits_are_named(whole: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(DataError, match=r"must hold a dataset \(dataset.json\)"):
            Dataset(path)
    with pytest.raises(DataError, match=r"split 'validation'; got: train \(80\), test \(40\)"):
        Dataset(whole).files("validation")


def test_a_source_without_events_is_refused(tmp_path: Path, numbers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = numbers()
    monkeypatch.setattr(type(source), "splits", lambda self: {"train": 0})
    with pytest.raises(DataError, match="must have events; got: 0 shards"):
        build_dataset(source, tmp_path / "a", {})
    monkeypatch.setattr(type(source), "splits", lambda self: {"train": 2})
    empty = Events(
        {"hits": Collection.from_counts(np.zeros(0, np.int64), {k: np.zeros(0) for k in module.COLLECTIONS["hits"]})},
        {"primary_pdg": np.zeros(0)},
        {"primary_pdg": FieldInfo("int32", "", "")},
    )
    monkeypatch.setattr(type(source), "shard", lambda self, split, index: empty)
    with pytest.raises(DataError, match="must have events; got: 0 events"):
        build_dataset(source, tmp_path / "b", {})


def test_progress_counts_shards(tmp_path: Path, numbers: Any) -> None:
    class Recorder(Progress):
        notes: list[str] = []  # noqa: RUF012

        @contextmanager
        def step(self, name: str, total: int, unit: str = "") -> Iterator[Any]:
            assert (name, total, unit) == ("simulate", 6, "shards")
            yield self

        def advance(self, amount: int = 1, note: str = "") -> None:
            self.notes.append(note)

    recorder = Recorder()
    build_dataset(numbers(), tmp_path / "d", {}, progress=recorder)
    assert recorder.notes == [f"{n} events" for n in (20, 40, 60, 80, 100, 120)]


def test_two_at_once_make_each_shard_once(tmp_path: Path, whole: Path, numbers: Any) -> None:
    made, said = [0], list[str]()

    class Counter(Progress):
        @contextmanager
        def step(self, name: str, total: int, unit: str = "") -> Iterator[Any]:
            made[0] += total
            yield super().step(name, total, unit).__enter__()

        def say(self, message: str) -> None:
            said.append(message)

    def build() -> None:
        build_dataset(numbers(0.05), tmp_path / "data", {"source": "numbers"}, progress=Counter())

    threads = [threading.Thread(target=build) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert made == [6]
    assert len(said) == 1
    assert content(tmp_path / "data") == content(whole)


COMPILING = """
import time
from pathlib import Path
import numba
from numbers_source import Numbers
from hitforge.events import build_dataset
from hitforge.core.progress import Progress

@numba.njit
def twice(x):
    return 2 * x

class Compiled(Numbers):
    def shard(self, split, index):
        with open(self.config, "a") as log:
            print("begin", time.time(), file=log)
        twice(index)
        time.sleep(0.5)
        with open(self.config, "a") as log:
            print("end", time.time(), file=log)
        return super().shard(split, index)

class Said(Progress):
    def say(self, message):
        print(message)

if __name__ == "__main__":
    build_dataset(Compiled("log.txt", (0, "", "")), Path("d"), {}, workers=3, progress=Said())
"""


def test_workers_wait_while_the_first_one_compiles(tmp_path: Path) -> None:
    (tmp_path / "numbers_source.py").write_text(SOURCE.partition("if __name__")[0])
    (tmp_path / "compiled.py").write_text(COMPILING)
    done = subprocess.run([sys.executable, "compiled.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("compiling kernels") == 1
    words = [line.split()[0] for line in (tmp_path / "log.txt").read_text().splitlines()]
    assert words[:2] == ["begin", "end"]
    assert len(words) == 12


def test_a_shard_that_is_another_by_now_is_never_read(copy: Path) -> None:
    shutil.copy(copy / "test-00001.parquet", copy / "test-00000.parquet")
    dataset = Dataset(copy)
    assert len(list(dataset.read("train"))) == 4
    for use in (lambda: next(dataset.read("test")), lambda: dataset.files("test"), dataset.losses):
        with pytest.raises(DataError, match=r"as it was written \(SHA-256\).*test-00000.*repeat the command"):
            use()


SPLIT = "each shard must stand once: its events would stand in training and test; got: .*train-00000"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda index: index["shards"].append({**index["shards"][0], "split": "test"}), SPLIT),
        (lambda index: index["shards"].append({**index["shards"][0], "file": "more.parquet", "split": "test"}), SPLIT),
        (
            lambda index: index["shards"][0].update(split="valid"),
            "each shard must say its file in the folder, a split of train, .*; got: .*00000",
        ),
        (
            lambda index: index["shards"][0].update(events=-7),
            "each shard must say its file in the folder, a split of train, .*; got: .*00000",
        ),
        (
            lambda index: index["shards"][0].update(events="20"),
            "each shard must say its file in the folder, a split of train, .*; got: .*00000",
        ),
        (
            lambda index: index["shards"][0].update(events=True),
            "each shard must say its file in the folder, a split of train, .*; got: .*00000",
        ),
        (
            lambda index: index["shards"][0].update(file=5),
            "each shard must say its file in the folder.*; got: .*'file': 5",
        ),
        (
            lambda index: index["shards"][0].update(file="../train-00000.parquet"),
            "each shard must say its file in the folder, a split of train, .*; got: .*00000",
        ),
        (lambda index: index["shards"][0].update(events=0), "'train' must .* got: 60 events, and a count of 80"),
        (lambda index: index["counts"].update(test=70), "'test' must .*; got: 40 events, and a count of 70"),
        (lambda index: index["units"].update({"hits.x": "cm"}), "the unit of hits.x must be 'mm'; got: 'cm'"),
        (lambda index: index.update(units=[1]), "units and counts"),
        (lambda index: index.pop("description"), "must say what made the events"),
        (lambda index: index.update(description=[1]), "must say what made the events"),
        (lambda index: index.update(schema_version="1"), "must have schema version 1; got: '1'"),
    ],
)
def test_an_index_that_contradicts_itself_is_refused(copy: Path, change: Any, message: str) -> None:
    index = json.loads((copy / "dataset.json").read_text())
    change(index)
    (copy / "dataset.json").write_text(json.dumps(index))
    shutil.copy(copy / "train-00000.parquet", copy / "more.parquet")
    with pytest.raises(DataError, match=f"{message}.*dataset.json"):
        Dataset(copy)


def test_a_shard_holds_the_events_that_the_index_says(copy: Path) -> None:
    index = json.loads((copy / "dataset.json").read_text())
    index["shards"][0]["events"], index["shards"][1]["events"] = 10, 30
    (copy / "dataset.json").write_text(json.dumps(index))
    with pytest.raises(DataError, match=r"a shard must hold the 10 events that dataset.json says; got: 20"):
        Dataset(copy).files("train")


def test_the_detector_is_asked_for_where_the_dataset_knows_it(copy: Path) -> None:
    with pytest.raises(DataError, match=r"dataset\.json must say the detector; got: none"):
        _ = Dataset(copy).detector_block
    assert Dataset(copy).made_of == "unknown, unknown"
