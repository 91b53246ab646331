"""Events of the tracker: numbers, places, truth, and that they are the same at every call."""

from __future__ import annotations

import importlib.util
import math

import numpy as np
import pytest

from hitforge.acts import fatras
from hitforge.core.errors import ConfigError, MissingExtraError
from hitforge.detectors import DETECTORS, Detector
from hitforge.events import Events
from hitforge.simulation import SIMULATIONS
from hitforge.simulation.fatras import Fatras, _error

DETECTOR = DETECTORS.build("silicon_barrel_endcap", where="test")
MODULES = DETECTOR.modules
needs_pythia = pytest.mark.skipif(
    importlib.util.find_spec("pythia8mc") is None, reason="needs pythia8mc (hitforge[gen])"
)


def source(**settings: object) -> Fatras:
    block = {"name": "fatras", "train": 10, "validation": 2, "test": 2, "shard_size": 5, **settings}
    built = SIMULATIONS.build(block, DETECTOR, where="test")
    assert isinstance(built, Fatras)
    return built


def same(first: Events, second: Events) -> bool:
    return all(
        np.array_equal(first.collections[name][column], second.collections[name][column])
        for name in first.collections
        for column in first.collections[name].columns
    )


@pytest.fixture(scope="module")
def muons() -> Events:
    """Ten muons in each of five events, no noise."""
    return source(noise=0).shard("train", 0).check()


def true_hits(events: Events) -> np.ndarray:
    """Number of hits of each particle."""
    return np.bincount(
        events.particles.offsets[events.links.event] + events.links["particle"], minlength=events.particles.rows
    )


def test_shards_are_the_same_in_any_order_and_differ_from_each_other(muons: Events) -> None:
    again = source(noise=0)
    second, validation = again.shard("train", 1), again.shard("validation", 0)
    assert same(again.shard("train", 0), muons)
    assert same(source(noise=0).shard("train", 1), second)
    assert not same(second, muons)
    assert len(validation) == 2
    assert not same(validation, muons.take(np.array([0, 1])))
    assert not same(source(noise=0, seed=2).shard("train", 0), muons)


def test_muons_leave_ten_hits_and_each_hit_has_one_of_them(muons: Events) -> None:
    assert (muons.particles.counts == 10).all()
    hits = true_hits(muons)
    assert hits.min() >= 5
    assert 10 < hits.mean() < 16
    assert len(muons.links["hit"]) == muons.hits.rows
    assert (muons.links["weight"] == 1).all()
    assert (np.sort(muons.hits.offsets[muons.links.event] + muons.links["hit"]) == np.arange(muons.hits.rows)).all()
    particles = muons.particles
    assert set(np.unique(particles["pdg"])) == {-13, 13}
    np.testing.assert_array_equal(particles["charge"], -np.sign(particles["pdg"]))
    pt = np.hypot(particles["px"], particles["py"])
    assert (pt > 0.999).all()
    assert (pt < 10.001).all()
    assert (particles["parent"] == -1).all()
    assert (muons.field("noise_hits") == 0).all()


def test_hits_lie_on_their_module(muons: Events) -> None:
    hits, clusters = muons.hits, muons.clusters
    row = DETECTOR.row(hits["cell"])
    assert (row >= 0).all()
    np.testing.assert_array_equal(hits["layer"], MODULES.layer[row])
    np.testing.assert_array_equal(hits["subsystem"], MODULES.volume[row])
    place = np.stack([hits[axis] for axis in "xyz"], 1)
    local = np.einsum("nij,nj->in", MODULES.axes[row], place - MODULES.centre[row])
    np.testing.assert_allclose(local, [clusters["u"], clusters["v"], np.zeros(len(row))], atol=5e-4)
    assert (np.abs(clusters["v"]) <= MODULES.half_v[row] + 1e-4).all()
    np.testing.assert_allclose(clusters["sigma_u"], MODULES.pitch_u[row] / math.sqrt(12), rtol=1e-6)
    for event in range(len(muons)):
        part = slice(hits.offsets[event], hits.offsets[event + 1])
        order = np.lexsort((clusters["u"][part], hits["cell"][part]))
        np.testing.assert_array_equal(order, np.arange(len(order)))


