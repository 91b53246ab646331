from __future__ import annotations

import gc
import json
import weakref

import numpy as np
import pytest

pytest.importorskip("acts", reason="the combinatorial Kalman filter needs pyacts")

from hitforge.acts import measurements
from hitforge.acts.kalman_filter import Asked
from hitforge.baselines import BASELINES
from hitforge.core.errors import ConfigError, DataError, RunError
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


def with_truth(events, members, truth, keep):
    """The same events with particles and links, and only some of their hits."""
    number = len(truth["phi"]) // len(events)
    pt = np.abs(np.sin(truth["theta"]) / truth["q_over_p"])
    zero = np.zeros(len(pt))
    columns = {"pdg": zero + 13, "charge": np.sign(truth["q_over_p"]), "px": pt * np.cos(truth["phi"]),
               "py": pt * np.sin(truth["phi"]), "pz": pt / np.tan(truth["theta"]), "energy": zero, "vx": zero,
               "vy": zero, "vz": truth["z0"], "time": zero, "parent": zero - 1}  # fmt: skip
    place = np.cumsum(keep) - 1
    kept = {name: table.select_rows(keep) for name, table in events.collections.items()}
    row = events.hits.offsets[members.event] + members["hit"]
    links = members.select_rows(keep[row])
    hit = place[row[keep[row]]] - kept["hits"].offsets[links.event]
    link = {"hit": hit, "particle": links["track"], "weight": np.ones(len(hit))}
    particles = Collection.from_counts(np.full(len(events), number), columns)
    return Events({**kept, "particles": particles, "links": Collection(links.offsets, link)})


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
    algorithm = build(preset="pixels")
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


def test_exact_forward_helices_need_no_hole():
    """A helix that meets each sensor on its way is found with none, however flat: what is lost has true holes."""
    events, members, truth = gun(4, 30, 9, smear=False, largest=3.5)
    pixel = np.isin(events.hits["subsystem"][events.hits.offsets[members.event] + members["hit"]], [7, 8, 9])
    size = np.bincount((members["track"] + 30 * members.event)[pixel], minlength=120)
    asked = np.flatnonzero(size >= 4)
    assert (np.abs(np.log(np.tan(truth["theta"][asked] / 2))) > 2.5).sum() > 20
    for holes in (0, 1):
        rows = majority(build(preset="pixels", max_holes=holes).find(events), members)
        assert np.isin(asked, rows[:, 0] * 30 + rows[:, 1]).mean() > 0.98


def test_presets_and_what_differs_from_them():
    assert build().settings.max_middle > 300  # seeds of strips have their middle point there
    assert build(preset="example").settings.max_delta_r_top == 60
    assert build(preset="pixels").settings.seed_volumes == (7, 8, 9)
    changed = build(preset="example", seed_volumes=(8,), seed_layers=(), max_holes=5).settings
    assert (changed.seed_volumes, changed.max_holes, changed.max_delta_r_bottom) == ((8,), 5, 60)
    again = build(**{name: value for name, value in build(preset="example").block.items() if name != "name"})
    assert again.settings == build(preset="example").settings
    events, _, _ = gun(1, 30, 10, smear=True)
    assert build(asked={"min_track_hits": 50}).find(events).parameters.rows == 0
    for wrong in ({"preset": "best"}, {"pt_margin": -1}, {"seeds": 0}, {"chi2_outlier": -1}, {"max_middle": 5000}):
        with pytest.raises(ConfigError, match=next(iter(wrong))):
            build(**wrong)
    with pytest.raises(ConfigError, match=r"'delta_r' has another name.*'max_delta_r_bottom and max_delta_r_top'"):
        build(delta_r=100)


def test_the_target_says_momentum_and_hits_and_margins_reach_beyond_it():
    narrow = build({"min_pt": 0.9, "max_eta": 4.0, "min_hits": 4, "min_track_hits": 4}, eta_margin=0.0, pt_margin=0.2)
    assert narrow._asked(narrow.settings) == Asked(0.7, 4.0, 4)
    usual = build({"min_track_hits": 7}, pt_margin=0.2)
    assert usual._asked(usual.settings) == Asked(0.8, 2.7, 7)
    pixels = build({"subsystems": "pixel"})
    assert pixels._subsystems == TRACKER.pixel_volumes
    with pytest.raises(ConfigError, match=r"'min_pt' has another name or place now: 'pt_margin'"):
        build(min_pt=0.8)


