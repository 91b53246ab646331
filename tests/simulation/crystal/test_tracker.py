import sys

import numpy as np
import pytest

from hitforge.acts import fatras
from hitforge.acts.material import geometry_with
from hitforge.core.errors import MissingExtraError, RunError
from hitforge.simulation.crystal import tracker
from hitforge.simulation.crystal.tracker import GunParticles, electron_or_photon_energy, through_tracker


def _gun(pdg, count, eta=0.6, pt=50.0, seed=1):
    rng = np.random.default_rng(seed)
    phi = rng.uniform(-np.pi, np.pi, count)
    momentum = pt * np.column_stack([np.cos(phi), np.sin(phi), np.full(count, np.sinh(eta))])
    kind = np.full(count, pdg)
    charge = np.full(count, {11: -1.0, -11: 1.0, 22: 0.0}[pdg])
    return GunParticles(kind, charge, momentum, electron_or_photon_energy(kind, momentum), np.zeros((count, 3)))


def _send(primaries, material="cms_like", seed=2, min_momentum=0.02):
    return through_tracker(primaries, np.random.default_rng(seed), material, 1.0, min_momentum, 3.8)


@pytest.fixture(scope="module")
def electrons():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    primaries = _gun(11, 500)
    return primaries, _send(primaries)


@pytest.fixture(scope="module")
def photons():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    primaries = _gun(22, 500)
    return primaries, _send(primaries)


def test_without_material_nothing_happens():
    primaries = _gun(11, 7)
    tracks = _send(primaries, "none")
    assert tracks.event.tolist() == list(range(7))
    assert tracks.alive.all()
    assert np.array_equal(tracks.momentum, primaries.momentum)


@pytest.mark.parametrize("sample", ["electrons", "photons"])
def test_energy_is_conserved_to_a_few_per_mille(sample, request):
    primaries, tracks = request.getfixturevalue(sample)
    out = np.bincount(tracks.event, tracks.energy * tracks.alive, 500)
    assert 0.997 < out.sum() / primaries.energy.sum() <= 1 + 1e-6
    assert (np.abs(out / primaries.energy - 1) < 0.012).all()


@pytest.mark.parametrize("sample", ["electrons", "photons"])
def test_each_event_begins_with_its_primary(sample, request):
    primaries, tracks = request.getfixturevalue(sample)
    first = np.searchsorted(tracks.event, np.arange(500))
    assert np.array_equal(tracks.event[first], np.arange(500))
    assert np.array_equal(tracks.pdg[first], primaries.pdg)
    assert tracks.vertex_momentum[first] == pytest.approx(primaries.momentum, rel=1e-6)
    assert ((tracks.parent < 0) == np.isin(np.arange(len(tracks.event)), first)).all()
    later = tracks.parent >= 0
    assert (tracks.parent[later] < (np.arange(len(tracks.event)) - first[tracks.event])[later]).all()


def test_a_pair_shares_the_energy_of_its_photon(photons):
    _, tracks = photons
    first = np.searchsorted(tracks.event, tracks.event)
    pair = (tracks.parent >= 0) & (tracks.charge != 0)
    mother = (first + tracks.parent)[pair]
    assert not tracks.alive[mother].any()
    given = np.bincount(mother, tracks.vertex_energy[pair], len(tracks.event))
    dead = np.flatnonzero(~tracks.alive)
    assert (given[dead] <= tracks.energy[dead] * (1 + 1e-6) + 2e-3).all()
    assert given[dead].sum() / tracks.energy[dead].sum() > 0.995
    charge = np.bincount(mother, tracks.charge[pair], len(tracks.event))
    both = np.bincount(mother, minlength=len(tracks.event)) == 2
    assert both.any()
    assert (charge[both] == 0).all()


def test_photons_convert_as_the_material_says(photons):
    """A share 1 - exp(-7/9 X) with X = 0.66 radiation lengths at eta 0.6."""
    _, tracks = photons
    first = np.searchsorted(tracks.event, np.arange(500))
    assert (~tracks.alive[first]).mean() == pytest.approx(1 - np.exp(-7 / 9 * 0.675), abs=0.08)


def test_electrons_radiate_late(electrons):
    """Half of the material lies in the outer strips."""
    _, tracks = electrons
    radiated = (tracks.pdg == 22) & (tracks.vertex_energy > 1.0)
    radius = np.hypot(*tracks.vertex[radiated, :2].T)
    assert radius.max() < 1100
    assert (radius > 700).mean() == pytest.approx(0.5, abs=0.12)


def test_same_stream_same_particles_other_stream_others():
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    primaries = _gun(11, 40)
    first, again, other = (_send(primaries, "generic", seed) for seed in (5, 5, 6))
    assert np.array_equal(first.momentum, again.momentum)
    assert first.momentum.shape != other.momentum.shape or not np.array_equal(first.momentum, other.momentum)


def test_an_event_that_fails_is_simulated_again(monkeypatch):
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    primaries, whole, calls = _gun(22, 10), tracker._simulate, []

    def lose_one(primaries, index, *rest):
        calls.append(len(index))
        tracks = whole(primaries, index, *rest)
        return tracks if len(calls) > 1 else tracker._rows(tracks, tracks.event != 3)

    monkeypatch.setattr(tracker, "_simulate", lose_one)
    tracks = _send(primaries, "generic")
    assert calls[1] == 1
    assert np.array_equal(np.unique(tracks.event), np.arange(10))
    assert (np.diff(tracks.event) >= 0).all()


def test_events_that_always_fail_are_an_error(monkeypatch):
    monkeypatch.setattr(tracker, "_simulate", lambda *_: tracker._table(np.zeros((0, 5)), np.zeros((0, 4, 4)), 3.8))
    with pytest.raises(RunError, match="must finish every event"):
        _send(_gun(22, 3))


def test_without_pyacts_the_error_says_how_to_install_it(monkeypatch):
    geometry_with.cache_clear()
    fatras._algorithms.cache_clear()
    for name in ("acts", "acts.examples", "acts.json", "acts.fatras"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match="pip install"):
        _send(_gun(11, 2))
