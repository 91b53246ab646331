"""Methods of a run answer for events, datasets and files."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

import hitforge as hf


def test_methods_answer_for_events_datasets_and_files(tiny: hf.Run, dataset: hf.Dataset, tmp_path: Path) -> None:
    for method in tiny.methods.values():
        for what in (dataset, dataset.path, str(dataset.path), dataset.events("test")):
            np.testing.assert_array_equal(method.answer(what).score, method.predictions.score)
    assert len(tiny.answer(dataset, split="train")) == 120
    blind = tiny.answer(dataset.events("test", limit=5), truth=False)
    assert "target" not in blind.columns
    file = hf.write(dataset, tmp_path / "test.h5", to="ml4sci_hdf5")
    told = tiny.answer(file, detector="pixel_grid")
    assert sorted(told.columns["target"]) == sorted(tiny.predictions.columns["target"])
    # the windows of the file keep the cells around the seed, which the network looks at
    np.testing.assert_allclose(told.score, tiny.predictions.score, atol=0.02)
    assert told.columns["event"].tolist() == list(range(60))
    both = tiny.answer([file, hf.write(dataset, tmp_path / "more.h5", to="ml4sci_hdf5")], detector="pixel_grid")
    assert both.columns["file"].tolist() == [0] * 60 + [1] * 60
    images = hf.convert(file, "ml4sci_hdf5", tmp_path / "images", test=1.0, validation=0.0)
    assert len(tiny.answer(images, detector=hf.detector(images))) == 60
    with pytest.raises(hf.ConfigError, match="if it can look at both"):
        tiny.answer(images)


def test_what_would_have_no_effect_is_refused(tiny: hf.Run, dataset: hf.Dataset, tmp_path: Path) -> None:
    events = dataset.events("test", limit=3)
    with pytest.raises(hf.ConfigError, match="are for files; got: thruth"):
        tiny.answer(events, thruth=False)
    with pytest.raises(hf.ConfigError, match="are for files; got: reader"):
        tiny.answer(str(dataset.path), reader="ml4sci_hdf5")
    with pytest.raises(hf.ConfigError, match="'split' is for datasets"):
        tiny.answer(events, split="train")
    with pytest.raises(hf.ConfigError, match="'split' is for datasets"):
        tiny.answer(tmp_path / "x.h5", split="test")
    with pytest.raises(hf.ConfigError, match="one by one"):
        tiny.answer([dataset.path], reader="ml4sci_hdf5")
    with pytest.raises(hf.DataError, match=r"the file must exist.*x\.h5"):
        tiny.answer(tmp_path / "x.h5")


@pytest.mark.parametrize(
    "name", ["methods.json", "metrics.json", "origin.json", "provenance.json", "model.safetensors"]
)
def test_a_damaged_file_of_a_run_is_named_and_no_pickle_is_opened(
    tiny: hf.Run, dataset: hf.Dataset, tmp_path: Path, name: str
) -> None:
    class Bad:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "executed",)

    shutil.copytree(tiny.folder, tmp_path / "run")
    (tmp_path / "run" / name).write_bytes(pickle.dumps(Bad()))
    with pytest.raises(hf.HitforgeError, match=name):
        assert repr(hf.load(tmp_path / "run")) + repr(hf.load(tmp_path / "run").answer(dataset))
    assert not (tmp_path / "executed").exists()