def test_hits_lie_along_the_helix_of_their_particle() -> None:
    events = source(pdg=(13,), pt=(50.0, 50.0), eta=(-1.0, 1.0), noise=0, vertex_spread=(0.0, 0.0)).shard("train", 0)
    particle = events.particles.offsets[events.links.event] + events.links["particle"]
    hit = events.hits.offsets[events.links.event] + events.links["hit"]
    px, py, pz = (events.particles[name][particle] for name in ("px", "py", "pz"))
    x, y, z = (events.hits[name][hit] for name in "xyz")
    pt, radius = np.hypot(px, py), np.hypot(x, y)
    pixel = np.isin(events.hits["subsystem"][hit], DETECTOR.pixel_volumes)
    # A negative particle in a field along +z turns to the left: its azimuth rises with the radius.
    turn = np.arcsin(radius * 2.99792458e-4 * 2.0 / (2 * pt))
    angle = np.arctan2(y * px - x * py, x * px + y * py)
    np.testing.assert_allclose(angle[pixel], turn[pixel], atol=2e-3)
    np.testing.assert_allclose(z[pixel], (pz / pt * radius)[pixel], atol=1.0)


def test_noise_has_no_truth_and_its_share_is_as_set(muons: Events) -> None:
    noisy = source(noise=0.5, noise_rate=0.01).shard("train", 0).check()
    assert noisy.links.rows == muons.links.rows  # the particles' hits are the same
    added = noisy.hits.rows - muons.hits.rows
    assert added == noisy.field("noise_hits").sum()
    mean = 0.5 * muons.hits.rows + 0.01 * len(MODULES) * len(muons)
    assert abs(added - mean) < 5 * math.sqrt(mean)


def test_dead_modules_give_nothing(muons: Events) -> None:
    dead = source(dead=0.3, noise=0.5).shard("train", 0).check()
    other = source(dead=0.3, noise=0.5).shard("train", 1)
    lost = dead.field("missing_hits").sum()
    assert dead.links.rows + lost == muons.links.rows
    assert abs(lost / muons.links.rows - 0.3) < 0.1
    remaining = source(dead=0.3)
    gone = set(MODULES.number[remaining._dead].tolist())
    assert len(gone) == round(0.3 * len(MODULES))
    assert not gone & set(np.concatenate([dead.hits["cell"], other.hits["cell"]]).tolist())


def test_misaligned_modules_shift_what_they_measure(muons: Events) -> None:
    moved = source(misalignment=0.2, noise=0)
    events = moved.shard("train", 0).check()
    shift = moved._shifts
    assert abs(shift.std() - 0.2) < 0.005

    def by_truth(sample: Events) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        hit = sample.hits.offsets[sample.links.event] + sample.links["hit"]
        row = DETECTOR.row(sample.hits["cell"][hit])
        order = np.lexsort((row, sample.links["particle"], sample.links.event))
        return row[order], sample.clusters["u"][hit][order], sample.clusters["v"][hit][order]

    (row, u, v), (nominal_row, nominal_u, nominal_v) = by_truth(events), by_truth(muons)
    np.testing.assert_array_equal(row, nominal_row)
    np.testing.assert_allclose(u - nominal_u, shift[row, 0], atol=1e-4)
    np.testing.assert_allclose(v - nominal_v, shift[row, 1], atol=1e-4)


