"""Jets as points: order, features and padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Collection, Events
from hitforge.representations import REPRESENTATIONS, Representation
from hitforge.testing._samples import sample, toy_jets

DETECTOR, EVENTS = sample("jets")


def build(**values: Any) -> Representation:
    return REPRESENTATIONS.build({"name": "constituents", **values}, DETECTOR, where="test")


def feature(representation: Representation, events: Events, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A feature of all points (N, P), and which are real."""
    batch = representation.batch(representation.prepare(events), np.arange(len(events)))
    column = representation.labels()["points"].index(name)
    return batch["points"][..., column], batch["mask"][..., 0] > 0


def test_points_fall_in_pt_and_the_rest_is_counted() -> None:
    representation = build(points=8)
    prepared = representation.prepare(EVENTS)
    log_pt, real = feature(representation, EVENTS, "log_pt")
    assert log_pt.shape == (40, 8)
    assert (np.diff(np.where(real, log_pt, -99.0), axis=1) <= 0).all()
    parts = EVENTS.constituents
    pt = np.hypot(parts["px"].astype(float), parts["py"])
    np.testing.assert_array_equal(real.sum(axis=1), np.minimum(parts.counts, 8))
    kept = np.where(real, np.exp(log_pt), 0.0).sum(axis=1)
    np.testing.assert_allclose(prepared.dense["left_out"], parts.sum(pt) - kept, rtol=1e-3, atol=1e-3)
    assert (prepared.dense["left_out"] > 1).any()


def test_places_are_about_the_axis_and_mirrored_jets_are_the_same() -> None:
    representation = build()
    mirror = {name: {**table.columns, "pz": -table["pz"]} for name, table in EVENTS.collections.items()}
    mirrored = Events(
        {name: Collection(EVENTS.collections[name].offsets, columns) for name, columns in mirror.items()},
        EVENTS.fields,
        EVENTS.info,
    )
    batch, other = (
        representation.batch(representation.prepare(events), np.arange(40)) for events in (EVENTS, mirrored)
    )
    np.testing.assert_allclose(other["points"], batch["points"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(other["position"], batch["position"], rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(other["momentum"][..., 2], -batch["momentum"][..., 2])
    assert np.abs(batch["position"][..., 1]).max() < np.pi / 2  # also of jets at the turn of the azimuth
    share = np.hypot(batch["momentum"][..., 0], batch["momentum"][..., 1])
    mean = (share * batch["position"][..., 1]).sum(axis=1) / share.sum(axis=1)
    assert np.abs(mean).max() < 0.05


def test_shares_and_kinds_add_up() -> None:
    representation, real = build(), feature(build(), EVENTS, "log_energy_share")[1]
    share = np.where(real, np.exp(feature(representation, EVENTS, "log_energy_share")[0]), 0.0)
    np.testing.assert_allclose(share.sum(axis=1), 1.0, rtol=1e-3)
    kinds = [feature(representation, EVENTS, name)[0] for name in ("photon", "charged_hadron", "neutral_hadron")]
    np.testing.assert_array_equal(sum(kinds), real)
    charge = feature(representation, EVENTS, "charge")[0]
    np.testing.assert_array_equal(charge != 0, kinds[1] > 0)


def test_significance_without_an_error_is_0() -> None:
    representation = build()
    d0, error, ratio = (feature(representation, EVENTS, name)[0] for name in ("d0", "d0_error", "d0_significance"))
    track = error > 0
    assert track.any()
    np.testing.assert_allclose(np.sinh(ratio[track]), np.sinh(d0[track]) / np.sinh(error[track]), rtol=1e-3, atol=1e-3)
    assert (ratio[~track] == 0).all()


def test_the_order_of_constituents_does_not_matter() -> None:
    parts = EVENTS.constituents
    order = np.lexsort((np.random.default_rng(1).random(parts.rows), parts.event))
    shuffled = Collection(parts.offsets, {name: values[order] for name, values in parts.columns.items()})
    events = Events({"jets": EVENTS.jets, "constituents": shuffled})
    representation = build()
    batch, other = (representation.batch(representation.prepare(one), np.arange(9)) for one in (EVENTS, events))
    for name, values in batch.items():
        np.testing.assert_array_equal(other[name], values)


def test_a_jet_without_constituents_has_no_points() -> None:
    none = EVENTS.constituents.select_rows(EVENTS.constituents.event != 3)
    representation = build()
    prepared = representation.prepare(Events({"jets": EVENTS.jets, "constituents": none}))
    batch = representation.batch(prepared, np.array([3, 4]))
    assert batch["mask"][0].sum() == 0
    assert all(np.isfinite(values).all() for values in batch.values())
    alone = representation.batch(prepared, np.array([3]))
    assert alone["points"].shape == (1, 16, 20)


def test_jet_shapes_join_the_summary() -> None:
    events = toy_jets(9)
    names = ["soft_drop_mass", "tau_ratio_2"]
    bare, shaped = build(), build(shapes={"names": names})
    plain = REPRESENTATIONS.build({"name": "jet_features", "names": names}, DETECTOR, where="test")
    assert shaped.labels()["summary"] == [*bare.labels()["summary"], *names]
    assert shaped.shapes()["summary"] == (6,)
    found = shaped.prepare(events).dense["summary"]
    np.testing.assert_array_equal(found[:, :4], bare.prepare(events).dense["summary"])
    np.testing.assert_array_equal(found[:, 4:], plain.prepare(events).dense["features"])


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="differ from each other"):
        build(features=["deta", "deta"])
    with pytest.raises(DataError, match="must have jets"):
        build().prepare(Events({}, EVENTS.fields, EVENTS.info))
    several = Events({"jets": Collection(np.array([0, 2]), toy_jets(2).jets.columns)})
    with pytest.raises(DataError, match="one jet in each event"):
        build().prepare(several)
