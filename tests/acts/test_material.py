import json

import numpy as np
import pytest

from hitforge.acts import material as module
from hitforge.acts.material import geometry_with, material_budget
from hitforge.simulation.crystal.tracker import GunParticles, electron_or_photon_energy, through_tracker


def test_the_budget_is_that_of_the_cms_tracker():
    assert material_budget(np.array([0.0, 1.4, -1.4])) == pytest.approx([0.4, 1.8, 1.8])
    assert (np.diff(material_budget(np.linspace(0, 1.4, 50))) >= 0).all()


def _conversions(eta, scale, count=1500, material="cms_like"):
    rng = np.random.default_rng(4)
    phi = rng.uniform(-np.pi, np.pi, count)
    momentum = 50 * np.column_stack([np.cos(phi), np.sin(phi), np.full(count, np.sinh(eta))])
    pdg = np.full(count, 22)
    energy = electron_or_photon_energy(pdg, momentum)
    primaries = GunParticles(pdg, np.zeros(count), momentum, energy, np.zeros((count, 3)))
    tracks = through_tracker(primaries, rng, material, scale, 0.02, 3.8)
    return 1 - tracks.alive[np.searchsorted(tracks.event, np.arange(count))].mean()


@pytest.mark.parametrize("eta", [0.1, -0.7, 1.05, 1.3])
def test_photons_meet_the_budget_at_each_eta(eta):
    """The material that they meet in ACTS, from the share that converts, 1 - exp(-7/9 X)."""
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    met = -9 / 7 * np.log(1 - _conversions(eta, 1.0))
    assert met == pytest.approx(material_budget(np.array([eta]))[0], rel=0.1, abs=0.03)


def test_the_map_is_written_once_and_scales(monkeypatch, tmp_path):
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    monkeypatch.setenv("HITFORGE_CACHE", str(tmp_path))
    geometry_with.cache_clear()
    once, again = module._map_file("cms_like", 2.0), module._map_file("cms_like", 2.0)
    assert once == again
    assert len(list(tmp_path.iterdir())) == 1
    single = json.loads(module._map_file("cms_like", 1.0).read_text())
    double = json.loads(once.read_text())
    total = [
        sum(
            slab["thickness"]
            for entry in table["Surfaces"]["entries"]
            for slab in entry["value"]["material"]["data"][0]
        )
        for table in (single, double)
    ]
    assert total[1] == pytest.approx(2.05 * total[0], rel=0.05)  # the modules' own material does not scale
    assert total[0] > 0
    geometry_with.cache_clear()


def test_the_generic_detector_can_be_scaled():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    """From 0.24 radiation lengths to three times as much."""
    for scale in (1.0, 3.0):
        met = -9 / 7 * np.log(1 - _conversions(0.3, scale, material="generic"))
        assert met == pytest.approx(0.24 * scale, abs=0.06)