def test_clusters_of_channels(muons: Events) -> None:
    built = source(digitisation="cells", noise=0.1)
    events = built.shard("train", 0).check()
    assert same(built.shard("train", 0), events)
    linked = events.hits.offsets[events.links.event] + events.links["hit"]
    truth = np.zeros(events.hits.rows, bool)
    truth[linked] = True
    clusters = {name: column[truth] for name, column in events.clusters.columns.items()}
    assert 0.97 < truth.sum() / muons.hits.rows < 1.01
    assert (clusters["cells"] >= np.maximum(clusters["size_u"], clusters["size_v"])).all()
    assert (clusters["cells"] <= clusters["size_u"] * clusters["size_v"]).all()
    assert 1.1 < clusters["cells"].mean() < 5
    assert (clusters["charge"] > 3.5e-6).all()
    np.testing.assert_array_equal(events.hits["energy"][truth], clusters["charge"])
    assert (events.clusters["cells"][~truth] == 1).all()
    noise = events.clusters["charge"][~truth]  # not to be told from particles by one value
    assert (noise >= 3.5999e-6).all()
    assert len(np.unique(noise)) == len(noise) > 20
    assert 1.6 < noise.mean() / 3.6e-6 < 2.5
    assert not muons.clusters["charge"].any()
    weight = np.bincount(linked, events.links["weight"], minlength=events.hits.rows)
    np.testing.assert_allclose(weight[truth], 1, atol=1e-5)


def test_errors_of_clusters_are_what_the_simulation_gives() -> None:
    built, rng = source(digitisation="cells", multiplicity=50, pt=(1, 10), eta=(-2.5, 2.5)), np.random.default_rng(1)
    primaries, field = built._primaries(8, rng)[0], DETECTOR.magnetic_field
    crossings = fatras.crossings(primaries, DETECTOR.tracking_geometry, field, 0.1, 7)
    row = DETECTOR.row(crossings.module)
    found = built._digitised(rng, crossings, row)
    at = np.einsum("nij,nj->ni", MODULES.axes[row], crossings.place - MODULES.centre[row])
    names, first, number = np.unique(
        crossings.particle * len(MODULES) + row, return_index=True, return_counts=True
    )  # a particle that crosses a sensor twice tells nothing
    single = np.bincount(found.measurement, minlength=len(found))[found.measurement] == 1
    cluster, particle = found.measurement[single], found.particle[single]
    place = np.searchsorted(names, particle * len(MODULES) + found.row[cluster])
    once = number[place] == 1
    cluster, crossing = cluster[once], first[place[once]]
    pulls, sizes = [], []
    for axis, measured, pitch in ((0, found.u, MODULES.pitch_u), (1, found.v, MODULES.pitch_v)):
        pulls.append((measured[cluster] - at[crossing, axis]) / pitch[found.row[cluster]])
        sizes.append(found.size[cluster, axis])
    away, size = np.concatenate(pulls), np.concatenate(sizes)
    for kept, tolerance in ((size == 1, 0.08), (size > 1, 0.2)):
        assert kept.sum() > 3000
        assert away[kept].std() == pytest.approx(_error(size[kept])[0], rel=tolerance)


def test_pixels_alone(muons: Events) -> None:
    pixels = source(subsystems="pixel", noise=0, noise_rate=0.01).shard("train", 0).check()
    assert set(np.unique(pixels.hits["subsystem"])) <= set(DETECTOR.pixel_volumes)
    linked = np.isin(muons.hits["subsystem"], DETECTOR.pixel_volumes).sum()
    assert pixels.links.rows == linked
    assert (pixels.particles.counts == muons.particles.counts).all()


def test_photons_leave_pairs() -> None:
    events = source(pdg=(22,), multiplicity=60, train=5, noise=0).shard("train", 0).check()
    particles = events.particles
    assert particles.rows > 10
    assert set(np.unique(particles["pdg"])) <= {11, -11}
    assert (np.hypot(particles["vx"], particles["vy"]) > 15).mean() > 0.9
    assert (np.abs(particles["charge"]) == 1).all()


