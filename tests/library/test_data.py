"""Datasets are made, opened and shown; files are read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hitforge as hf
from tests.library.conftest import BLOCKS, SIZE


def test_a_dataset_shows_itself(dataset: hf.Dataset) -> None:
    assert {split: dataset.count(split) for split in dataset.splits} == SIZE
    assert "crystal_barrel, particle_gun; events: train 120, validation 40, test 60" in repr(dataset)
    page = dataset._repr_html_()
    assert all(word in page for word in ("<td", "validation", "energy [GeV]", "primary_pdg", "an event"))
    assert hf.open(dataset.path).hash() == dataset.hash()


def test_events_come_into_memory(dataset: hf.Dataset) -> None:
    whole, few = dataset.events("train"), dataset.events("train", limit=70)
    assert (len(whole), len(few)) == (120, 70)
    np.testing.assert_array_equal(few.hits["cell"], whole.hits["cell"][: few.hits.rows])
    assert "hits" in few._repr_html_()
    assert "[GeV]" in few._repr_html_()
    assert repr(few.hits).startswith("Collection(70 events")
    with pytest.raises(hf.DataError, match="events in the split 'tes'"):
        dataset.events("tes")


def test_the_number_of_events_is_said_in_one_word(place: Path) -> None:
    source = hf.source("particle_gun", "crystal_barrel", train=60, validation=20, test=20, tracker_material="none")
    few = hf.simulate(source, place / "few", events=10)
    assert {split: few.count(split) for split in few.splits} == {"train": 6, "validation": 2, "test": 2}
    one = hf.simulate(BLOCKS, place / "one", events={"test": 3}, settings={"source.seed": 5})
    assert one.splits == ["test"]
    shared = hf.simulate(source, events={"test": 3}, samples=place / "samples")
    assert shared.path.parent == place / "samples"
    with pytest.raises(hf.ConfigError, match="must name the splits"):
        hf.simulate(source, place / "wrong", events={"tests": 3})
    with pytest.raises(hf.ConfigError, match="at least one event"):
        hf.simulate(source, place / "wrong", events=0)
    for wrong in ("10", 10.5, True):
        with pytest.raises(hf.ConfigError, match="'events' must be a number"):
            hf.simulate(source, place / "wrong", events=wrong)  # type: ignore[arg-type]
    with pytest.raises(hf.ConfigError, match=r"hf\.source"):
        hf.simulate(source, place / "wrong", settings={"source.seed": 3})


def test_files_of_others_are_written_and_read(dataset: hf.Dataset, tmp_path: Path) -> None:
    hf.write(dataset, tmp_path / "a.h5", to="ml4sci_hdf5")
    hf.write(dataset.events("train", limit=20), tmp_path / "b.h5", "ml4sci_hdf5", "crystal_barrel")
    assert len(hf.read(tmp_path / "a.h5", "ml4sci_hdf5")) == 60
    both = hf.read(str(tmp_path / "*.h5"), "ml4sci_hdf5")
    assert len(both) == len(hf.read([tmp_path / "a.h5", tmp_path / "b.h5"], "ml4sci_hdf5")) == 80
    converted = hf.convert(tmp_path / "a.h5", "ml4sci_hdf5", tmp_path / "a", validation=0.0, test=0.5)
    assert converted.count("train") + converted.count("test") == 60
    events = dataset.events("test", limit=5)
    assert len(hf.read(hf.write(events, tmp_path / "c.h5", "ml4sci_hdf5", "crystal_barrel"), "ml4sci_hdf5")) == 5


def test_what_cannot_be_read_is_told(dataset: hf.Dataset, tiny: hf.Run, tmp_path: Path) -> None:
    with pytest.raises(hf.DataError, match="must match a file of this format"):
        hf.read(str(tmp_path / "*.h5"), "ml4sci_hdf5")
    with pytest.raises(hf.ConfigError, match="path must name a file"):
        hf.read([], "ml4sci_hdf5")
    with pytest.raises(hf.ConfigError, match="did you mean 'ml4sci_hdf5'"):
        hf.read("x.h5", "ml4sci_hdf")
    with pytest.raises(hf.ConfigError, match="files must be names or patterns"):
        hf.read(3, "ml4sci_hdf5")  # type: ignore[arg-type]
    with pytest.raises(hf.ConfigError, match="not by a setting; got: path"):
        hf.read("x.h5", "ml4sci_hdf5", path="y.h5")
    with pytest.raises(hf.ConfigError, match="has its detector already"):
        hf.detector(dataset, rows=3)
    with pytest.raises(hf.ConfigError, match="with their detector"):
        hf.write(dataset.events(), tmp_path / "x.h5", to="ml4sci_hdf5")
    with pytest.raises(hf.DataError, match=r"hf\.load"):
        hf.open(tiny.folder)
    with pytest.raises(hf.DataError, match=r"dataset\.json"):
        hf.open(tmp_path)
    reader = hf.source("ml4sci_hdf5", "pixel_grid", path=str(tmp_path / "x.h5"))
    with pytest.raises(hf.ConfigError, match="the reader ml4sci_hdf5"):
        hf.simulate(reader, tmp_path / "y", events=3)
