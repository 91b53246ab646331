from __future__ import annotations

import numpy as np
import pytest

from hitforge.core.errors import RunError
from hitforge.detectors import DETECTORS
from hitforge.simulation.stages import acts_fatras
from hitforge.simulation.stages.tracker_primaries import empty, gun

DETECTOR = DETECTORS.build("silicon_barrel_endcap", where="test")


def test_what_is_sent_comes_back_with_its_crossings(capfd: pytest.CaptureFixture[str]) -> None:
    sent = gun(np.random.default_rng(1), 3, 7, (211, -211), (1.0, 5.0), False, (-2.0, 2.0), (0.01, 50.0))
    made = acts_fatras.run(sent, DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    first = made.generation == 0
    assert first.sum() == 21
    np.testing.assert_array_equal(made.event[first], sent.event)
    np.testing.assert_array_equal(made.pdg[first], sent.pdg)
    np.testing.assert_allclose(made.momentum[first], sent.momentum, rtol=1e-6)
    np.testing.assert_allclose(made.vertex[first], sent.vertex, atol=1e-5)
    assert (made.particle >= 0).all()
    np.testing.assert_array_equal(made.event[made.particle], made.of_event)
    row = DETECTOR.row(made.module)
    away = np.einsum("ni,ni->n", made.place - DETECTOR.modules.centre[row], DETECTOR.modules.axes[row, 2])
    np.testing.assert_allclose(away, 0, atol=1e-3)
    assert capfd.readouterr() == ("", "")


def test_times_of_production_are_kept() -> None:
    sent = gun(np.random.default_rng(1), 1, 2, (13,), (1.0, 5.0), False, (-2.0, 2.0), (0.01, 50.0))
    sent.delay[:] = 100.0, 200.0
    made = acts_fatras.run(sent, DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    np.testing.assert_allclose(made.delay, [100, 200])


def test_events_without_particles_stay() -> None:
    made = acts_fatras.run(empty(2), DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
    assert len(made.event) == len(made.module) == 0


def test_error_of_acts_is_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acts_fatras, "_BARCODE", ("pv", "sv"))
    with pytest.raises(RunError, match="ACTS must simulate the events; got: Missing header column"):
        acts_fatras.run(empty(1), DETECTOR.tracking_geometry, DETECTOR.magnetic_field, 0.1, 5)