@needs_pythia
def test_top_quarks_with_pileup() -> None:
    settings = {"process": "ttbar", "mu": 3, "train": 2, "validation": 0, "test": 0, "shard_size": 2, "pool": 4}
    built = source(**settings)
    events = built.shard("train", 0).check()
    assert same(source(**settings).shard("train", 0), events)
    assert events.hits.counts.min() > 1000
    assert set(np.unique(np.abs(events.particles["pdg"]))) >= {11, 211, 321, 2212}
    assert (np.abs(events.particles["charge"]) == 1).all()
    momentum = np.sqrt(sum(events.particles[name] ** 2 for name in ("px", "py", "pz")))
    assert momentum.min() > 0.099
    children = np.flatnonzero(events.particles["parent"] >= 0)
    assert (np.abs(events.particles["pdg"][children]) == 11).all()
    clean = source(**{**settings, "pt_min": 0.5, "eta_max": 2.0, "mu": 0}).shard("train", 0)
    primary = np.abs(clean.particles["pdg"]) != 11
    pt = np.hypot(clean.particles["px"], clean.particles["py"])[primary]
    assert pt.min() > 0.499
    assert np.abs(clean.particles["pz"][primary] / pt).max() < math.sinh(2.001)


@needs_pythia
def test_minimum_bias_has_as_many_interactions_as_asked() -> None:
    events = source(process="minimum_bias", mu=4, train=4, shard_size=4).shard("train", 0).check()
    number = events.field("interactions")
    assert 4 < number.sum() < 32
    for event in range(4):
        part = slice(events.particles.offsets[event], events.particles.offsets[event + 1])
        z = np.unique(events.particles["vz"][part][np.hypot(*(events.particles[v][part] for v in ("vx", "vy"))) < 0.06])
        assert len(z) >= number[event] / 2
    assert events.particles.counts.sum() > 20 * number.sum()


def test_wrong_settings_are_refused(barrel: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong, message in (
        ({"pdg": (17,)}, "the gun knows"), ({"pdg": (-22,)}, "the gun knows"), ({"pt": (0.0, 1.0)}, "above 0"),
        ({"pt": (2.0, 1.0)}, "lower end"), ({"eta": (-5.0, 1.0)}, "at most 4.5"), ({"dead": 1.0}, "dead"),
        ({"mu": 301}, "mu"), ({"p_min": 0.0}, "p_min"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=message):
            source(**wrong)
    with pytest.raises(ConfigError, match="silicon_barrel_endcap"):
        SIMULATIONS.build("fatras", barrel, where="test")
    with pytest.raises(ConfigError, match="shard must exist"):
        source().shard("train", 2)
    monkeypatch.setitem(__import__("sys").modules, "pythia8mc", None)
    with pytest.raises(MissingExtraError, match=r"hitforge\[gen\]"):
        source(process="ttbar").shard("train", 0)


def test_no_events_in_a_part_is_no_shard() -> None:
    assert source(test=0).splits() == {"train": 2, "validation": 1, "test": 0}


def test_hadrons_end_in_nuclear_interactions_and_leave_shorter_tracks() -> None:
    pions = {"pdg": (211, -211), "pt": (5.0, 10.0), "eta": (-1.0, 1.0), "multiplicity": 100, "noise": 0}
    plain, ended = (source(**pions, hadronic=on).shard("train", 0).check() for on in (False, True))
    assert (plain.field("interacted") == 0).all()
    share = ended.field("interacted").sum() / ended.particles.rows
    assert 0.015 < share < 0.07  # 22 mm of silicon at the centre over 591 mm, less what lies behind the last sensor
    assert ended.particles.rows == plain.particles.rows
    few = [np.mean(true_hits(one) < 7) for one in (plain, ended)]
    assert few[1] > few[0] + 0.005
    muons = source(noise=0, hadronic=True).shard("train", 0)
    assert (muons.field("interacted") == 0).all()
