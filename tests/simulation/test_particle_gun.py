import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.simulation import SIMULATIONS


@pytest.fixture(scope="module")
def barrel():
    return DETECTORS.build("crystal_barrel", where="test")


def _gun(barrel, **settings):
    small = {"train": 50, "validation": 10, "test": 0, "shard_size": 20, "tracker_material": "none"}
    return SIMULATIONS.build({"name": "particle_gun"} | small | settings, barrel, where="recipe: source")


def _same(first, second):
    names = all(
        np.array_equal(collection[column], second.collections[name][column])
        for name, collection in first.collections.items()
        for column in collection.columns
        if first.collections[name].rows == second.collections[name].rows
    )
    rows = all(collection.rows == second.collections[name].rows for name, collection in first.collections.items())
    return rows and names and all(np.array_equal(value, second.fields[key]) for key, value in first.fields.items())


def test_shards_cover_each_split(barrel):
    gun = _gun(barrel)
    assert gun.splits() == {"train": 3, "validation": 1, "test": 0}
    assert [len(gun.shard("train", index)) for index in range(3)] == [20, 20, 10]


@pytest.mark.parametrize("readout", ["supercluster", "zero_suppression"])
def test_events_are_whole_and_physical(barrel, readout):
    events = _gun(barrel, readout={"kind": readout}).shard("train", 0).check()
    assert sorted(events.field("primary_pdg").tolist()) == [11] * 10 + [22] * 10
    assert (np.abs(events.field("eta")) <= 1.2).all()
    assert events.field("pt") == pytest.approx(np.full(20, 50.0), rel=1e-5)
    assert events.field("energy") == pytest.approx(50 * np.cosh(events.field("eta")), rel=1e-4)
    assert (events.field("converted") == 0).all()
    hottest = np.maximum.reduceat(events.hits["energy"], events.hits.offsets[:-1])
    at_seed = events.hits["energy"][events.hits["cell"] == events.field("seed_cell")[events.hits.event]]
    assert np.array_equal(hottest, at_seed)
    assert barrel.position(events.hits["cell"])[:, 2] == pytest.approx(events.hits["z"], abs=1e-3)


def test_hits_carry_the_energy_and_links_the_particle(barrel):
    events = _gun(barrel, readout={"kind": "zero_suppression", "threshold": 0.0, "noise": 0.0}).shard("train", 0)
    assert events.hits.sum(events.hits["energy"]) / events.field("energy") == pytest.approx(np.full(20, 0.99), abs=0.02)
    row = events.hits.offsets[events.links.event] + events.links["hit"]
    shared = np.bincount(row, events.links["weight"], events.hits.rows)
    assert (shared > 0.5).mean() > 0.99


def test_shards_do_not_depend_on_order_or_process(barrel):
    forward = [_gun(barrel).shard("train", index) for index in (0, 1)]
    gun = _gun(barrel)
    gun.shard("validation", 0)
    backward = [gun.shard("train", index) for index in (1, 0)]
    assert _same(forward[0], backward[1])
    assert _same(forward[1], backward[0])


def test_seed_split_and_index_each_change_the_events(barrel):
    gun, other = _gun(barrel), _gun(barrel, seed=2)
    first = gun.shard("train", 0)
    for shard in (gun.shard("train", 1), gun.shard("validation", 0), other.shard("train", 0)):
        assert not _same(first, shard)


def test_with_the_tracker_particles_have_parents_and_energy_is_kept(barrel):
    pytest.importorskip("acts", reason="the tracker needs pyacts")
    settings = {"train": 200, "shard_size": 200, "tracker_material": "cms_like", "seed": 3}
    gun = _gun(barrel, readout={"kind": "zero_suppression", "threshold": 0.0, "noise": 0.0}, **settings)
    events = gun.shard("train", 0).check()
    assert _same(events, gun.shard("train", 0))
    particles = events.particles
    first = particles.offsets[:-1]
    assert np.array_equal(particles["pdg"][first], events.field("primary_pdg"))
    assert (particles["parent"][first] == -1).all()
    rest = np.setdiff1d(np.arange(particles.rows), first)
    assert (particles["parent"][rest] >= 0).all()
    assert (particles["parent"] < particles.counts[particles.event]).all()
    measured = events.hits.sum(events.hits["energy"]) / events.field("energy")
    assert np.median(measured) == pytest.approx(0.985, abs=0.015)
    converted = events.field("converted") == 1
    assert set(events.field("primary_pdg")[converted].tolist()) == {22}
    dead = first[converted]
    linked = np.unique(particles.offsets[events.links.event] + events.links["particle"])
    assert not np.isin(dead, linked).any()  # a converted photon deposits nothing itself
    assert np.isin(np.setdiff1d(np.arange(particles.rows), dead), linked).mean() > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pdg": [13]}, "22 \\(photon\\), not \\[13\\]"),
        ({"pdg": []}, "pdg"),
        ({"pdg": [11, 11]}, "each particle may stand once"),
        ({"pt": [0.0, 50.0]}, "transverse momenta must lie between"),
        ({"pt": [-5.0, -1.0]}, "transverse momenta must lie between"),
        ({"pt": [60.0, 50.0]}, "the lower end"),
        ({"eta": [1.0, -1.0]}, "the lower end"),
        ({"eta": [-2.0, 2.0]}, "inside the barrel, \\|eta\\| <= 1.479"),
        ({"vertex_spread": [-1.0, 0.0]}, "at least 0 mm"),
        ({"tracker_material": "lead"}, "tracker_material"),
        ({"readout": {"kind": "none"}}, "readout.kind"),
        ({"readout": {"nose": 0.1}}, "did you mean 'noise'"),
        ({"shard_size": 0}, "shard_size"),
        ({"trian": 5}, "did you mean 'train'"),
    ],
)
def test_wrong_settings_are_refused_with_one_clear_message(barrel, settings, message):
    with pytest.raises(ConfigError, match=message):
        _gun(barrel, **settings)


def test_another_detector_is_refused():
    with pytest.raises(ConfigError, match="crystal_barrel"):
        _gun(object())


@pytest.mark.parametrize(("split", "index"), [("train", 3), ("test", 0), ("train", -1), ("holdout", 0)])
def test_a_shard_that_does_not_exist_is_an_error(barrel, split, index):
    with pytest.raises(ConfigError, match="the shard must exist"):
        _gun(barrel).shard(split, index)
