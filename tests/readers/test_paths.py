"""Names and patterns become files: each once, in the order in which people count."""

from __future__ import annotations

import itertools
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import build_dataset
from hitforge.readers import READERS
from hitforge.readers._paths import PathsConfig, expand, is_pattern, refuse_same_events

CLOUD = DETECTORS.build("point_cloud", where="test")
SMALL = {"name": "calochallenge", "layers": 2, "angular": 2, "radial": 1}


def found(*names: str) -> list[str]:
    def find(match: str, folder: Path) -> Path | None:
        return folder / match if (folder / match).is_file() else None

    return list(expand(names, find, Path))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for number in (1, 2, 10):
        Path(f"run{number}.h5").touch()
    return tmp_path


def test_patterns_are_in_natural_order_and_names_in_their_own(here: Path) -> None:
    assert found("run*.h5") == ["run1.h5", "run2.h5", "run10.h5"]
    assert found("run10.h5", "run[12].h5") == ["run10.h5", "run1.h5", "run2.h5"]
    (here / "sub").mkdir()
    (here / "sub" / "run3.h5").touch()
    assert found("**/run3.h5") == ["sub/run3.h5"]


def test_a_name_that_is_there_is_no_pattern(here: Path) -> None:
    Path("run[1].h5").touch()
    assert is_pattern("run[1].h5")
    assert found("run[1].h5") == ["run[1].h5"]


def test_folders_that_are_there_are_no_patterns(here: Path) -> None:
    for folder in ("set[1]", "set1", "set[1]/sub*"):
        Path(folder).mkdir()
        Path(folder, "run3.h5").touch()
    Path("set[1]/run4.h5").touch()
    assert found("set[1]/*.h5") == ["set[1]/run3.h5", "set[1]/run4.h5"]
    assert found(f"{here}/set[1]/run[34].h5") == [f"{here}/set[1]/run3.h5", f"{here}/set[1]/run4.h5"]
    assert found("set[1]/sub*/*.h5") == ["set[1]/sub*/run3.h5"]
    assert found("set?/*.h5") == ["set1/run3.h5"]


def test_a_file_that_is_named_twice_is_refused(here: Path) -> None:
    os.symlink("run1.h5", "other.h5")
    for names in (("run1.h5", "run1.h5"), ("run1.h5", "run*.h5"), ("run1.h5", "other.h5"), ("run1.h5", "./run1.h5")):
        with pytest.raises(DataError, match=r"each file must be named once.*run1\.h5"):
            found(*names)


def test_files_with_the_same_bytes_are_refused_whatever_their_names(here: Path) -> None:
    Path("run1.h5").write_bytes(b"events")
    Path("run2.h5").write_bytes(b"others")  # of the same size
    assert found("run*.h5") == ["run1.h5", "run2.h5", "run10.h5"]
    Path("copy.h5").write_bytes(b"events")
    os.link("run1.h5", "hard.h5")
    for other in ("copy.h5", "hard.h5", "[ch]*.h5"):
        with pytest.raises(DataError, match=r"each file must be named once.*'run1\.h5' and '(copy|hard)\.h5', which"):
            found("run*.h5", other)
    with pytest.raises(DataError, match="'a' and 'b', which hold the same bytes"):
        refuse_same_events({"a": Path("run1.h5"), "b": Path("copy.h5")})


def test_a_pattern_that_matches_nothing_names_itself_and_the_folders(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match=rf"the pattern 'no\*\.h5' must match.*none in {here}.*public_data"):
        found("no*.h5")
    monkeypatch.setenv("HITFORGE_DATA", str(here))
    monkeypatch.chdir("/")
    assert found("run?.h5") == ["run1.h5", "run2.h5"]


def test_a_path_must_name_something() -> None:
    for wrong in ((), "", ("a", "")):
        with pytest.raises(ConfigError, match="path must name a file"):
            PathsConfig.read({"path": wrong}, where="test")


def test_readers_count_files_in_that_order_and_keep_the_list(here: Path) -> None:
    for number in (1, 2, 10):
        with h5py.File(f"run{number}.h5", "w") as file:
            file["showers"] = np.tile([[1.0], [1.25], [1.5]], 4).astype(np.float32) * number
            file["incident_energies"] = np.full((3, 1), 1e3, np.float32)
    source = READERS.build({**SMALL, "path": "run*.h5", "validation": 0, "test": 1}, CLOUD, where="test")
    assert source.files() == ["run1.h5", "run2.h5", "run10.h5"]
    assert len(source.inputs()) == 3
    again = pickle.loads(pickle.dumps(source))
    Path("run3.h5").touch()  # comes too late
    events = again.shard("test", 0)
    energy = events.hits["energy"][events.hits.offsets[:-1]] * 1e3
    scale = np.array([1, 2, 10])[events.field("file")] * (1 + events.field("event") / 4)
    np.testing.assert_allclose(energy, scale, rtol=1e-6)
    assert sorted(zip(events.field("file"), events.field("event"), strict=True)) == [
        (file, event) for file in range(3) for event in range(3)
    ]
    assert events.info["file"].description


@pytest.mark.parametrize(("paths", "events"), [(("part.h5", "merged.h5"), 28), (("twice.h5",), 23)])
def test_events_that_several_files_or_one_give_twice_are_refused(
    here: Path, paths: tuple[str, ...], events: int
) -> None:
    rows = np.random.default_rng(1).exponential(30, (20, 4)).astype(np.float32)
    for name, some in {"merged": rows, "part": rows[7:15], "twice": np.concatenate([rows, rows[3:6]])}.items():
        with h5py.File(f"{name}.h5", "w") as file:
            file["showers"], file["incident_energies"] = some, 1e3 + some[:, :1]
    values = {**SMALL, "path": paths, "validation": 0.2, "test": 0.4, "shard_events": 4}
    source = READERS.build(values, CLOUD, where="test")
    jobs = [(split, index) for split, number in source.splits().items() for index in range(number)]
    with pytest.raises(DataError, match=rf"must be given once.*of '{paths[0]}' and .*of '{paths[-1]}'.*repeated: keep"):
        list(itertools.starmap(source.shard, jobs))
    for workers in (1, 2):  # a process knows its own shards only
        with pytest.raises(DataError, match=r"must be given once.*hold the same hits"):
            build_dataset(READERS.build(values, CLOUD, where="test"), here / f"{workers}", {}, workers=workers)
        assert not (here / f"{workers}" / "dataset.json").exists()
    kept = READERS.build({**values, "repeated": "keep"}, CLOUD, where="test")
    assert sum(len(kept.shard(*job)) for job in jobs) == events
