import json

import numpy as np
import pytest

from hitforge.acts import material as module
from hitforge.acts.geometry import magnetic_field
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


def _muons(momentum, count=1500):
    """Energy lost [MeV] and angle in the transverse plane [mrad] of muons through the generic detector, no field."""
    fatras = pytest.importorskip("hitforge.acts.fatras", reason="the tracker needs pyacts")
    phi = np.random.default_rng(0).uniform(-np.pi, np.pi, count)
    sent = momentum * np.column_stack([np.cos(phi), np.sin(phi), np.full(count, 0.05)])
    kind, charge, mass = np.full(count, 13), np.full(count, -1.0), np.full(count, 0.10566)
    geometry, field = geometry_with("generic", 1.0)[1], magnetic_field(0.0)
    numbers, states = fatras.states(kind, charge, mass, sent, np.zeros((count, 3)), geometry, field, 0.02, 3)
    states = states[numbers[:, 1] == 0]
    turn = np.arctan2(states[:, 3, 1], states[:, 3, 0]) - np.arctan2(states[:, 1, 1], states[:, 1, 0])
    return 1e3 * (states[:, 1, 3] - states[:, 3, 3]), 1e3 * ((turn + np.pi) % (2 * np.pi) - np.pi)


def test_muons_lose_what_silicon_takes():
    """21.3 mm of silicon and 2.6 mm of beryllium at the centre, Particle Data Group: minimum 3.88 and 2.95 MeV / cm."""
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    loss, _ = _muons(1.0)
    least = 2.13 * 3.88 + 0.26 * 2.95
    assert np.median(loss) == pytest.approx(least, rel=0.15)
    assert least < loss.mean() < 1.5 * least  # knocked-out electrons included; overlapping sensors count twice


def test_muons_scatter_as_highland_says():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    _, angle = _muons(10.0)
    thickness = 21.3 / 95.7 + 2.6 / 352.8
    highland = 1.36 * np.sqrt(thickness) * (1 + 0.038 * np.log(thickness))
    assert np.quantile(np.abs(angle), 0.683) == pytest.approx(highland, rel=0.15)


def test_layers_have_their_passive_silicon():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    assert module.passive_silicon() == {7: 1.5, 8: 1.5, 9: 1.5, 12: 2.5, 13: 2.0, 14: 2.5, 16: 3.5, 17: 2.5, 18: 3.5}
