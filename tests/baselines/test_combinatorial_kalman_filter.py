from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

pytest.importorskip("acts", reason="the combinatorial Kalman filter needs pyacts")

from hitforge.acts import measurements
from hitforge.baselines import BASELINES
from hitforge.core.errors import ConfigError, DataError
from hitforge.core.progress import Progress
from hitforge.core.random import stream
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.tasks.track_fitting import COLUMNS
from tests.helix_gun import TRACKER, gun, shuffled
from tests.targets import target


class Tracking:
    """Stands for a task that finds tracks."""

    name, kind = "tracking", "track"

    def __init__(self, asked=None):
        self.object_kind = None if asked is None else target("track", TRACKER, **asked)


def build(asked=None, **settings):
    task = Tracking(asked)
    return BASELINES.build({"name": "combinatorial_kalman_filter", **settings}, TRACKER, task, where="test")


def groups(found, moved=None):
    """Found as sets of hits, event by event, in no order."""
    result = []
    for event in range(len(found.members)):
        one = found.members.take(np.array([event]))
        hit = one["hit"] if moved is None else np.argsort(moved[event])[one["hit"]]
        result.append(sorted(sorted(hit[one["track"] == t].tolist()) for t in np.unique(one["track"])))
    return result


def majority(found, members):
    """For each track: its event, the particle with most of its hits, and their share; for each particle its hits."""
    answer = []
    for event in range(len(found.members)):
        one, true = found.members.take(np.array([event])), members.take(np.array([event]))
        owner = np.full(int(max(one["hit"].max(initial=0), true["hit"].max(initial=0))) + 1, -1)
        owner[true["hit"]] = true["track"]
        for track in range(int(found.parameters.counts[event])):
            of = owner[one["hit"][one["track"] == track]]
            best = np.bincount(of[of >= 0], minlength=1).argmax()
            answer.append((event, best, (of == best).mean()))
    return np.array(answer)


def with_noise(events, share, seed):
    """The same events with hits of no particle on random places of random modules, behind the others."""
    random, modules = stream(seed, "noise"), TRACKER.modules
    count = np.maximum((share * events.hits.counts).astype(int), 1)
    row = random.integers(0, len(modules), count.sum())
    narrow = np.minimum(modules.half_u_low, modules.half_u_high)[row]
    u, v = random.uniform(-1, 1, (2, len(row))) * np.stack([narrow, modules.half_v[row]])
    x, y, z = TRACKER.to_global(modules.number[row], u, v).T
    new = {
        "hits": {"x": x, "y": y, "z": z, "cell": modules.number[row], "layer": modules.layer[row],
                 "subsystem": modules.volume[row]},
        "clusters": {"u": u, "v": v},
    }  # fmt: skip
    tables = {}
    for name, table in events.collections.items():
        columns = {key: new[name].get(key, np.zeros(len(row))) for key in table.columns}
        noise = Collection.from_counts(count, columns)
        pairs = [part.take(np.array([e])) for e in range(len(events)) for part in (table, noise)]
        joined = Collection.concatenate(pairs)
        tables[name] = Collection(joined.offsets[::2], joined.columns)
    return Events(tables)


def test_muons_are_found_and_their_hits_belong_together():
    events, members, truth = gun(4, 30, 1, smear=True)
    found = build().find(events)
    rows = majority(found, members)
    assert (rows[:, 2] == 1).mean() > 0.99
    particle = (rows[:, 0] * 30 + rows[:, 1]).astype(int)
    assert len(np.unique(particle)) == len(particle)  # no duplicates
    size = np.bincount(members["track"] + 30 * members.event, minlength=120)
    assert np.isin(np.flatnonzero(size >= 9), particle).mean() > 0.98
    parameters = found.parameters
    assert set(parameters.columns) == set(COLUMNS)
    for name in ("loc0", "z0", "theta", "q_over_p"):
        pull = (parameters[name] - truth[name][particle]) / parameters[f"sigma_{name}"]
        assert abs(np.median(pull)) < 0.3, name
        assert 0.2 < pull.std() < 1.3, name  # the material that the filter allows for is not there
    assert (parameters["ndf"] == 2 * np.bincount(np.concatenate([
        parameters.offsets[found.members.event] + found.members["track"]
    ])) - 5).all()  # fmt: skip


def test_each_stage_has_its_time():
    events, _, _ = gun(3, 5, 2, smear=True)
    seconds = build().find(events).seconds
    assert list(seconds) == ["handover", "seeding", "filter", "ambiguity"]
    assert all(values.shape == (3,) and (values > 0).all() for values in seconds.values())


def test_same_hits_same_tracks_in_any_order():
    events, _, _ = gun(2, 30, 3, smear=True)
    events = with_noise(events, 0.3, 1)
    ckf = build()
    first, second = ckf.find(events), ckf.find(events)
    for name in first.parameters.columns:
        assert np.array_equal(first.parameters[name], second.parameters[name])
    other, moved = shuffled(events, 4)
    again = ckf.find(other)
    assert groups(again, moved) == groups(first)
    assert np.array_equal(again.parameters["z0"], first.parameters["z0"])


def test_events_do_not_touch_each_other():
    events, _, _ = gun(3, 10, 5, smear=True)
    together = build().find(events)
    alone = [build().find(events.take(np.array([e]))) for e in range(3)]
    assert groups(together) == [groups(one)[0] for one in alone]


