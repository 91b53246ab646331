"""What cannot go to its end is refused before an event is made, and leaves nothing behind."""

from __future__ import annotations

import shutil
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from hitforge.core.errors import ConfigError, DataError, HitforgeError, MissingExtraError, RunError
from hitforge.recipe.recipe import Recipe
from hitforge.runs import before
from hitforge.runs.before import check_before, free_memory, in_bytes
from hitforge.runs.run import Session, run
from tests.tiny import TINY, tiny

Usage = namedtuple("Usage", "total used free")


def training(**changed: Any) -> dict[str, Any]:
    return {"training": {**TINY["training"], **changed}}


def refused(recipe: Recipe, tmp_path: Path, error: type[HitforgeError], match: str) -> None:
    with pytest.raises(error, match=match):
        run(recipe, tmp_path / "runs" / "run", Session(tmp_path / "samples"))
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    refused(tiny(**training(device="cuda")), tmp_path, RunError, "PyTorch sees no GPU")
    other = {"evaluation": {"compare": [{"label": "gpu", "set": {"training.device": "cuda"}}]}}
    refused(tiny(**other), tmp_path, RunError, "PyTorch sees no GPU")


def test_a_precision_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hitforge.training import _hardware

    monkeypatch.setattr(_hardware, "cpu", lambda: ("an old one", False))
    refused(tiny(**training(precision="bf16", device="cpu")), tmp_path, RunError, "no bf16 units")


def test_an_engine_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    refused(tiny(**training(engine="keras")), tmp_path, MissingExtraError, r"hitforge\[keras\]")


def test_processes_that_nobody_started(tmp_path: Path) -> None:
    refused(tiny(**training(nodes=2)), tmp_path, ConfigError, "torchrun")


def test_a_batch_larger_than_memory(tmp_path: Path) -> None:
    refused(tiny(**training(batch_size=10**12)), tmp_path, RunError, r"got: .* free, two batches .* take 1.02e\+03 TB")


def test_a_split_without_events(tmp_path: Path) -> None:
    for split in ("train", "validation", "test"):
        refused(tiny(source={**TINY["source"], split: 0}), tmp_path, DataError, f"split '{split}'")
    only_trees = {"model": None, "representation": None, "evaluation": {"baselines": ["boosted_trees"]}}
    check_before(tiny(**only_trees, source={**TINY["source"], "validation": 0}), [], tmp_path)


def test_a_disk_without_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = [2_000_000]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 0, free[0]))
    large = tiny(source={**TINY["source"], "train": 2_000_000})
    refused(large, tmp_path, RunError, r"got: 2 MB free, about .* GB needed: 2,000,300 events of .* B.*--samples")
    check_before(tiny(), [], tmp_path)  # 600 events are tried out, too, and fit
    made: list[Any] = []
    monkeypatch.setattr(before, "probe", made.append)
    free[0] = 10**12
    check_before(tiny(), [], tmp_path)
    assert made == []  # nothing is tried out where there is room for anything


def test_a_sample_that_is_there_needs_no_room(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.dataset(tiny())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 0))
    check_before(tiny(), [], session.samples)


def test_memory_and_bytes_are_told() -> None:
    assert free_memory() is None or free_memory() > 0  # type: ignore[operator]
    assert [in_bytes(n) for n in (3, 1500, 2.5e10, 4e15)] == ["3 B", "1.5 kB", "25 GB", "4e+03 TB"]
