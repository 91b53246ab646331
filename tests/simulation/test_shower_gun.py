import math

import numpy as np
import pytest
from scipy.stats import kstest

from hitforge.core.errors import ConfigError
from hitforge.detectors import DETECTORS
from hitforge.simulation.layered.pileup import pool_of
from tests.layered import FRONT, HONEYCOMB
from tests.simulation.shower_guns import EXACT, SMALL_POOL
from tests.simulation.shower_guns import gun as _gun
from tests.simulation.shower_guns import shard as _shard


def _same(first, second):
    if any(part.rows != second.collections[name].rows for name, part in first.collections.items()):
        return False
    columns = all(
        np.array_equal(values, second.collections[name][column])
        for name, part in first.collections.items()
        for column, values in part.columns.items()
    )
    return columns and all(np.array_equal(values, second.fields[name]) for name, values in first.fields.items())


def _close(left, right, tolerance):
    return np.abs(np.asarray(left, float) - right).max() <= tolerance


@pytest.fixture(scope="module")
def exact():
    """Events whose read-out changes nothing."""
    return _shard(pdg=[11, 22, 211, 13, 111], readout=EXACT, train=60, shard_size=60)


def test_shards_cover_each_split_and_are_always_the_same():
    gun, other = _gun(window=150, pileup=SMALL_POOL), _gun(window=150, pileup=SMALL_POOL)
    assert gun.splits() == {"train": 3, "validation": 1, "test": 0}
    forward = [gun.shard("train", index) for index in (0, 1, 2)]
    assert [len(events) for events in forward] == [16, 16, 8]
    other.shard("validation", 0)
    assert _same(forward[1], other.shard("train", 1))
    assert _same(forward[0], other.shard("train", 0))
    assert not _same(forward[0], forward[1])
    assert not _same(forward[0], _gun(window=150, pileup=SMALL_POOL, seed=2).shard("train", 0))


def test_fields_agree_with_each_other(exact):
    events = exact
    assert sorted(set(events.field("primary_pdg").tolist())) == [11, 13, 22, 111, 211]
    eta, phi = events.field("eta").astype(float), events.field("phi").astype(float)
    radius = FRONT / np.abs(np.sinh(eta))
    assert _close(events.field("impact_x"), radius * np.cos(phi), 0.1)
    assert _close(events.field("impact_y"), radius * np.sin(phi), 0.1)
    direction = np.stack([events.field(f"direction_{axis}") for axis in "xyz"], 1)
    assert _close(np.linalg.norm(direction, axis=1), 1, 1e-5)
    assert (np.sign(direction[:, 2]) == np.sign(eta)).all()
    assert len(set(np.sign(eta))) == 2
    momentum = np.stack([events.particles[name] for name in ("px", "py", "pz")], 1)
    assert _close(momentum / np.linalg.norm(momentum, axis=1)[:, None], direction, 1e-5)
    assert (events.particles["parent"] == -1).all()
    assert np.array_equal(events.particles["energy"], events.field("energy"))
    assert (events.field("mu") == 0).all()
    assert (events.field("pileup_energy") == 0).all()
    assert np.array_equal(events.field("kept_cells"), events.hits.counts)
    for name, info in events.info.items():
        assert info.description, name


def test_hits_sum_to_the_deposited_energy_about_its_barycentre(exact):
    hits, events = exact.hits, exact
    total = hits.sum(hits["energy"])
    assert _close(total / events.field("deposited"), 1, 1e-3)
    light = np.isin(events.field("primary_pdg"), (11, 22, 111))
    assert 0.75 < (events.field("deposited") / events.field("energy"))[light].mean() < 1.1
    for axis, tolerance in (("x", 3.0), ("y", 3.0), ("z", 0.1)):  # cells are 10 mm wide, layers planes
        mean = hits.sum(hits["energy"] * hits[axis]) / total
        assert _close(mean[light], events.field(f"barycentre_{axis}")[light], tolerance)
    assert _close(hits["subsystem"], HONEYCOMB.layers.section[hits["layer"]], 0)
    assert _close(HONEYCOMB.position(hits["cell"]), np.stack([hits[axis] for axis in "xyz"], 1), 1e-3)


