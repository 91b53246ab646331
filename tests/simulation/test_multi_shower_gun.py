import itertools

import numpy as np
import pytest
from scipy.stats import kstest

from hitforge.core.errors import ConfigError
from hitforge.simulation import SIMULATIONS
from hitforge.simulation import multi_shower_gun as module
from tests.layered import FRONT, HONEYCOMB

EXACT = {"noise": 0.0, "calibration": 0.0, "threshold": 1e-6}
SMALL = {"train": 30, "validation": 10, "test": 0, "shard_size": 30, "energy": (5, 20), "eta": (1.8, 2.6), "spread": 60}
MUONS = {"pdg": [13], "readout": {"noise": 0.0}, "window": 0}  # the cheapest particles, where places alone are asked


def _gun(detector=HONEYCOMB, **settings):
    return SIMULATIONS.build({"name": "multi_shower_gun"} | SMALL | settings, detector, where="recipe: source")


def _shard(split="train", index=0, /, **settings):
    return _gun(**settings).shard(split, index).check()


def _many(number, **settings):
    return _shard(train=number, shard_size=number, **settings)


def _points(events):
    """Where each particle's line crosses the front face, from vertex and momentum, (P, 2) [mm]."""
    part = events.particles
    place, momentum = (np.stack([part[k].astype(float) for k in names], 1) for names in (("vx", "vy", "vz"), _P))
    path = (np.sign(momentum[:, 2]) * FRONT - place[:, 2]) / momentum[:, 2]
    return (place + path[:, None] * momentum)[:, :2]


_P = ("px", "py", "pz")


def _gaps(events):
    """Least distance of two particles of each event, by a loop, (N,) [mm]."""
    points, offsets, least = _points(events), events.particles.offsets, []
    for begin, end in itertools.pairwise(offsets):
        pairs = [np.linalg.norm(points[i] - points[k]) for i in range(begin, end) for k in range(begin, i)]
        least.append(min(pairs, default=0.0))
    return np.array(least)


def _sums(events):
    """Sum of the links' weights of each hit, (H,)."""
    links = events.links
    row = events.hits.offsets[links.event] + links["hit"]
    return np.bincount(row, links["weight"], minlength=events.hits.rows)


def _same(first, second):
    return all(
        np.array_equal(values, second.collections[name][column])
        for name, part in first.collections.items()
        for column, values in part.columns.items()
    ) and all(np.array_equal(values, second.fields[name]) for name, values in first.fields.items())


@pytest.fixture(scope="module")
def exact():
    """Events whose read-out changes nothing."""
    return _shard(readout=EXACT, window=0, pdg=[11, 22, 211])


@pytest.fixture(scope="module")
def places():
    """Many events, of which only the particles are of interest."""
    return _many(600, particles=(1, 5), **MUONS)


def test_shards_are_always_the_same():
    settings = {"window": 120, "pileup": {"mu": 4.0, "pool": 5}, "train": 12, "shard_size": 8}
    gun, other = _gun(**settings), _gun(**settings)
    assert gun.splits() == {"train": 2, "validation": 2, "test": 0}
    first, second = gun.shard("train", 0), gun.shard("train", 1)
    assert [len(first), len(second)] == [8, 4]
    assert _same(second, other.shard("train", 1))
    assert _same(first, other.shard("train", 0))
    assert not np.array_equal(first.field("eta"), _gun(**settings, seed=2).shard("train", 0).field("eta"))


def test_links_give_each_particle_its_part_of_each_hit(exact):
    events = exact
    assert np.abs(_sums(events) - 1).max() < 1e-5
    links, hits = events.links, events.hits
    row = hits.offsets[links.event] + links["hit"]
    assert (np.diff(row) >= 0).all()
    owner = events.particles.offsets[links.event] + links["particle"]
    assert len(np.unique(np.stack([row, owner]), axis=1).T) == len(row)
    assert np.bincount(row).max() >= 3
    given = np.bincount(owner, links["weight"] * hits["energy"][row], minlength=events.particles.rows)
    ratio = given / events.particles["energy"]
    light = np.isin(events.particles["pdg"], (11, 22))
    assert 0.7 < ratio[light].mean() < 1.1
    assert ratio[light].std() < 0.25  # a wrong particle would get another one's energy, 5 to 20 GeV
    total = events.particles.sum(given)
    assert np.abs(total / events.field("deposited") - 1).max() < 1e-3


