"""Samples are shared by recipes that ask for the same events, and described truthfully."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hitforge
from hitforge.core.progress import Progress
from hitforge.detectors import DETECTORS
from hitforge.runs.run import Session
from hitforge.runs.sample import describe, description_of
from hitforge.simulation import SIMULATIONS
from tests.tiny import TINY, tiny


def test_same_blocks_same_sample_other_blocks_another(session: Session) -> None:
    first = session.dataset(tiny())
    assert session.dataset(tiny(training={"seed": 7})).path == first.path
    other = session.dataset(tiny(source={**TINY["source"], "seed": 2}))
    assert other.path != first.path
    assert other.hash("test") != first.hash("test")


def test_more_training_events_leave_the_test_events(session: Session) -> None:
    more = session.dataset(tiny(source={**TINY["source"], "train": 400}))
    assert more.hash("test") == session.dataset(tiny()).hash("test")


def test_description_counts_every_event_once(session: Session, tmp_path: Path) -> None:
    recipe = tiny()
    describe(recipe, session.dataset(recipe), session.samples, 1, Progress(), tmp_path)
    info = json.loads((tmp_path / "sample.json").read_text())
    arrays = np.load(tmp_path / "sample.npz")
    assert info["classes"] == ["photon", "electron"]
    for name in info["classes"]:
        assert arrays[f"mean_{name}"].shape == (8, 8, 2)
        assert sum(info["histograms"]["energy sum [GeV]"][name]) <= 100
        assert 40 < info["histograms"]["energy sum [GeV]"]["median"][name] < 90


SOURCE = """
from hitforge.core import config
from hitforge.events import Source


class OutsideSource(Source):
    class Config(config.Config):
        pass

    def splits(self):
        return {"train": 0, "validation": 0, "test": 1}

    def shard(self, split, index):
        raise NotImplementedError
"""


def code_of(site: Path, files: dict[str, str], source: str = "", detector: str = "") -> str:
    """The hash of the code of a source and a detector, each ``module:Class`` of files on the import path."""

    def found(place: str) -> Any:
        module, _, name = place.partition(":")
        return getattr(import_module(module), name)

    for name, text in files.items():
        (site / name).parent.mkdir(exist_ok=True)
        (site / name).write_text(text)
    geometry: Any = DETECTORS.build("crystal_barrel", where="test")
    if detector:
        geometry = found(detector)(found(detector).Config())
    cls = found(source) if source else SIMULATIONS.get("particle_gun")
    return str(description_of(geometry, cls(cls.Config(), geometry))["code"])


def test_a_changed_module_of_another_package_is_another_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {"lone_source.py": SOURCE}
    first = code_of(tmp_path, files, "lone_source:OutsideSource")
    assert code_of(tmp_path, files, "lone_source:OutsideSource") == first
    assert code_of(tmp_path, {"lone_source.py": SOURCE + "# new\n"}, "lone_source:OutsideSource") != first


def test_a_changed_helper_of_another_package_is_another_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    files = {"far_source/__init__.py": "", "far_source/source.py": SOURCE, "far_source/stage.py": "x = 1\n"}
    first = code_of(tmp_path, files, "far_source.source:OutsideSource")
    assert code_of(tmp_path, {"far_source/stage.py": "x = 2\n"}, "far_source.source:OutsideSource") != first


def test_a_changed_detector_of_another_package_is_another_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    code = "from hitforge.detectors.point_cloud import PointCloud\n\n\nclass FarCloud(PointCloud):\n    pass\n"
    source = {"cloud_source.py": SOURCE}
    first = code_of(tmp_path, {"far_cloud.py": code, **source}, "cloud_source:OutsideSource", "far_cloud:FarCloud")
    other = {"far_cloud.py": code + "# new\n"}
    assert code_of(tmp_path, other, "cloud_source:OutsideSource", "far_cloud:FarCloud") != first


def test_a_changed_plugin_inside_a_source_is_another_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    holder = SOURCE.replace("class OutsideSource", "class Holder") + (
        "\n    def __init__(self, config, detector):\n"
        "        super().__init__(config, detector)\n"
        "        import far_generator\n\n"
        "        self.generators = {'one': far_generator.OutsideSource(config, detector)}\n"
    )
    files = {"holder_source.py": holder, "far_generator.py": SOURCE}
    first = code_of(tmp_path, files, "holder_source:Holder")
    assert code_of(tmp_path, {"far_generator.py": SOURCE + "# new\n"}, "holder_source:Holder") != first


def test_code_of_ours_is_hashed_as_ever(tmp_path: Path) -> None:
    digest = hashlib.sha256()
    root = Path(hitforge.__file__).parent
    for room in ("core", "events", "acts", "detectors", "simulation"):
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    assert code_of(tmp_path, {}) == digest.hexdigest()