def test_without_a_scan_nothing_is_fitted_and_nothing_is_kept(tmp_path):
    ckf = build()
    record = ckf.fit(lambda: [], lambda: [], 1, Progress())
    assert (record["preset"], record["max_middle"]) == ("default", ckf.settings.max_middle)
    ckf.save(tmp_path)
    ckf.load(tmp_path)
    assert not list(tmp_path.iterdir())
    events, _, _ = gun(1, 3, 11, smear=True)
    with pytest.raises(ConfigError, match=r"finds tracks.*tracking"):
        ckf.outputs(events)


SCANNED = {
    "scan": {"events": 2, "only": ["max_middle", "max_holes"], "rounds": 1},
    "max_middle": 140.0,
    "pt_margin": 0.2,
}
ASKED = {"min_track_hits": 7}


def late_events():
    """Events of tracks that begin outside the pixels, with their truth."""
    events, members, truth = gun(3, 12, 21, smear=True, largest=1.0)
    return with_truth(events, members, truth, np.hypot(events.hits["x"], events.hits["y"]) > 150.0)


def test_a_scan_chooses_what_finds_most_on_training_events_and_is_kept(tmp_path):
    events = late_events()
    ckf = build(ASKED, **SCANNED)
    assert ckf.find(events).parameters.rows == 0
    record = ckf.fit(lambda: [events], lambda: [], 1, Progress())
    scan = record["scan"]
    assert scan["events"] == 2
    assert ckf.settings.max_middle == scan["best"]["max_middle"] == record["max_middle"] > 140
    best = max(scan["tried"], key=lambda one: one["value"])
    assert best["settings"] == scan["best"]
    assert best["efficiency"] > 0.9 > scan["tried"][0]["efficiency"]
    assert best["fake_rate"] <= 0.01
    assert json.loads(json.dumps(record)) == record
    found = ckf.find(events)
    assert found.parameters.rows > 25
    ckf.save(tmp_path)
    again = build(ASKED, **SCANNED)
    again.load(tmp_path)
    assert again.settings == ckf.settings
    assert groups(again.find(events)) == groups(found)


def test_what_a_scan_left_is_checked_when_it_is_read(tmp_path):
    ckf = build(ASKED, **SCANNED)
    file = tmp_path / "combinatorial_kalman_filter.json"
    for content in (None, "{}", "[]", "{", '{"max_middle": 200.0}', '{"max_middle": -1.0, "max_holes": 1}',
                    '{"max_middle": 200.0, "max_holes": 1, "seeds": 2}'):  # fmt: skip
        if content is not None:
            file.write_text(content)
        with pytest.raises(RunError, match="must hold what the scan of 'combinatorial_kalman_filter' chose"):
            ckf.load(tmp_path)
    file.write_text('{"max_middle": 200.0, "max_holes": null}')
    ckf.load(tmp_path)
    assert (ckf.settings.max_middle, ckf.settings.max_holes) == (200.0, None)


def test_a_scan_without_a_target_or_events_is_refused():
    with pytest.raises(ConfigError, match="needs a target"):
        build(**SCANNED).fit(lambda: [], lambda: [], 1, Progress())
    with pytest.raises(DataError, match="needs training events"):
        build(ASKED, **SCANNED).fit(lambda: [], lambda: [], 1, Progress())


def test_the_quality_cut_takes_short_tracks_with_a_bad_fit():
    events, members, _ = gun(2, 40, 9, smear=True, largest=2.0)
    events = with_noise(events, 1.0, 5)
    asked = {"subsystems": "pixel", "min_track_hits": 4}
    loose = {"preset": "pixels", "max_holes": 3, "max_outliers": 3, "chi2_measurement": 100.0, "chi2_outlier": 150.0}
    every = build(asked, **loose).find(events)
    cut = build(asked, **loose, quality_cut={"hits": 5, "max_chi2": 2.0}).find(events)
    assert {"seeding", "quality_cut"} <= cut.seconds.keys()
    assert cut.parameters.rows < every.parameters.rows
    bad = np.bincount(np.repeat(np.arange(2), cut.members.counts), minlength=2)
    assert (bad == cut.members.counts).all()
    assert (cut.counts("track") == cut.parameters.counts).all()
    assert (majority(cut, members)[:, 2] > 0.5).mean() >= (majority(every, members)[:, 2] > 0.5).mean()
    short = np.bincount(cut.parameters.offsets[cut.members.event] + cut.members["track"]) <= 5
    lost = every.parameters.rows - cut.parameters.rows
    assert lost <= (np.bincount(every.parameters.offsets[every.members.event] + every.members["track"]) <= 5).sum()
    assert short.any()


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
