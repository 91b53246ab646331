"""Dense images of jets, and lit pixels that are put together."""

from __future__ import annotations

import numpy as np

from hitforge.events import Events
from hitforge.events.jets import jet_events
from hitforge.readers._jet_pixels import Pixels, images_of


def jet(pt: list[float], deta: list[float], dphi: list[float], pdg: list[int], d0: list[float]) -> Events:
    size, eta, phi = np.array(pt), 1.0 + np.array(deta), -3.1 + np.array(dphi)  # across the end of the azimuth
    columns = {"px": size * np.cos(phi), "py": size * np.sin(phi), "pz": size * np.sinh(eta), "pdg": np.array(pdg)}
    columns |= {"energy": size * np.cosh(eta), "d0": np.array(d0), "z0": 2 * np.array(d0)}
    axis = {"px": [np.cos(-3.1)], "py": [np.sin(-3.1)], "pz": [np.sinh(1.0)], "energy": [np.cosh(1.0)]}
    return jet_events(np.array([len(pt)]), columns, {name: np.array(of) for name, of in axis.items()}, {})


def test_constituents_add_up_in_pixels_about_the_axis() -> None:
    event = jet(
        [5.0, 9.0, 3.0, 2.0, 7.0, 1.0],
        [0.0, 0.0, 0.1, 0.0, -0.2, 0.9],
        [0.0, 0.0, 0.0, -0.1, 0.2, 0.0],
        [211, -13, 22, 130, 211, 22],
        [0.1, 0.3, 0.0, 0.0, -0.2, 0.0],
    )
    images = images_of(event, 5, 0.1, impact=True)
    assert images.values.shape == (1, 5, 5, 5)
    track, d0, z0, photon, neutral = images.values[0]
    np.testing.assert_allclose(track[[2, 0], [2, 4]], [14.0, 7.0])
    np.testing.assert_allclose(d0[[2, 0], [2, 4]], [0.3, -0.2])  # of the hardest
    np.testing.assert_allclose(z0, 2 * d0)
    assert (photon[3, 2], neutral[2, 1]) == (3.0, 2.0)
    assert [np.count_nonzero(of) for of in (track, photon, neutral)] == [2, 1, 1]
    np.testing.assert_allclose(images.outside, [1, 1.0])
    assert images.shared == 1
    plain = images_of(event, 5, 0.1, impact=False).values[0]
    np.testing.assert_array_equal(plain, np.stack([track, photon, neutral]))


def pixels(events: list[int], jets: int, pdg: int) -> Pixels:
    rows = np.arange(len(events), dtype=float)
    zeros = np.zeros(len(events))
    return Pixels(
        np.array(events), rows, rows, rows, np.full(len(events), pdg), zeros, zeros, np.ones(jets), np.zeros(jets)
    )


def test_channels_of_jets_are_put_together_jet_by_jet_and_jets_are_appended() -> None:
    merged = Pixels.merge([pixels([0, 2, 2], 3, 211), pixels([0, 1], 3, 22)])
    assert merged.event.tolist() == [0, 0, 1, 2, 2]
    assert merged.pdg.tolist() == [211, 22, 22, 211, 211]
    assert merged.pt.tolist() == [0, 0, 1, 1, 2]
    assert merged.dropped.tolist() == [2, 2, 2]
    both = Pixels.concatenate([merged, pixels([0], 1, 130)])
    assert both.event.tolist() == [0, 0, 1, 2, 2, 3]
    assert len(both.dropped) == 4