def test_links_share_the_hits(exact):
    assert exact.links.rows == exact.hits.rows
    assert _close(exact.links["weight"], 1, 1e-5)
    noisy = _shard(window=150)
    row = noisy.hits.offsets[noisy.links.event] + noisy.links["hit"]
    assert len(np.unique(row)) == len(row) < noisy.hits.rows  # noise has none
    assert (noisy.links["weight"] <= 1).all()
    hot = np.zeros(noisy.hits.rows)
    hot[row] = noisy.links["weight"]
    assert hot[np.argsort(noisy.hits["energy"])[-50:]].min() > 0.8


def test_order_of_hits_does_not_tell_who_made_them():
    events = _shard(window=150, pileup=SMALL_POOL)
    first = events.hits.offsets[:-1]
    inner = np.ones(events.hits.rows - 1, bool)
    inner[first[1:] - 1] = False
    assert (np.diff(events.hits["cell"])[inner] > 0).all()


def test_what_gives_no_hit_is_counted():
    settings = {"readout": EXACT | {"dead_layers": [3]}, "pdg": [11]}
    events = _shard(**settings)
    assert 3 not in events.hits["layer"]
    assert (events.field("dropped_cells") > 0).all()
    total = events.hits.sum(events.hits["energy"]) + events.field("dropped_energy")
    assert _close(total / events.field("deposited"), 1, 1e-3)


def test_the_place_of_the_window_tells_nothing_about_the_impact():
    # Only noise is seen but for a muon's few cells: the middle of the noise is the middle of the window.
    settings = {"pdg": [13], "train": 300, "shard_size": 300, "window": 200, "window_jitter": 60}
    events = _shard(**settings, readout={"noise": 0.4})
    hits = events.hits
    for axis in "xy":
        scaled = hits[axis] * (FRONT / np.abs(hits["z"]))
        off = hits.sum(scaled) / hits.counts - events.field(f"impact_{axis}")
        assert kstest(off, "uniform", args=(-60, 120)).pvalue > 1e-3
        assert np.abs(off).max() < 60 + 30
        assert np.abs(np.corrcoef(off, events.field(f"impact_{axis}"))[0, 1]) < 0.2


def test_pileup_adds_energy_without_links_and_events_without_a_particle():
    events = _shard(pdg=[11, 0], window=200, train=400, shard_size=400, pileup={"mu": 20.0, "pool": 12})
    nothing = events.field("primary_pdg") == 0
    assert nothing.sum() == 200
    assert (events.particles.counts == ~nothing).all()
    assert (events.links.counts[nothing] == 0).all()
    assert (events.links.counts[~nothing] > 0).all()
    for name in ("energy", "deposited", "barycentre_x", "barycentre_z"):
        assert (events.field(name)[nothing] == 0).all()
    number = events.field("interactions")
    assert number.mean() == pytest.approx(20, abs=5 * math.sqrt(20 / 400))
    assert number.var() == pytest.approx(20, rel=0.3)
    assert (events.field("mu") == 20).all()
    assert np.corrcoef(number, events.field("pileup_energy"))[0, 1] > 0.1
    inner = np.abs(events.field("eta")) > 2.3
    assert events.field("pileup_energy")[inner].mean() > 1.3 * events.field("pileup_energy")[~inner].mean()
    assert events.hits.counts[nothing].mean() > 100