def test_what_a_particle_gave_lies_about_its_line(exact):
    links, hits, particles = exact.links, exact.hits, exact.particles
    row = hits.offsets[links.event] + links["hit"]
    owner = particles.offsets[links.event] + links["particle"]
    given = links["weight"] * hits["energy"][row]
    scale = FRONT / np.abs(hits["z"][row].astype(float))
    for axis, true in zip("xy", _points(exact).T, strict=True):
        mean = np.bincount(owner, given * hits[axis][row] * scale) / np.bincount(owner, given)
        assert np.median(np.abs(mean - true)[particles["pdg"] == 11]) < 4  # cells are 10 mm wide


def test_noise_and_pileup_are_what_remains():
    events = _shard(window=120, pileup={"mu": 10.0, "pool": 5}, train=12)
    total = _sums(events)
    assert total.max() < 1 + 1e-6
    assert (total == 0).mean() > 0.05
    assert ((total > 0.05) & (total < 0.95)).any()
    assert (events.links["weight"] > 0).all()
    assert np.median(total[np.argsort(events.hits["energy"])[-50:]]) > 0.9
    assert (events.field("mu") == 10).all()
    assert (events.field("interactions") > 0).any()
    assert np.array_equal(events.field("kept_cells"), events.hits.counts)
    inner = np.ones(events.hits.rows - 1, bool)
    inner[events.hits.offsets[1:-1] - 1] = False
    assert (np.diff(events.hits["cell"])[inner] > 0).all()


def test_a_cell_that_is_not_read_out_is_counted_once():
    settings = {"readout": EXACT, "train": 10, "pdg": [11], "particles": (4, 4), "spread": 20}
    whole, narrow = _shard(window=0, **settings), _shard(window=50, **settings)
    assert np.array_equal(whole.field("deposited"), narrow.field("deposited"))
    touched = [events.field("kept_cells") + events.field("dropped_cells") for events in (whole, narrow)]
    assert np.array_equal(*touched)
    assert (narrow.field("dropped_cells") > 50).all()


def test_particles_stand_in_the_order_of_their_energy(places):
    particles, number = places.particles, places.field("multiplicity")
    assert np.array_equal(particles.counts, number)
    assert number.min() == 1
    assert number.max() == 5
    assert np.bincount(number)[1:].min() > 80
    step = np.diff(particles["energy"])
    inner = np.ones(len(step), bool)
    inner[particles.offsets[1:-1] - 1] = False
    assert (step[inner] <= 0).all()
    assert np.abs(particles.sum(particles["energy"]) - places.field("energy")).max() < 1e-3
    assert kstest(np.log(particles["energy"] / 5) / np.log(4), "uniform").pvalue > 1e-3
    vertex = np.stack([particles[name] for name in ("vx", "vy", "vz")], 1)
    assert np.array_equal(vertex, vertex[particles.offsets[particles.event]])
    assert vertex[:, 2].std() == pytest.approx(50, rel=0.2)
    for info in places.info.values():
        assert info.description


