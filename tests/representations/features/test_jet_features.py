"""Jet shapes against their definitions, written out jet by jet."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError
from hitforge.events import Collection, Events
from hitforge.representations import REPRESENTATIONS
from hitforge.testing._samples import sample

DETECTOR, EVENTS = sample("jets")


def shapes(events: Events, **values: Any) -> dict[str, np.ndarray]:
    representation = REPRESENTATIONS.build({"name": "jet_features", **values}, DETECTOR, where="test")
    table = representation.batch(representation.prepare(events), np.arange(len(events)))["features"]
    return dict(zip(representation.labels()["features"], table.T, strict=True))


def test_shapes_are_those_of_their_definitions() -> None:
    found, parts, jets = shapes(EVENTS), EVENTS.constituents, EVENTS.jets
    for jet in range(8):
        rows = slice(parts.offsets[jet], parts.offsets[jet + 1])
        px, py, pz, charge, pdg, d0 = (
            parts[name][rows].astype(float) for name in ("px", "py", "pz", "charge", "pdg", "d0")
        )
        axis = [float(jets[name][jet]) for name in ("px", "py", "pz", "energy")]
        pt = np.hypot(px, py)
        z = pt / pt.sum()
        deta = np.arcsinh(pz / pt) - np.arcsinh(axis[2] / np.hypot(*axis[:2]))
        dphi = (np.arctan2(py, px) - np.arctan2(axis[1], axis[0]) + np.pi) % (2 * np.pi) - np.pi
        away = np.hypot(deta, dphi)
        cov = np.cov(deta, dphi, ddof=0, aweights=pt**2)
        minor, major = np.sqrt(np.linalg.eigvalsh(cov))
        pairs = itertools.combinations(range(len(pt)), 2)
        expected = {
            "pt": np.hypot(*axis[:2]),
            "mass": np.sqrt(axis[3] ** 2 - axis[0] ** 2 - axis[1] ** 2 - axis[2] ** 2),
            "soft_drop_mass": -1.0,
            "constituents": len(pt),
            "charged": (charge != 0).sum(),
            "neutral": (charge == 0).sum(),
            "photons": (pdg == 22).sum(),
            "width": (z * away).sum(),
            "ptd": np.sqrt((pt**2).sum()) / pt.sum(),
            "major": major,
            "minor": minor,
            "c1": sum(z[i] * z[j] * np.hypot(deta[i] - deta[j], dphi[i] - dphi[j]) ** 0.2 for i, j in pairs),
            "share_2": np.sort(z)[-2],
            "charged_share": z[charge != 0].sum(),
            "jet_charge": (np.sign(charge) * np.sqrt(z)).sum(),
            "annulus_2": z[(away >= 0.1) & (away < 0.2)].sum(),
            "d0_1": np.abs(d0).max(),
            "d0_3": np.sort(np.abs(d0))[-3],
            "d0_significance_1": np.abs(d0).max() / 0.02,
            "lifetime_1": max(0.0, (np.abs(d0) * np.sign(-d0 * np.sin(dphi))).max()),
            "displaced": (np.abs(d0) > 0.1).sum(),
            "displaced_share": z[np.abs(d0) > 0.1].sum(),
            "track_share_1": z[np.abs(d0).argmax()],
            "track_distance_2": away[np.argsort(np.abs(d0))[-2]],
        }
        for name, value in expected.items():
            assert found[name][jet] == pytest.approx(value, rel=2e-4, abs=2e-4), name


def test_wide_jets_are_wider() -> None:
    found, label = shapes(EVENTS), EVENTS.field("jet_label")
    assert np.median(found["width"][label == 1]) > 1.5 * np.median(found["width"][label == 0])


def test_leptons_are_counted_and_their_momentum_across_the_axis_is_told() -> None:
    parts = EVENTS.constituents
    pdg = parts["pdg"].copy()
    first = parts.offsets[:-1]
    pdg[first] = -13
    found = shapes(
        Events({"jets": EVENTS.jets, "constituents": Collection(parts.offsets, {**parts.columns, "pdg": pdg})})
    )
    assert (found["muons"] == 1).all()
    assert (found["electrons"] == 0).all()
    assert ((found["lepton_pt"] > 0) & (found["lepton_share"] > 0)).all()


def test_tracks_of_other_vertices_do_not_count() -> None:
    parts = EVENTS.constituents
    far = Collection(parts.offsets, {**parts.columns, "z0": np.full(parts.rows, 7.0)})
    events = Events({"jets": EVENTS.jets, "constituents": far})
    assert (shapes(events)["d0_1"] == 0).all()
    np.testing.assert_array_equal(shapes(events, max_z0=8.0)["d0_1"], shapes(EVENTS)["d0_1"])
    assert (shapes(EVENTS, max_d0=0.01)["d0_1"] <= 0.01).all()


def test_a_jet_without_constituents_has_zeros() -> None:
    none = EVENTS.constituents.select_rows(EVENTS.constituents.event != 3)
    found = shapes(Events({"jets": EVENTS.jets, "constituents": none}))
    assert found["pt"][3] > 0
    for name in ("constituents", "width", "ptd", "major", "c1", "d0_1", "track_z0_1", "annulus_1"):
        assert found[name][3] == 0, name


def test_an_unknown_feature_is_refused_by_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'width'"):
        shapes(EVENTS, names=["widhts"])
    assert list(shapes(EVENTS, names=["ptd", "pt"])) == ["ptd", "pt"]


def test_tracks_and_cells_are_told_apart_within_a_radius() -> None:
    detector, events = sample("jets")
    block = {"name": "jet_features", "names": ("pt", "constituents", "width")}

    def table(**settings: Any) -> tuple[list[str], np.ndarray]:
        made = REPRESENTATIONS.build({**block, **settings}, detector, where="test")
        values = made.batch(made.prepare(events), np.arange(len(events)))["features"]
        assert made.shapes() == {"features": (values.shape[1],)}
        return made.labels()["features"], values

    names, both = table(parts=("charged", "neutral"))
    assert names == ["pt", "charged_constituents", "charged_width", "neutral_constituents", "neutral_width"]
    _, whole = table()
    np.testing.assert_allclose(both[:, 1] + both[:, 3], whole[:, 1])
    np.testing.assert_array_equal(both[:, 0], whole[:, 0])
    charged = np.isin(np.abs(events.constituents["pdg"]), (11, 13, 211))
    np.testing.assert_array_equal(both[:, 1], events.constituents.sum(charged.astype(float)))
    _, narrow = table(radius=0.2)
    assert (narrow[:, 1] <= whole[:, 1]).all()
    assert narrow[:, 2].max() < 0.2
    assert table(parts=("all", "charged"))[0] == [
        "pt",
        "constituents",
        "width",
        "charged_constituents",
        "charged_width",
    ]