def test_a_parallel_gun_and_tilts():
    detector = DETECTORS.build("ild_ecal", where="test")
    events = _gun(detector, kind="parallel", side="plus", pdg=[22], impact_spread=8.0, readout=EXACT).shard("train", 0)
    assert np.abs(events.field("impact_x")).max() <= 4
    assert (events.field("direction_z") == 1).all()
    assert (events.hits["z"] > 0).all()
    tilted = _shard(pdg=[13], vertex_spread=(0, 0), angle_spread=0.02, train=300, shard_size=300, readout=EXACT)
    place = np.stack([tilted.field("impact_x"), tilted.field("impact_y"), np.sign(tilted.field("eta")) * FRONT], 1)
    direction = np.stack([tilted.field(f"direction_{axis}") for axis in "xyz"], 1)
    cosine = (place / np.linalg.norm(place, axis=1)[:, None] * direction).sum(1)
    angle = np.arccos(np.minimum(cosine, 1))
    assert angle.mean() == pytest.approx(0.02 * math.sqrt(math.pi / 2), rel=0.15)  # Rayleigh


def test_energies_are_even_in_energy_or_in_its_logarithm():
    for spectrum, middle in (("flat", 55.0), ("log", math.sqrt(1000.0))):
        gun = _gun(spectrum=spectrum, energy=(10, 100), pdg=[13], train=600, shard_size=600, readout=EXACT)
        energy = gun.shard("train", 0).field("energy")
        assert np.median(energy) == pytest.approx(middle, rel=0.12)
        assert energy.min() >= 10
        assert energy.max() <= 100


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pdg": [2212]}, "the gun knows 0, 11"),
        ({"pdg": [11, 11]}, "each particle may stand once"),
        ({"pdg": []}, "pdg"),
        ({"pdg": [0]}, "needs pile-up: set pileup.mu above 0"),
        ({"energy": [100, 5]}, "the lower end"),
        ({"energy": [0, 5]}, "energies must lie between"),
        ({"eta": [-2, 2]}, "abs\\(eta\\) must lie between"),
        ({"eta": [0.6, 0.7]}, "must aim at cells"),
        ({"vertex_spread": [-1, 0]}, "at least 0 mm"),
        ({"kind": "parallel", "pileup": {"mu": 5}}, "needs the kind 'pointing'"),
        ({"kind": "parallel", "impact": [1e5, 0]}, "must aim at cells"),
        ({"readout": {"dead_layers": [99]}}, "dead layers must lie between 0 and 11"),
        ({"readout": {"nose": 0.1}}, "did you mean 'noise'"),
        ({"pileup": {"generator": "herwig"}}, "pileup.generator"),
        ({"train": 5000, "shard_size": 5000, "pileup": {"mu": 200}}, "a shard must fit into 4 GiB.*shard_size of at"),
        ({"trian": 5}, "did you mean 'train'"),
    ],
)
def test_wrong_settings_are_refused_with_one_clear_message(settings, message):
    with pytest.raises(ConfigError, match=message):
        _gun(**settings)


def test_a_calorimeter_of_one_side_and_other_detectors_are_refused(barrel):
    with pytest.raises(ConfigError, match=r"must aim at cells.*side minus"):
        _gun(DETECTORS.build("ild_ecal", where="test"), kind="parallel", side="minus")
    with pytest.raises(ConfigError, match=r"needs one of the detectors .*hgcal"):
        _gun(barrel)


@pytest.mark.parametrize(("split", "index"), [("train", 3), ("test", 0), ("train", -1), ("holdout", 0)])
def test_a_shard_that_does_not_exist_is_an_error(split, index):
    with pytest.raises(ConfigError, match="the shard must exist"):
        _gun().shard(split, index)


def test_each_shard_has_a_pool_of_pileup_of_its_own(monkeypatch):
    """What all events of a sample shared would fluctuate as one, and no interval over events would hold it."""
    seeds = []

    def noted(detector, pileup, shower, seed):
        seeds.append(seed)
        return pool_of(detector, pileup, shower, seed)

    monkeypatch.setattr("hitforge.simulation._layered_gun.pool_of", noted)
    for which in (("train", 0), ("train", 1), ("validation", 0), ("train", 0)):
        _shard(*which, pileup=SMALL_POOL)
    _shard("train", 0, pileup=SMALL_POOL, seed=7)
    first, second, other, again, elsewhere = seeds
    assert first == again
    assert len({first, second, other, elsewhere}) == 4
