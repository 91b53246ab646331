"""Images of jets: what stands in which pixel, what lies beyond, and orientations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hitforge.core.errors import ConfigError, DataError
from hitforge.events import Events
from hitforge.events.jets import jet_events
from hitforge.representations import REPRESENTATIONS, Prepared, Representation
from hitforge.testing._samples import sample

DETECTOR, EVENTS = sample("jets")


def built(**values: Any) -> Representation:
    return REPRESENTATIONS.build({"name": "jet_image", **values}, DETECTOR, where="test")


def made(events: Events, random: Any = None, **values: Any) -> tuple[np.ndarray, Prepared]:
    representation = built(**values)
    prepared = representation.prepare(events)
    return representation.batch(prepared, np.arange(len(events)), random)["image"], prepared


def jet(pt: list[float], deta: list[float], dphi: list[float], pdg: list[int]) -> Events:
    size, eta, phi = np.array(pt), 0.5 + np.array(deta), 3.1 + np.array(dphi)  # across the end of the azimuth
    columns = {
        "px": size * np.cos(phi),
        "py": size * np.sin(phi),
        "pz": size * np.sinh(eta),
        "energy": size * np.cosh(eta),
    }
    charge = np.sign(pdg) * np.isin(np.abs(pdg), (11, 211))
    axis = {"px": [np.cos(3.1)], "py": [np.sin(3.1)], "pz": [np.sinh(0.5)], "energy": [np.cosh(0.5)]}
    whole = {name: np.array(values) * 100 for name, values in axis.items()}
    return jet_events(np.array([len(pt)]), {**columns, "pdg": np.array(pdg), "charge": charge}, whole, {})


def test_constituents_stand_in_their_pixels() -> None:
    event = jet([60, 20, 15, 5], [0.05, 0.05, -0.35, 0.9], [0.05, 0.05, 0.25, 0.0], [211, 22, 130, -211])
    channels = ("charged", "photon", "neutral_hadron", "pt", "count", "charged_count")
    image, prepared = made(event, rows=8, columns=8, extent=0.4, channels=channels, scale="share")
    assert image.shape == (1, 8, 8, 6)
    assert image[0, 4, 4] == pytest.approx([0.6, 0.2, 0, 0.8, 2, 1])
    assert image[0, 0, 6] == pytest.approx([0, 0, 0.15, 0.15, 1, 0])
    assert np.count_nonzero(image[..., 3]) == 2
    assert prepared.dense["left_out"] == pytest.approx([5], rel=1e-4)
    root, _ = made(event, rows=8, columns=8, extent=0.4, channels=channels)
    assert root == pytest.approx(np.sqrt(image))
    log, _ = made(event, rows=8, columns=8, extent=0.4, channels=channels, scale="log_pt")
    assert log[0, 4, 4] == pytest.approx(
        [np.log1p(120), np.log1p(40), 0, np.log1p(160), np.log(3), np.log(2)], rel=1e-5
    )


def test_impact_parameters_are_those_of_the_hardest_track() -> None:
    event = jet([60, 80, 90, 5], [0.05, 0.05, 0.05, -0.35], [0.05, 0.05, 0.05, 0.25], [211, -211, 22, 130])
    event.constituents.columns["d0"][:] = [0.3, -0.2, 0.9, 0.7]
    event.constituents.columns["z0"][:] = [1.0, 2.0, 3.0, 4.0]
    image, _ = made(event, rows=8, columns=8, extent=0.4, channels=("d0", "z0", "charged"), impact_scale=0.2)
    assert image[0, 4, 4, :2] == pytest.approx([np.arcsinh(-1), np.arcsinh(10)])
    assert np.count_nonzero(image[..., :2]) == 2  # a neutral one has none


class Always:
    """Mirrors all jets, in rows and in columns."""

    def random(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape)


def test_mirrors_turn_the_signs_of_impact_parameters() -> None:
    event = jet([60, 30], [0.05, -0.25], [0.15, 0.05], [211, -211])
    event.constituents.columns["d0"][:], event.constituents.columns["z0"][:] = [0.3, -0.2], [1.0, 2.0]
    channels = ("charged", "d0", "z0")
    image, _ = made(event, rows=8, columns=8, extent=0.4, channels=channels)
    mirrored, _ = made(event, random=Always(), rows=8, columns=8, extent=0.4, channels=channels)
    np.testing.assert_allclose(mirrored[0], image[0, ::-1, ::-1] * [1, -1, -1])
    with pytest.raises(ConfigError, match="turned has no impact parameters; got: d0, z0"):
        built(channels=channels, align=True)


def test_nothing_is_lost_inside_and_mirrors_keep_it() -> None:
    image, prepared = made(EVENTS, extent=3.0, channels=("pt", "count"), scale="share")
    parts = EVENTS.constituents
    assert image[..., 0].sum(axis=(1, 2)) == pytest.approx(np.ones(len(EVENTS)), abs=1e-4)
    assert image[..., 1].sum(axis=(1, 2)).tolist() == parts.counts.tolist()
    assert not prepared.dense["left_out"].any()
    mirrored, _ = made(EVENTS, np.random.default_rng(1), extent=3.0, channels=("pt", "count"), scale="share")
    seen = set()
    for one, other in zip(image, mirrored, strict=True):
        ways = [one[::i, ::j] for i in (1, -1) for j in (1, -1)]
        match = [np.array_equal(way, other) for way in ways]
        assert any(match)
        seen.add(match.index(True))
    assert seen == {0, 1, 2, 3}


def test_turned_jets_become_alike_when_aligned() -> None:
    pt, deta, dphi, pdg = [60.0, 30.0, 20.0], np.array([0.4, -0.1, 0.02]), np.array([0.1, 0.0, -0.12]), [211, 22, 130]
    settings = {"rows": 16, "columns": 16, "align": True, "scale": "share"}
    reference, _ = made(jet(pt, list(deta), list(dphi), pdg), **settings)
    for angle, flip in ((0.7, 1), (2.5, -1), (-1.9, 1)):
        eta = deta * np.cos(angle) - dphi * np.sin(angle)
        phi = flip * (deta * np.sin(angle) + dphi * np.cos(angle))
        other, _ = made(jet(pt, list(eta), list(phi), pdg), np.random.default_rng(2), **settings)
        assert other == pytest.approx(reference, abs=1e-5)
    plain, _ = made(jet(pt, list(deta), list(dphi), pdg), rows=16, columns=16, scale="share")
    assert not np.allclose(plain, reference)


def test_wrong_settings_and_events_are_refused() -> None:
    with pytest.raises(ConfigError, match="differ"):
        built(channels=("pt", "pt"))
    two = EVENTS.take(np.array([0]))
    jets = two.collections["jets"]
    without = Events(
        {**two.collections, "jets": jets.from_counts(np.array([0]), {n: v[:0] for n, v in jets.columns.items()})},
        {},
        {},
    )
    with pytest.raises(DataError, match=r"jet_image.*one jet"):
        built().prepare(without)
    nothing = jet_events(np.array([0]), {}, {name: np.ones(1) for name in ("px", "py", "pz", "energy")}, {})
    assert not made(nothing)[0].any()
