"""Which hits of many showers are in the region of interest, what is said of them, and their truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.detectors import DETECTORS
from hitforge.events import Collection, Events
from hitforge.representations.hits.shower_hits import ShowerHits
from hitforge.representations.truth import Particles
from tests.layered import HONEYCOMB
from tests.many_showers import PLANE, many_showers
from tests.targets import target

EVENTS = many_showers([3, 1, 5, 2])
COLUMN = {name: i for i, name in enumerate(Particles._fields)}


def _made(**settings: object) -> ShowerHits:
    asked = target("shower", HONEYCOMB, min_deposited=settings.pop("min_deposited", 3.0))
    return ShowerHits(ShowerHits.Config(**settings), HONEYCOMB, asked)


def _one(events: Events, event: int) -> dict[str, Any]:
    """Hits of one event in double precision, with u and v about the centre, and the side of the region of interest."""
    hits = {name: v.astype(np.float64) for name, v in events.take(np.array([event])).hits.columns.items()}
    hits["u"], hits["v"] = hits["x"] * PLANE / abs(hits["z"]), hits["y"] * PLANE / abs(hits["z"])
    clear = hits["energy"] * (hits["energy"] >= np.array([0.012, 0.045])[hits["subsystem"].astype(int)])
    side = 1 if clear[hits["z"] > 0].sum() > clear[hits["z"] < 0].sum() else -1
    clear *= hits["z"] * side > 0
    for name in "uv":
        hits[name] -= (clear * hits[name]).sum() / clear.sum()
    hits["near"] = (hits["z"] * side > 0) & (abs(hits["u"]) < 240) & (abs(hits["v"]) < 240)
    return hits


def test_hits_of_the_side_with_more_energy_in_the_square_about_their_mean() -> None:
    representation = _made()
    prepared = representation.prepare(EVENTS)
    batch = representation.batch(prepared, np.array([2, 0]))
    for number, event in enumerate((2, 0)):
        hits, mine = _one(EVENTS, event), batch["event"] == number
        index = representation.hit_index(prepared, np.array([event]))
        np.testing.assert_array_equal(index, np.flatnonzero(hits["near"]))
        assert 0 < len(index) < len(hits["near"])
        features = dict(zip(representation.labels()["nodes"], batch["nodes"][mine].T, strict=True))
        u, v, energy, layer = (hits[name][index] for name in ("u", "v", "energy", "layer"))
        np.testing.assert_allclose(features["u"], u / 100, atol=1e-4)
        np.testing.assert_allclose(features["v"], v / 100, atol=1e-4)
        np.testing.assert_allclose(features["depth"], layer / 25, rtol=1e-5)
        np.testing.assert_allclose(features["log_energy"], np.log1p(energy / 0.01) / np.log(101), rtol=1e-4)
        beam = np.hypot(hits["x"], hits["y"])[index] * PLANE / abs(hits["z"][index])
        np.testing.assert_allclose(features["radius"], beam / 1000, rtol=1e-4)
        near = (u[:, None] - u) ** 2 + (v[:, None] - v) ** 2 <= 15**2
        near &= abs(layer[:, None] - layer) <= 1
        np.testing.assert_allclose(features["log_density"], np.log1p(near @ energy / 0.01) / np.log(101), rtol=1e-3)
        np.testing.assert_array_equal(features["section_0"] + 2 * features["section_1"], 1 + (layer >= 8))
        np.testing.assert_allclose(batch["energy"][mine], energy, rtol=1e-6)
        np.testing.assert_array_equal(batch["layer"][mine], layer)
        np.testing.assert_array_equal(batch["kind"][mine], hits["subsystem"][index])


def test_batch_has_the_promised_shapes_and_types() -> None:
    representation = _made()
    batch, shapes = representation.batch(representation.prepare(EVENTS), np.arange(4)), representation.shapes()
    assert batch.keys() == shapes.keys() == representation.labels().keys()
    for name, values in batch.items():
        assert values.shape == (len(batch["nodes"]), *shapes[name])
        assert values.dtype == (np.int32 if name in ("layer", "event", "kind") else np.float32)


def test_faint_hits_choose_where_there_are_no_others_and_thresholds_leave_out() -> None:
    hits = {name: values.copy() for name, values in EVENTS.hits.columns.items()}
    hits["energy"] *= 1e-5
    dim = Events({"hits": Collection(EVENTS.hits.offsets, hits)})
    first, second = (_made().prepare(events) for events in (EVENTS, dim))
    np.testing.assert_array_equal(first.dense["side"], second.dense["side"])
    assert 0 < np.abs(first.dense["centre"] - second.dense["centre"]).max() < 30  # noise pulls now
    representation = _made(threshold=0.1)
    some = representation.batch(representation.prepare(EVENTS), np.arange(4))["energy"]
    whole = first.ragged["energy"]
    np.testing.assert_array_equal(some, whole[whole > 0.1])


@pytest.mark.parametrize("least", [3.0, 60.0])
def test_truth_holds_the_share_of_each_particle_to_be_found(least: float) -> None:
    representation, order = _made(min_deposited=least, size=240.0), np.array([3, 2, 1])
    prepared, found = representation.prepare(EVENTS), 0
    truth, batch = representation.truth(prepared, order, "object"), representation.batch(prepared, order)
    most = truth["objects"].shape[1]
    assert truth["objects"].shape == (3, most, 14)
    for name in ("energy", "event", "place"):
        np.testing.assert_array_equal(truth[name], batch[name])
    for number, event in enumerate(order):
        part, mine = EVENTS.take(np.array([event])), truth["event"] == number
        index = representation.hit_index(prepared, np.array([event]))
        share = np.zeros((part.hits.rows, part.particles.rows))
        share[part.links["hit"], part.links["particle"]] = part.links["weight"]
        share, energy = share[index], part.hits["energy"][index].astype(np.float64)  # (h, P)
        deposited = energy @ share
        wanted = deposited >= least
        count = int(wanted.sum())
        assert not truth["fraction"][mine][:, count:].any()
        assert not truth["objects"][number, count:].any()
        np.testing.assert_allclose(truth["fraction"][mine][:, :count], share[:, wanted], atol=1e-6)
        rows = truth["objects"][number, :count]
        assert (rows[:, [0, -1]] == 1).all()
        np.testing.assert_array_equal(rows[:, 1], ~np.isin(abs(part.particles["pdg"][wanted]), (11, 22, 111)))
        np.testing.assert_allclose(rows[:, 2], part.particles["energy"][wanted])
        np.testing.assert_allclose(rows[:, 3], deposited[wanted], rtol=1e-5)
        assert (rows[:, 3] < rows[:, 2] * 1.0001).all()
        mean = (share * energy[:, None]).T[wanted] @ truth["place"][mine] / deposited[wanted][:, None]
        np.testing.assert_allclose(rows[:, 4:7], mean, atol=1e-4)
        found += count
    assert found == (8 if least == 3 else (truth["objects"][..., 3] >= 60).sum())
    assert found > 0
    assert truth["fraction"].sum(1).max() <= 1 + 1e-6


def test_box_holds_the_middle_of_the_energy_and_is_a_cell_wide() -> None:
    representation = _made()
    truth = representation.truth(representation.prepare(EVENTS), np.array([2]), "hit")
    assert truth["objects"].shape[1] == 5
    for k, row in enumerate(truth["objects"][0]):
        weight = truth["fraction"][:, k].astype(np.float64) * truth["energy"]
        for axis in range(3):
            values, low, high = truth["place"][:, axis], row[7 + axis], row[10 + axis]
            assert weight[values < low - 1e-5].sum() <= 0.02 * weight.sum()
            assert weight[values <= low + 1e-5].sum() >= 0.02 * weight.sum()
            assert weight[values < high - 1e-5].sum() <= 0.98 * weight.sum()
            assert weight[values <= high + 1e-5].sum() >= 0.98 * weight.sum()
            assert low < row[4 + axis] < high
    one = many_showers([1], spots=1, noise=0)  # a single cell
    row = representation.truth(representation.prepare(one), np.array([0]), "hit")["objects"][0, 0]
    np.testing.assert_allclose(row[10:13] - row[7:10], [0.04, 0.1, 0.1], rtol=1e-4)
    np.testing.assert_allclose((row[10:13] + row[7:10]) / 2, row[4:7], atol=1e-5)


def test_hits_and_truth_are_mirrored_alike() -> None:
    representation, index = _made(mirror=True), np.arange(4)
    prepared = representation.prepare(EVENTS)
    plain, seen = representation.batch(prepared, index), set()
    for seed in range(4):
        batch = representation.batch(prepared, index, np.random.default_rng(seed))
        truth = representation.truth(prepared, index, "object", np.random.default_rng(seed))
        np.testing.assert_array_equal(truth["place"], batch["place"])
        np.testing.assert_allclose(batch["nodes"][:, :2], batch["place"][:, 1:], rtol=1e-5)
        np.testing.assert_array_equal(batch["nodes"][:, 2:], plain["nodes"][:, 2:])
        for event in index:
            mine = batch["event"] == event
            sign = np.sign(batch["place"][mine][0, 1:] * plain["place"][mine][0, 1:])
            np.testing.assert_array_equal(batch["place"][mine], plain["place"][mine] * [1, *sign])
            seen.add(tuple(sign))
            weight = truth["fraction"][mine] * truth["energy"][mine][:, None]  # (h, M)
            for k in np.flatnonzero(truth["objects"][event, :, 0]):
                row = truth["objects"][event, k]
                mean = weight[:, k] @ batch["place"][mine] / weight[:, k].sum()
                np.testing.assert_allclose(row[4:7], mean, atol=1e-4)
                assert (row[7:10] < row[10:13]).all()
                inside = (batch["place"][mine] >= row[7:10] - 1e-5) & (batch["place"][mine] <= row[10:13] + 1e-5)
                assert (weight[inside.all(1), k].sum()) > 0.85 * weight[:, k].sum()
    assert len(seen) > 2
    still = _made().batch(prepared, index, np.random.default_rng(1))
    np.testing.assert_array_equal(still["place"], plain["place"])


def test_order_of_hits_only_orders_nodes() -> None:
    one = EVENTS.take(np.array([0]))
    order = np.random.default_rng(1).permutation(one.hits.rows)
    back = order.argsort()
    turned = Events({
        "hits": Collection(one.hits.offsets, {name: values[order] for name, values in one.hits.columns.items()}),
        "particles": one.particles,
        "links": Collection(one.links.offsets, {**one.links.columns, "hit": back[one.links["hit"]]}),
    })  # fmt: skip
    representation, first = _made(), np.array([0])
    prepared = [representation.prepare(events) for events in (one, turned)]
    index = [representation.hit_index(p, first) for p in prepared]
    here = [np.argsort(index[0]), np.argsort(order[index[1]])]
    batch, truth = ([f(p, first, *more) for p in prepared] for f, more in
                    ((representation.batch, ()), (representation.truth, ("hit",))))  # fmt: skip
    for name in batch[0]:
        np.testing.assert_allclose(batch[0][name][here[0]], batch[1][name][here[1]], atol=1e-4)
    np.testing.assert_array_equal(truth[0]["fraction"][here[0]], truth[1]["fraction"][here[1]])
    np.testing.assert_allclose(truth[0]["objects"], truth[1]["objects"], atol=1e-4)


def test_events_without_particles_or_hits_and_without_truth() -> None:
    representation = _made()
    events = Events.concatenate([many_showers([0, 2]), _empty()])
    prepared = representation.prepare(events)
    truth = representation.truth(prepared, np.array([0, 2]), "hit")
    assert truth["objects"].shape == (2, 1, 14)
    assert truth["fraction"].shape == (len(truth["energy"]), 1)
    assert not truth["objects"].any()
    assert not truth["fraction"].any()
    assert len(representation.batch(prepared, np.array([2]))["nodes"]) == 0
    bare = Events({"hits": events.hits})
    with pytest.raises(DataError, match="truth must come"):
        representation.truth(representation.prepare(bare), np.array([0]), "hit")
    with pytest.raises(ConfigError, match="edge"):
        representation.truth(prepared, np.array([0]), "edge")


def _empty() -> Events:
    """One event of nothing."""
    none = many_showers([1]).take(np.array([], np.int64))
    return Events({name: Collection(np.zeros(2, np.int64), part.columns) for name, part in none.collections.items()})


def test_wrong_detector_layer_and_place_are_refused() -> None:
    with pytest.raises(ConfigError, match="shower_hits"):
        ShowerHits(ShowerHits.Config(), DETECTORS.build("pixel_grid", where="test"))
    for name, value, message in (("layer", 12, "0 to 11"), ("x", np.nan, "finite")):
        hits = {key: values.copy() for key, values in EVENTS.hits.columns.items()}
        hits[name][EVENTS.hits.offsets[1]] = value
        with pytest.raises(DataError, match=message) as error:
            _made().prepare(Events({"hits": Collection(EVENTS.hits.offsets, hits)}))
        assert "event 1" in str(error.value)


def test_compact_form_is_small() -> None:
    prepared = _made().prepare(EVENTS)
    parts = [prepared.ragged, *prepared.tables.values()]
    size = sum(values.nbytes for part in parts for values in (part.offsets, *part.columns.values()))
    assert size < 60 * prepared.ragged.rows  # ten thousand events of 3,000 hits in 2 GB
