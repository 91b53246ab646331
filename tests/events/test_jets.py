from __future__ import annotations

import numpy as np

from hitforge.events.jets import jet_events


def test_jets_without_momenta_of_their_own_are_sums() -> None:
    parts = {"px": np.arange(5.0), "py": np.ones(5), "pz": np.zeros(5), "energy": np.full(5, 9.0)}
    events = jet_events(np.array([2, 0, 3]), parts, None, {})
    assert events.jets["px"].tolist() == [1, 0, 9]
    assert events.jets["energy"].tolist() == [18, 0, 27]
    assert events.jets["soft_drop_mass"].tolist() == [-1, -1, -1]
    assert not events.constituents["charge"].any()
    assert events.check() is events
