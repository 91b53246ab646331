from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import DataError
from hitforge.events import Collection, Events
from hitforge.events.jets import axes, jet_events, lifetime_signed, require_one_jet


def test_jets_without_momenta_of_their_own_are_sums() -> None:
    parts = {"px": np.arange(5.0), "py": np.ones(5), "pz": np.zeros(5), "energy": np.full(5, 9.0)}
    events = jet_events(np.array([2, 0, 3]), parts, None, {})
    assert events.jets["px"].tolist() == [1, 0, 9]
    assert events.jets["energy"].tolist() == [18, 0, 27]
    assert events.jets["soft_drop_mass"].tolist() == [-1, -1, -1]
    assert not events.constituents["charge"].any()
    assert events.check() is events


def jets(counts: list[int]) -> Events:
    rows = sum(counts)
    columns = {"px": np.full(rows, 3.0), "py": np.full(rows, -4.0), "pz": np.full(rows, 5.0 * np.sinh(1.2))}
    columns |= {"energy": np.sqrt(25 * np.cosh(1.2) ** 2 + 4.0) * np.ones(rows), "soft_drop_mass": np.zeros(rows)}
    return Events({"jets": Collection.from_counts(np.array(counts), columns)})


def test_axes_are_those_of_the_momentum() -> None:
    found = axes(jets([1, 1]))
    np.testing.assert_allclose(found.pt, 5.0)
    np.testing.assert_allclose(found.eta, 1.2, rtol=1e-6)
    np.testing.assert_allclose(found.phi, np.arctan2(-4.0, 3.0), rtol=1e-6)
    np.testing.assert_allclose(found.mass, 2.0, rtol=1e-5)


def test_an_event_without_one_jet_is_refused() -> None:
    require_one_jet(jets([1, 1, 1]), "it")
    with pytest.raises(DataError, match=r"it needs one jet.*2 jets, and 1 more.*event 1"):
        require_one_jet(jets([1, 2, 0]), "it")


def test_a_track_of_a_decay_on_the_jets_side_is_positive() -> None:
    """A straight track from a point in front of the vertex, or behind it, at either side of the axis."""
    for forward in (1.0, -1.0):
        for dphi in (0.3, -0.2):
            x, y = 5.0 * forward, 0.0  # the decay, on the axis along x
            along = x * np.cos(dphi) + y * np.sin(dphi)
            nearest = np.array([x - along * np.cos(dphi), y - along * np.sin(dphi)])
            d0 = -nearest[0] * np.sin(dphi) + nearest[1] * np.cos(dphi)
            assert np.hypot(*nearest) == pytest.approx(abs(d0))
            signed = lifetime_signed(np.array([d0]), np.array([dphi]))[0]
            assert signed == pytest.approx(forward * 5.0 * abs(np.sin(dphi)))
