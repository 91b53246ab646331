"""Jets of Pythia: as many of each kind in each part of the range, told as a detector would, the same at every call."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, MissingExtraError, RunError
from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS, pythia_jets
from hitforge.simulation.generators.jets import JetParticles
from hitforge.simulation.pythia_jets import PythiaJets

CLOUD = DETECTORS.build("point_cloud", where="test")
needs_pythia = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pythia8mc", "fastjet")), reason="needs hitforge[gen]"
)


def source(**settings: Any) -> PythiaJets:
    block = {"name": "pythia_jets", "train": 80, "validation": 0, "test": 0, "shard_size": 80, **settings}
    built = SIMULATIONS.build(block, CLOUD, where="test")
    assert isinstance(built, PythiaJets)
    return built


@needs_pythia
def test_kinds_and_momenta_stand_equally_often() -> None:
    events = source(kinds=("quark", "top"), pt=(500, 700), spectrum="log", train=20).shard("train", 0).check()
    jets, parts = events.jets, events.constituents
    label, origin = events.field("jet_label"), np.abs(events.field("true_pdg"))
    assert np.bincount(label).tolist() == [0, 10, 0, 0, 0, 10]
    assert set(origin[label == 1]) <= {1, 2, 3, 4, 5}
    assert set(origin[label == 5]) == {6}
    pt = np.hypot(jets["px"], jets["py"])
    eta = np.abs(np.arcsinh(jets["pz"] / pt))
    for kind in (1, 5):
        assert np.histogram(pt[label == kind], np.geomspace(500, 700, 11))[0].tolist() == [1] * 10
        assert np.histogram(eta[label == kind], np.linspace(0, 2, 5))[0] == pytest.approx([2.9, 2.8, 2.5, 1.8], abs=1)
        collision = events.field("collision")[label == kind]
        assert np.unique(collision, return_counts=True)[1].max() <= 2
        assert not set(collision) & set(events.field("collision")[label != kind])
    for name in ("px", "py", "pz", "energy"):
        assert parts.sum(parts[name].astype(float)) == pytest.approx(jets[name], rel=1e-4, abs=1e-2)
    pdg, charge = parts["pdg"], parts["charge"]
    assert set(np.unique(np.abs(pdg))) <= {11, 13, 22, 130, 211}
    assert (charge[np.abs(pdg) == 211] == np.sign(pdg[np.abs(pdg) == 211])).all()
    assert (charge[pdg == 11] == -1).all()
    assert not charge[(pdg == 22) | (pdg == 130)].any()
    assert parts.counts[label == 5].mean() > 1.1 * parts.counts[label == 1].mean()
    assert 150 < np.median(jets["soft_drop_mass"][label == 5]) < 185
    assert np.abs(events.field("true_pt") / pt - 1).mean() < 0.15


def test_what_no_collision_can_give_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    none = JetParticles(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0, int), np.zeros((0, 4)))
    nothing = pythia_jets.Jets(
        np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), np.zeros((0, 4)), none, none
    )
    monkeypatch.setattr(pythia_jets, "generate", lambda *_: iter([nothing] * 1000))
    with pytest.raises(
        RunError,
        match=r"kind 'gluon' of 4\d0 to 4\d0 GeV and abs\(eta\) .*none in 400 batches.*change pt, eta_max or radius\.$",
    ):
        source(kinds=("gluon",)).shard("train", 0)
    with pytest.raises(RunError, match=r"2 mass / radius"):
        source(kinds=("top",)).shard("train", 0)


@needs_pythia
def test_kinds_stand_equally_often_over_small_shards() -> None:
    built = source(train=5, shard_size=1)
    label = [int(built.shard("train", index).field("jet_label")[0]) for index in range(5)]
    assert 0 < sum(label) < 5


def test_wrong_settings_are_refused() -> None:
    for wrong, message in (
        ({"pt": (10, 20)}, "20 GeV"), ({"pt": (600, 500)}, "lower end"), ({"pt": (500, 501)}, "2 %"),
        ({"kinds": ("gluon", "gluon")}, "must differ from each other"),
        ({"kinds": ("pion",)}, "kinds"), ({"spectrum": "steep"}, "spectrum"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            source(**wrong)
    with pytest.raises(ConfigError, match="point_cloud"):
        SIMULATIONS.build("pythia_jets", DETECTORS.build("pixel_grid", where="test"), where="test")


@needs_pythia
def test_an_absent_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "fastjet", None)
    with pytest.raises(MissingExtraError, match=r"fastjet.*hitforge\[gen\]"):
        source().shard("train", 0)


@needs_pythia
def test_scalars_have_masses_even_in_their_logarithm() -> None:
    events = source(kinds=("scalar",), pt=(400, 600), mass=(40, 160), train=50).shard("train", 0).check()
    mass = events.field("true_mass")
    assert np.histogram(mass, np.geomspace(40, 160, 11))[0].tolist() == [5] * 10
    assert set(events.field("jet_label")) == {6}
    assert set(events.field("true_pdg")) == {25}
    assert np.median(np.abs(events.jets["soft_drop_mass"] / mass - 1)) < 0.15
    for wrong in ((10, 50), (50, 50), (100, 2000)):
        with pytest.raises(ConfigError, match="mass must rise by 5 %"):
            source(mass=wrong)
