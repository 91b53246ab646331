"""A run shows its numbers, and its methods answer for events, datasets and files."""

from __future__ import annotations

from pathlib import Path

import pytest

import hitforge as hf
from tests.library.conftest import BLOCKS


def test_a_run_shows_itself_and_is_opened_again(tiny: hf.Run, place: Path) -> None:
    assert repr(tiny).splitlines()[1].split()[:3] == ["method", "roc", "auc"]
    assert [line.split("  ")[0] for line in repr(tiny).splitlines()[2:]] == ["plain cnn", "boosted trees"]
    page = tiny._repr_html_()
    assert "<td" in page
    assert "report.html" in page
    assert tiny.report.stat().st_size > 10_000
    again = hf.load(tiny.folder)
    assert list(again.methods) == ["plain cnn", "boosted trees"] == again._ipython_key_completions_()
    assert dict(again.metrics) == dict(tiny.metrics)
    assert again.detector.name == "crystal_barrel"
    assert again.target is None
    assert "boosted trees" in repr(again["boosted_trees"])
    written = tiny.report.stat().st_mtime_ns
    hf.run(BLOCKS, tiny.folder, samples=place / "samples")  # finished: nothing is done again
    assert hf.run(tiny.folder, samples=place / "samples").folder == tiny.folder
    assert tiny.report.stat().st_mtime_ns == written
    with pytest.raises(hf.ConfigError, match="in its own folder"):
        hf.run(tiny.folder, events=3)
    with pytest.raises(hf.RunError, match="its own recipe"):
        hf.run(BLOCKS, tiny.folder, settings={"training.lr": 0.5}, samples=place / "samples")
    with pytest.raises(hf.RunError, match="must be empty"):
        hf.run(BLOCKS, tiny.folder, resume=False)


def test_what_is_wrong_is_told(tiny: hf.Run, dataset: hf.Dataset, tmp_path: Path) -> None:
    with pytest.raises(hf.ConfigError, match="did you mean 'boosted trees'"):
        tiny["bosted trees"]
    (tmp_path / "x.h5").touch()
    with pytest.raises(hf.ConfigError, match="name it: reader="):
        tiny.answer(tmp_path / "x.h5")
    with pytest.raises(hf.ConfigError, match="must be Events, a Dataset, or files"):
        tiny.answer(3)  # type: ignore[arg-type]
    with pytest.raises(hf.RunError, match=r"hf\.open"):
        hf.load(dataset.path)
    with pytest.raises(hf.RunError, match=r"recipe\.yaml"):
        hf.load(tmp_path)