def test_points_lie_evenly_in_a_disc_within_eta(places):
    points, event = _points(places), places.particles.event
    middle = np.stack([places.field("axis_x"), places.field("axis_y")], 1).astype(float)
    off = points - middle[event]
    radius = np.hypot(*off.T)
    assert radius.max() < 60.1
    assert kstest((radius / 60) ** 2, "uniform").pvalue > 1e-3
    assert kstest(np.arctan2(off[:, 1], off[:, 0]) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    eta = np.arcsinh(FRONT / np.hypot(*points.T))
    assert eta.min() > 1.799
    assert eta.max() < 2.601
    side = np.sign(places.particles["pz"])
    assert np.array_equal(side, np.sign(places.field("eta"))[event])
    assert len(set(side)) == 2
    assert np.abs(FRONT / np.sinh(np.abs(places.field("eta").astype(float))) - np.hypot(*middle.T)).max() < 0.1


def test_distances_are_what_the_fields_say(places):
    gaps = _gaps(places)
    assert np.abs(places.field("nearest") - gaps).max() < 0.1
    pair = places.field("multiplicity") == 2
    assert np.array_equal(places.field("separation")[pair], places.field("nearest")[pair])
    assert (places.field("separation")[~pair] == 0).all()
    assert gaps[pair].min() < 20


def test_particles_keep_apart():
    events = _many(150, particles=(2, 6), apart=30, **MUONS)
    assert _gaps(events).min() > 29.9
    assert set(events.field("multiplicity").tolist()) == {2, 3, 4, 5, 6}


def test_a_pair_at_given_distances():
    events = _many(300, separation=(10, 200), energy=(50, 50), particles=(3, 3), **MUONS)
    assert (events.particles.counts == 2).all()
    assert (events.particles["energy"] == 50).all()
    gap = events.field("separation").astype(float)
    assert np.abs(_gaps(events) - gap).max() < 0.1
    assert kstest((gap - 10) / 190, "uniform").pvalue > 1e-3
    points = _points(events).reshape(-1, 2, 2)
    middle = np.stack([events.field("axis_x"), events.field("axis_y")], 1)
    assert np.abs(points.mean(1) - middle).max() < 0.1
    across = points[:, 0] - points[:, 1]
    assert kstest(np.arctan2(across[:, 1], across[:, 0]) / (2 * np.pi) + 0.5, "uniform").pvalue > 1e-3
    assert np.abs(np.corrcoef(gap, events.field("eta"))[0, 1]) < 0.2


def test_a_shard_is_made_in_blocks(monkeypatch):
    monkeypatch.setattr(module, "_HELD", 16)  # two events of at most eight
    events = _many(7, **MUONS)
    assert len(events) == 7
    assert len(np.unique(events.field("eta"))) == 7


def test_tries_come_to_an_end(monkeypatch):
    gun = _gun(particles=(6, 6), apart=30, **MUONS)
    monkeypatch.setattr(module, "_ROUNDS", 1)
    with pytest.raises(ConfigError, match="events without, after 1 tries"):
        gun.shard("train", 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"particles": (0, 3)}, "between 1 and 64"),
        ({"particles": (5, 3)}, "must rise"),
        ({"pdg": [0, 11]}, "known to shower_gun alone"),
        ({"pdg": [2212]}, "the gun knows 0, 11"),
        ({"energy": (20, 5)}, "the lower end"),
        ({"energy": (0, 5)}, "energies must lie between"),
        ({"separation": (20, 10)}, "distances must rise"),
        ({"separation": (-1, 10)}, "distances must rise"),
        ({"apart": 150}, "at most twice spread"),
        ({"apart": 60}, r"8 particles must find places 60 mm apart .*0\.00%"),
        ({"spread": 400}, "disc must fit into the range of eta"),
        ({"separation": (0, 700)}, "disc must fit into the range of eta"),
        ({"eta": (0.6, 2.0)}, "must aim at cells.*narrow eta, or"),
        ({"readout": {"dead_layers": [99]}}, "dead layers must lie between 0 and 11"),
        ({"train": 9000, "shard_size": 9000}, "a shard must fit into 4 GiB.*shard_size of at"),
        ({"kind": "parallel"}, "unknown key 'kind'"),
    ],
)
def test_wrong_settings_are_refused_with_one_clear_message(settings, message):
    with pytest.raises(ConfigError, match=message):
        _gun(**settings)


def test_other_detectors_are_refused(barrel):
    with pytest.raises(ConfigError, match=r"needs one of the detectors .*hgcal"):
        _gun(barrel)