def test_noise_and_dead_modules_cost_little():
    events, members, _ = gun(2, 30, 6, smear=True)
    clean = build().find(events).parameters.rows
    noisy = build().find(with_noise(events, 1.0, 2))
    assert (majority(noisy, members)[:, 2] > 0.5).mean() > 0.95
    assert noisy.parameters.rows > 0.95 * clean
    alive = stream(7, "dead").uniform(size=len(TRACKER.modules)) > 0.05
    keep = alive[TRACKER.row(events.hits["cell"])]
    dead = Events({name: table.select_rows(keep) for name, table in events.collections.items()})
    assert build().find(dead).parameters.rows > 0.8 * clean


def test_events_without_hits_have_no_tracks():
    events, _, _ = gun(3, 5, 8, smear=True)
    keep = events.hits.event == 1
    some = Events({name: table.select_rows(keep) for name, table in events.collections.items()})
    found = build().find(some)
    assert found.parameters.counts.tolist()[::2] == [0, 0]
    assert found.members.counts.tolist()[::2] == [0, 0]
    assert found.parameters.counts[1] > 0
    nothing = build().find(events.take(np.zeros(0, int)))
    assert len(nothing.members) == len(nothing.parameters) == 0


def test_pixels_alone_make_tracks_up_to_large_eta():
    events, members, truth = gun(4, 30, 9, smear=True, largest=3.5)
    algorithm = build(preset="pixels", max_holes=4)  # the preset's cut on holes costs a tenth of these tracks
    pixels = np.isin(events.hits["subsystem"], TRACKER.pixel_volumes)
    assert np.array_equal(algorithm.region(events), pixels)
    assert build().region(events) is None
    found = algorithm.find(events)
    hit = events.hits.offsets[found.members.event] + found.members["hit"]
    assert np.isin(events.hits["subsystem"][hit], TRACKER.pixel_volumes).all()
    pixel = np.isin(events.hits["subsystem"][events.hits.offsets[members.event] + members["hit"]], [7, 8, 9])
    size = np.bincount((members["track"] + 30 * members.event)[pixel], minlength=120)
    rows = majority(found, members)
    there = np.isin(np.flatnonzero(size >= 4), rows[:, 0] * 30 + rows[:, 1])
    assert there.mean() > 0.95
    assert np.abs(np.log(np.tan(truth["theta"][(rows[:, 0] * 30 + rows[:, 1]).astype(int)] / 2))).max() > 3.0


def test_presets_and_what_differs_from_them():
    assert build().settings.delta_r == 100
    assert build(preset="example").settings.max_holes == 2
    changed = build(preset="example", seed_volumes=(8,), max_holes=5).settings
    assert (changed.min_pt, changed.layers, changed.max_holes, changed.delta_r) == (0.5, ((8, 0),), 5, 60)
    events, _, _ = gun(1, 30, 10, smear=True)
    assert build(asked={"min_track_hits": 50}).find(events).parameters.rows == 0
    for wrong in ({"preset": "best"}, {"pt_margin": -1}, {"seeds": 0}, {"chi2_outlier": -1}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build(**wrong)


def test_the_target_says_momentum_and_hits_and_margins_reach_beyond_it():
    settings = build({"min_pt": 0.9, "max_eta": 4.0, "min_hits": 4, "min_track_hits": 4}, eta_margin=0.0).settings
    assert (settings.min_pt, settings.max_eta, settings.min_measurements) == (0.7, 4.0, 4)
    settings = build({"min_track_hits": 7}).settings
    assert (settings.min_pt, settings.max_eta, settings.min_measurements) == (0.8, 2.7, 7)
    pixels = build({"subsystems": "pixel"})
    assert pixels._subsystems == TRACKER.pixel_volumes
    with pytest.raises(ConfigError, match=r"'min_pt' has another name or place now: 'pt_margin'"):
        build(min_pt=0.8)


def test_nothing_is_fitted_and_nothing_is_kept(tmp_path):
    ckf = build()
    assert ckf.fit(lambda: [], lambda: [], 1, Progress())["preset"] == "tuned"
    ckf.save(tmp_path)
    ckf.load(tmp_path)
    assert not list(tmp_path.iterdir())
    events, _, _ = gun(1, 3, 11, smear=True)
    with pytest.raises(ConfigError, match=r"finds tracks.*tracking"):
        ckf.outputs(events)


def test_unknown_modules_and_missing_clusters_are_one_clear_line():
    events, _, _ = gun(2, 5, 12, smear=True)
    with pytest.raises(DataError, match="must have clusters"):
        build().find(Events({"hits": events.hits}))
    events.hits["cell"][-1] = 12345
    with pytest.raises(DataError, match=r"must name a module of 'silicon_barrel_endcap'.*12345.*event 1"):
        build().find(events)


def test_a_calorimeter_is_refused():
    with pytest.raises(ConfigError, match=r"combinatorial_kalman_filter.*silicon_barrel_endcap"):
        BASELINES.build(
            {"name": "combinatorial_kalman_filter"}, DETECTORS.build("crystal_barrel", where="test"), Tracking(),
            where="test",
        )  # fmt: skip


def test_nothing_of_a_call_stays_in_memory(monkeypatch):
    """Samples are answered shard by shard: what one call holds must go with it."""
    held, make = [], measurements.Measurements

    def measured(*arguments):
        held.append(weakref.ref(one := make(*arguments)))
        return one

    monkeypatch.setattr(measurements, "Measurements", measured)
    events, _, _ = gun(1, 3, 13, smear=True)
    build().find(events)
    gc.collect()
    assert held[0]() is None
