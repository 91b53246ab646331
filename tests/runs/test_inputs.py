"""What is answered for comes in its own order, with numbers that find it again."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.core.files import sha256
from hitforge.detectors import DETECTORS
from hitforge.events import Events, FieldInfo
from hitforge.runs.folder import open_recipe
from hitforge.runs.inputs import Inputs, guess_reader, is_dataset, name_inputs, reader_block, with_datasets
from hitforge.runs.run import Session
from tests.tiny import tiny

GRID = DETECTORS.build("pixel_grid", where="test")


def images(path: Path, count: int) -> Path:
    values = np.zeros((count, 32, 32, 2), np.float32)
    values[:, 16, 16, 0] = np.arange(count) + 1
    with h5py.File(path, "w") as file:
        file["X"] = values
    return path


def test_events_of_a_file_come_in_its_order_though_its_reader_shuffles(tmp_path: Path) -> None:
    path = images(tmp_path / "a.h5", 250)
    block = reader_block(tiny(), "ml4sci_hdf5", {"shard_events": 100}, truth=False)
    assert block == {"name": "ml4sci_hdf5", "validation": 0.0, "test": 1.0, "truth": "none", "shard_events": 100}
    shards = list(Inputs(block).read(str(path), 7, GRID))
    assert len(shards) == 3
    events = Events.concatenate(shards)
    assert events.field("event").tolist() == list(range(250))
    assert set(events.field("file")) == {7}
    np.testing.assert_allclose(events.hits["energy"], 50 * (np.arange(250) + 1))
    assert len(Inputs(block).hash(str(path), GRID)) == 64


def test_the_two_sides_of_an_entry_follow_each_other_and_a_reader_may_be_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent:
        def __init__(self, names: tuple[str, ...]) -> None:
            self.names = names

        def splits(self) -> dict[str, int]:
            return {"train": 0, "test": 2}

        def shard(self, split: str, index: int) -> Events:
            values = {"event": np.array([1, 0, 1, 0]) + 2 * index, "part": np.array([1, 1, 0, 0])}
            values["kept"] = np.array([3, 1, 2, 0])
            chosen = {name: values[name] for name in (*self.names, "kept")}
            return Events({}, chosen, {name: FieldInfo("int64", "", name) for name in chosen})

    block = {"name": "ml4sci_hdf5"}
    monkeypatch.setattr(Inputs, "_source", lambda self, name, detector: Silent(("event", "part")))
    events = Events.concatenate(list(Inputs(block).read("x", 0, GRID)))
    assert events.field("kept").tolist() == [0, 1, 2, 3] * 2
    assert events.field("event").tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    monkeypatch.setattr(Inputs, "_source", lambda self, name, detector: Silent(()))
    events = Events.concatenate(list(Inputs(block).read("x", 0, GRID)))
    assert events.field("kept").tolist() == [3, 1, 2, 0] * 2  # its own order counts
    assert events.field("event").tolist() == list(range(8))


def test_events_of_a_dataset_are_counted_split_by_split(session: Session) -> None:
    dataset = session.dataset(tiny())
    assert is_dataset(str(dataset.path))
    events = Events.concatenate(list(Inputs(None).read(str(dataset.path), 3, tiny().detector)))
    assert len(events) == 600
    part = events.field("part")
    assert np.bincount(part).tolist() == [300, 100, 200]
    for split in range(3):
        assert events.field("event")[part == split].tolist() == list(range((300, 100, 200)[split]))
    np.testing.assert_array_equal(events.field("original_event"), events.field("event"))  # as it was simulated
    (one, two) = Inputs(None, ("test",)).read(str(dataset.path), 0, tiny().detector)
    assert two.field("event").tolist() == list(range(100, 200))
    assert Inputs(None).hash(str(dataset.path), tiny().detector) == dataset.hash()
    assert len(one) == 100


def test_names_patterns_and_datasets_are_told_apart(session: Session, tmp_path: Path) -> None:
    dataset = str(session.dataset(tiny()).path)
    paths = [str(images(tmp_path / f"run{number}.h5", number)) for number in (1, 2, 10)]
    block = reader_block(tiny(), "ml4sci_hdf5", {}, truth=False)
    assert name_inputs([f"{tmp_path}/*.h5", dataset], block, GRID) == [*paths, dataset]
    assert with_datasets([dataset[:-1] + "?", paths[0]]) == [dataset, paths[0]]
    both = [shutil.copytree(dataset, tmp_path / f"sample{number}") for number in (10, 2)]
    assert with_datasets([f"{tmp_path}/sample*"]) == [str(both[1]), str(both[0])]
    with pytest.raises(ConfigError, match=r"datasets alone, or files alone; got: datasets, and .*run1\.h5"):
        with_datasets([f"{tmp_path}/*"])
    with pytest.raises(DataError, match="each file must be named once"):
        name_inputs([paths[0], f"{tmp_path}/*.h5"], block, GRID)
    with pytest.raises(ConfigError, match="name its format with --from"):
        name_inputs([paths[0]], None, GRID)
    with pytest.raises(DataError, match="must match a file"):
        name_inputs([f"{tmp_path}/*.root"], block, GRID)


def test_many_names_are_looked_at_once_each(monkeypatch: pytest.MonkeyPatch, session: Session, tmp_path: Path) -> None:
    paths, looked = [str(images(tmp_path / f"run{number}.h5", 1)) for number in range(20)], []
    whole = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda self, strict=False: looked.append(self) or whole(self, strict))
    assert name_inputs(paths, reader_block(tiny(), "ml4sci_hdf5", {}, truth=False), GRID) == paths
    assert len(looked) <= 3 * len(paths)


def test_a_reader_that_tells_no_hash_has_that_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = images(tmp_path / "a.h5", 1)
    monkeypatch.setattr("hitforge.readers.ml4sci_hdf5.Ml4sciHdf5.inputs", lambda self: [])
    inputs = Inputs({"name": "ml4sci_hdf5"})
    before = inputs.hash(str(path), GRID)
    assert before == sha256(path)
    images(path, 2)
    assert inputs.hash(str(path), GRID) != before


def test_a_reader_is_that_of_the_recipe_or_the_only_one_that_opens_the_file(finished: Path, tmp_path: Path) -> None:
    path = str(images(tmp_path / "a.h5", 2))
    recipe = open_recipe(finished)
    assert guess_reader(recipe, [path], GRID) == "ml4sci_hdf5"
    with pytest.raises(ConfigError, match=r"with the detector 'crystal_barrel', or.*none of acorn, .* can"):
        guess_reader(recipe, [path], recipe.detector)
    with pytest.raises(DataError, match=r"the file must exist.*gone\.h5"):
        guess_reader(recipe, [str(tmp_path / "gone.h5")], recipe.detector)
    with pytest.raises(DataError, match=r"the file must exist.*gone\*"):
        guess_reader(recipe, [str(tmp_path / "gone*")], recipe.detector)
    own = tiny(detector={"name": "pixel_grid"}, source={"name": "ml4sci_npz", "path": "b.npz", "energy_unit": 2.0})
    assert guess_reader(own, [path], GRID) == "ml4sci_npz"
    block = reader_block(own, "ml4sci_npz", {}, truth=True)
    assert block["energy_unit"] == 2.0
    assert "path" not in block
    with pytest.raises(ConfigError, match="none is drawn; got: test"):
        reader_block(own, "ml4sci_hdf5", {"test": 0.5}, truth=True)


def test_a_dataset_that_is_another_by_now_has_no_hash(session: Session, tmp_path: Path) -> None:
    """Its answers would be taken for done."""
    copy = Path(shutil.copytree(session.dataset(tiny()).path, tmp_path / "copy"))
    name = str(copy)
    assert len(Inputs(None).hash(name, GRID)) == 64
    first, second = sorted(copy.glob("t*.parquet"))[:2]
    shutil.copy(second, first)
    with pytest.raises(DataError, match="a shard must be as it was written"):
        Inputs(None).hash(name, GRID)
